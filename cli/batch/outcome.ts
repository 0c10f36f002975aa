import { statePath } from "../../corpus/batch/state.ts";
import type { WrittenBundle } from "../../corpus/bundle/write.ts";
import { NO_KERNEL } from "../../corpus/source/item.ts";
import { placeText } from "../../lib/core/place.ts";
import { unusedRuleNotes } from "../inputs/allow-list.ts";
import { lackingNotes, lackingObjects, NOTHING_TO_RELOCATE } from "../objects/lacking.ts";
import { needLines } from "../objects/needs.ts";
import {
  EXIT_BAD_INPUT,
  EXIT_COULD_NOT_RUN,
  EXIT_FINDING,
  EXIT_FINE,
  type ExitCode,
  type Outcome,
} from "../outcome.ts";
import { counted, firstLines, grouped, printable } from "../table.ts";
import { leftOutNotes, objectRows } from "./objects.ts";
import { duration } from "./progress.ts";
import { type BatchReport, hasFindings, reportBatch } from "./report.ts";
import type { BatchRun, PreparedBatch } from "./run.ts";
import { kernelCheckLines, kernelChecksText } from "./verify-report.ts";

const LINES = 20;
const SECOND = 1000;
const HASH_DIGITS = 16;

/** What the command says of a run that has ended: a table for people, the last of the lines for machines. */
export function batchOutcome(run: BatchRun, prepared: PreparedBatch): Outcome {
  const report = reportBatch(run, prepared);
  const { json, output } = prepared.request;
  return {
    exitCode: exitCodeOf(run, report, prepared.request.shard !== null),
    json: report,
    // Lines, where other commands write one document.
    ...(json && { stream: (write) => write(new TextEncoder().encode(`${JSON.stringify(report)}\n`)) }),
    text: () => batchText(report),
    notes: isEmpty(run)
      ? [`${prepared.request.corpora.join(", ")}: ${NO_KERNEL}; no bundle is written`]
      : [...passedOverNotes(prepared), ...batchNotes(report, output, prepared.request.allow)],
  };
}

function isEmpty({ end, assembled }: BatchRun): boolean {
  return end.ended === "complete" && assembled === null;
}

function exitCodeOf(run: BatchRun, report: BatchReport, isShard: boolean): ExitCode {
  if (isEmpty(run)) return EXIT_BAD_INPUT;
  if (hasFindings(report)) return EXIT_FINDING;
  return wasNobodyAsked(report, isShard) ? EXIT_COULD_NOT_RUN : EXIT_FINE;
}

/** True where kernels were to be asked and none has said anything; another shard may have those that can. */
function wasNobodyAsked({ verifyKernel, ended }: BatchReport, isShard: boolean): boolean {
  if (verifyKernel === null || ended !== "complete" || isShard) return false;
  const { accepted, failed, "no-answer": silent } = verifyKernel.kernels;
  return accepted + failed + silent === 0;
}

function batchText(report: BatchReport): string {
  const { kernels, bytes, files, relocations, ended } = report;
  const rows: [string, string][] = [
    ["files", `${grouped(files.done)} of ${grouped(files.planned)}, ${grouped(bytes.read)} bytes`],
    ["kernels", kernelsText(kernels)],
    ["outputs", `${grouped(kernels.distinct)} distinct`],
    ["BTF", `${grouped(bytes.before)} -> ${grouped(bytes.after)} bytes, ${grouped(bytes.distinct)} of them distinct`],
    ["relocations", grouped(relocations.total)],
  ];
  for (const status of ["resolved", "absent", "guarded", "poisoned", "ambiguous", "error"] as const) {
    if (relocations[status] > 0) rows.push([`  ${status}`, grouped(relocations[status])]);
  }
  rows.push(["proved", `${counted(report.provedPairs, "pair")} of relocation and candidate the same`]);
  for (const line of needLines(report.objects)) rows.push(["besides", line]);
  if (report.verifyKernel !== null) rows.push(["asked", kernelChecksText(report.verifyKernel)]);
  if (report.objectsSkipped > 0) {
    rows.push([
      "left out",
      `${grouped(report.objectsSkipped)} pairs of object and kernel: other architecture or byte order`,
    ]);
  }
  for (const { name, milliseconds } of report.slowest) rows.push(["slow", `${grouped(milliseconds)} ms ${name}`]);
  if (report.emitted !== null) rows.push(...objectRows(report.emitted.objects, bytes.distinct, grouped));
  const bundles = writtenBundles(report);
  const written = bundles.map(({ path, bytes: size, tarSha256 }) => {
    return `${path} (${grouped(size)} bytes, tar ${tarSha256.slice(0, HASH_DIGITS)})`;
  });
  for (const [i, line] of firstLines(written, LINES).entries()) rows.push([i < LINES ? "written" : "", line]);
  rows.push(["memory", `${grouped(report.peakMemory)} MiB at most`]);
  rows.push(["time", duration(report.durationMs / SECOND)]);
  if (ended !== "complete") rows.push(["ended", ended]);
  const table = rows.map(([name, value]) => `${name.padEnd(13)}${printable(value)}\n`).join("");
  return (
    table +
    unresolvedText(report) +
    (report.verifyKernel === null
      ? ""
      : listText("Not accepted, or not asked", kernelCheckLines(report.verifyKernel))) +
    listText(
      "Skipped",
      report.skipped.map(({ origin, reason }) => `${origin}: ${reason}`),
    )
  );
}

function writtenBundles({ emitted, bundle }: BatchReport): WrittenBundle[] {
  if (emitted !== null) return emitted.objects.map((one) => one.bundle);
  return bundle === null ? [] : [bundle];
}

function kernelsText({ done, skipped, failed, passedOver }: BatchReport["kernels"]): string {
  const parts = [grouped(done)];
  if (skipped > 0) parts.push(`${grouped(skipped)} skipped`);
  if (failed > 0) parts.push(`${grouped(failed)} failed`);
  if (passedOver > 0) parts.push(`${grouped(passedOver)} passed over (no kernel)`);
  return parts.join(", ");
}

function unresolvedText({ unresolved }: BatchReport): string {
  const lines = unresolved.map((one) => {
    const allowed = one.allowedBy === null ? "" : " (allowed)";
    return `${one.status}: ${placeText(one)}${allowed}: ${counted(one.kernels, "kernel")}, first ${one.first}`;
  });
  return listText("Not resolved", lines);
}

function listText(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  const shown = firstLines(lines, LINES).map((line) => `  ${printable(line)}\n`);
  return `\n${title}:\n${shown.join("")}`;
}

/** What hardly anybody means to leave out is said; files that are no kernel are counted. */
export function passedOverNotes({ passedOver }: PreparedBatch): string[] {
  const lines = passedOver.map(({ origin, reason }) => printable(`passed over ${origin}: ${reason}`));
  return firstLines(lines, LINES);
}

function batchNotes(report: BatchReport, output: string, allowFile: string | undefined): string[] {
  const { ended, files, strict, failed, kernels } = report;
  const notes: string[] = [];
  if (failed.length > 0)
    notes.push(`${counted(failed.length, "kernel or file")} failed${ended === "complete" ? " and is left out" : ""}:`);
  const reasons = failed.map(({ origin, reason }) => `${origin}: ${reason}`);
  notes.push(...firstLines(reasons, LINES).map((line) => `  ${line}`));
  if (ended !== "complete") {
    notes.push(
      `stopped at a failure after ${grouped(files.done)} of ${grouped(files.planned)} files; no bundle is written`,
    );
    notes.push(`what is done is in ${statePath(output)}: the same command with --resume goes on`);
  }
  if (report.objects.every(({ relocations }) => relocations === 0)) notes.push(NOTHING_TO_RELOCATE);
  notes.push(...lackingNotes(strict?.lacking ?? lackingObjects(report.objects), strict !== null));
  if (strict !== null && strict.refused > 0) {
    notes.push(`--strict: ${counted(strict.refused, "relocation")} poisoned or by target_type_id`);
  }
  notes.push(...unusedRuleNotes(allowFile, strict?.unusedRules ?? []));
  notes.push(...leftOutNotes(report.emitted?.objects ?? []).slice(0, LINES));
  for (const { what, reason, kernels: count, first } of report.notKept.slice(0, LINES)) {
    notes.push(`warning: ${what}: ${reason} (${counted(count, "kernel")}, first ${first})`);
  }
  if (report.verifyKernel !== null && ended === "complete") {
    const { accepted, failed: refused, "no-answer": silent } = report.verifyKernel.kernels;
    if (silent > 0) notes.push(`--verify-kernel: ${counted(silent, "kernel")} gave no answer`);
    if (accepted + refused + silent === 0) notes.push("--verify-kernel: no kernel could be asked");
  }
  if (ended === "complete" && report.bundle === null) notes.push("no kernel is left: no bundle is written");
  else if (ended === "complete" && kernels.done === 0) notes.push("warning: no kernel is in the bundle");
  return notes.map(printable);
}
