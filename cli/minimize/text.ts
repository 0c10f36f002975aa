import { placeText } from "../../lib/core/place.ts";
import { unusedRuleNotes } from "../inputs/allow-list.ts";
import { lackingNotes, lackingObjects, NOTHING_TO_RELOCATE } from "../objects/lacking.ts";
import { needLines } from "../objects/needs.ts";
import { aFew, counted, firstLines, grouped, printable } from "../table.ts";
import { proofLines } from "./proof-report.ts";
import { type MinimizeReport, SUMMARY_LINES, type UnresolvedReport } from "./report.ts";

const STATUS_NOTES: Readonly<Record<string, string>> = {
  absent: "checks of existence whose answer is no",
  guarded: "not there, and such a check keeps the program from them",
  poisoned: "must never be reached on this kernel",
  ambiguous: "a loader refuses the object",
  error: "a loader refuses the object",
  skipped: "in no program",
};

/** The summary of a job that was proved. */
export function minimizeText(report: MinimizeReport): string {
  const { kernel, types, bytes, relocations, outputs, proof } = report;
  const rows: [string, string][] = [["kernel", kernel.source]];
  if (kernel.modules.length > 0) rows.push(["modules", kernel.modules.map(shortName).join(", ")]);
  rows.push(["objects", objectsText(report)]);
  rows.push(["types", `${grouped(types.before)} -> ${grouped(types.after)}`]);
  rows.push(["bytes", `${grouped(bytes.before)} -> ${grouped(bytes.after)}${share(bytes.after, bytes.before)}`]);
  rows.push(["relocations", grouped(relocations.total)]);
  for (const [status, count] of Object.entries(relocations.byStatus)) {
    const note = STATUS_NOTES[status];
    rows.push([`  ${status}`, `${grouped(count)}${note === undefined ? "" : ` (${note})`}`]);
  }
  for (const line of proofLines(proof, kernel.source)) rows.push(["proved", line]);
  for (const line of needLines(report.objects)) rows.push(["besides", line]);
  for (const { path, bytes: size } of outputs)
    rows.push(["written", `${path === "-" ? "standard output" : path} (${grouped(size)} bytes)`]);
  rows.push(["time", `${report.durationMs} ms`]);
  const table = rows.map(([name, value]) => `${name.padEnd(13)}${printable(value)}\n`).join("");
  return table + unresolvedText(report);
}

function objectsText({ objects, filesWithoutObjects }: MinimizeReport): string {
  const programs = objects.reduce((sum, object) => sum + object.programs, 0);
  const none = objects.filter(({ relocations, lacks }) => relocations === 0 && lacks === null);
  const parts = [`${objects.length} with ${counted(programs, "program")}`];
  if (none.length > 0) {
    const names = aFew(none.map(({ name }) => shortName(name)));
    parts.push(`${none.length} that need${none.length === 1 ? "s" : ""} no BTF for relocations (${names})`);
  }
  if (filesWithoutObjects > 0) parts.push(`${counted(filesWithoutObjects, "file")} passed over`);
  return parts.join(", ");
}

/** What is not resolved, by status, object and program. */
function unresolvedText({ unresolved, relocations }: MinimizeReport): string {
  const { error = 0, ambiguous = 0, poisoned = 0, guarded = 0, absent = 0 } = relocations.byStatus;
  const total = error + ambiguous + poisoned + guarded + absent;
  if (total === 0) return "";
  const lines = firstLines(unresolved.map(unresolvedLine), SUMMARY_LINES, "", total);
  return `\nNot resolved:\n${lines.map((line) => `  ${printable(line)}\n`).join("")}`;
}

function unresolvedLine(one: UnresolvedReport): string {
  const allowed = one.allowedBy === null ? "" : " (allowed)";
  return `${one.status}: ${placeText(one)}${allowed}${one.reason === "" ? "" : `: ${one.reason}`}`;
}

/**
 * Warnings and remarks about a job, for standard error: a failed proof, what --strict does not let pass, type ids,
 * unused rules, objects of another byte order.
 */
export function minimizeNotes(report: MinimizeReport, allowFile: string | undefined): string[] {
  const { kernel, proof, strict, relocations } = report;
  const notes: string[] = [];
  if (!proof.holds) {
    notes.push("the proof failed, nothing is written; this is a bug in btfgen:", ...proofLines(proof, kernel.source));
  }
  const other = report.objects.filter(({ byteOrder }) => byteOrder !== kernel.byteOrder);
  for (const { name, byteOrder } of other.slice(0, SUMMARY_LINES)) {
    notes.push(`warning: ${name} is ${byteOrder}-endian, the kernel is not: no loader there takes it`);
  }
  const foreign = report.objects.filter(
    ({ arches }) => kernel.arch !== null && arches?.includes(kernel.arch) === false,
  );
  for (const { name, arches } of foreign.slice(0, SUMMARY_LINES)) {
    notes.push(`warning: ${name} is for ${arches?.join(" and ")}, the kernel is ${kernel.arch}`);
  }
  if (relocations.total === 0) notes.push(NOTHING_TO_RELOCATE);
  notes.push(...lackingNotes(strict?.lacking ?? lackingObjects(report.objects), strict !== null));
  notes.push(...typeIdNotes(report));
  for (const { what, reason } of report.notKept) notes.push(`warning: ${what}: not kept, ${reason}`);
  if (strict !== null && strict.refused > 0) {
    notes.push(`--strict: ${counted(strict.refused, "relocation")} poisoned or by target_type_id`);
  }
  notes.push(...unusedRuleNotes(allowFile, strict?.unusedRules ?? []));
  return notes.map(printable);
}

function typeIdNotes({ typeIds }: MinimizeReport): string[] {
  const open = typeIds.filter(({ allowedBy }) => allowedBy === null);
  const lines = open.map((one) => `${placeText(one)}: the type's id is another one in the small BTF`);
  return firstLines(lines, SUMMARY_LINES, "uses of target_type_id").map((line) => `warning: ${line}`);
}

function shortName(source: string): string {
  return source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf(":")) + 1);
}

function share(after: number, before: number): string {
  return before === 0 ? "" : ` (${((100 * after) / before).toPrecision(2)} %)`;
}
