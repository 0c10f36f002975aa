import type { KernelNeed } from "../../lib/prepare/kernel-needs.ts";
import { counted, firstLines, formatTable, printable } from "../table.ts";
import type { PlaceReport, RelocatedReport, RelocateReport } from "./relocate.ts";

const RIGHT: ReadonlySet<string> = new Set(["RELOCATIONS", "CHANGED", "POISONED", "BYTES"]);
/** Lines of each list; --json has all. */
const MOST_LINES = 20;

/** A line an object: what was written, and whether it wants the kernel's BTF all the same. */
export function relocateText({ objects }: RelocateReport): string {
  const rows = objects.map((object) => [
    object.name,
    `${object.relocations.applied}`,
    `${object.changedInstructions}`,
    `${object.poisoned.length}`,
    `${object.bytes.after ?? object.bytes.before}`,
    wants(object),
    object.output ?? "not written",
  ]);
  const header = ["OBJECT", "RELOCATIONS", "CHANGED", "POISONED", "BYTES", "KERNEL BTF", "OUTPUT"];
  return formatTable(header, rows, RIGHT) + objects.map(lists).join("");
}

function wants({ needs }: RelocatedReport): string {
  if (needs.length === 0) return "not needed";
  const kinds = [...new Set(needs.map(({ kind }) => (kind === "program" ? "attach type" : kind)))];
  return `${needs.every(({ optional }) => optional) ? "optional" : "needed"} (${kinds.join(", ")})`;
}

function lists(object: RelocatedReport): string {
  return (
    listText(`${object.name} wants of the kernel's BTF:`, object.needs.map(needLine)) +
    listText(
      `${object.name}, poisoned:`,
      object.poisoned.map((one) => `${placeLine(one)}${one.guarded ? " (guarded)" : ""}`),
    ) +
    listText(`${object.name}, ids in this kernel's BTF:`, object.targetTypeIds.map(placeLine)) +
    listText(
      `${object.name}, ids in the object's own BTF (right where a loader loads that as it is):`,
      object.localTypeIds.map(placeLine),
    )
  );
}

function listText(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return `\n${printable(title)}\n${firstLines(lines, MOST_LINES)
    .map((line) => `  ${printable(line)}\n`)
    .join("")}`;
}

function refused(optional: boolean): string {
  return optional ? "poisoned, in a program that is not loaded by default" : "a loader refuses the object";
}

function needLine({ kind, user, name, optional }: KernelNeed): string {
  const what = name === null ? "a target to attach to" : name;
  return `${kind === "program" ? "attach type" : kind}: ${what} (${user}${optional ? ", optional" : ""})`;
}

function placeLine({ program, section, instruction, kind, path }: PlaceReport): string {
  return `${program ?? section}+${instruction}: ${kind} ${path}`;
}

/** Why something is not written, for standard error. */
export function relocateNotes({ objects, filesWithoutObjects, written }: RelocateReport): string[] {
  const notes: string[] = [];
  if (filesWithoutObjects > 0) notes.push(`${counted(filesWithoutObjects, "file")} without an object passed over`);
  for (const object of objects) {
    for (const failure of object.failures.slice(0, MOST_LINES)) {
      notes.push(printable(`${object.name}: ${placeLine(failure)}: ${failure.reason}: ${refused(failure.optional)}`));
    }
    if (object.refusedFor.includes("needs")) {
      notes.push(printable(`${object.name} wants the kernel's BTF for more than relocations: refused by --strict`));
    }
    if (object.refusedFor.includes("targetTypeIds")) {
      notes.push(printable(`${object.name} has ids of this very kernel's BTF in its code: refused by --strict`));
    }
  }
  if (!written) notes.push("nothing is written");
  return notes;
}
