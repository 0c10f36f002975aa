import { INSN_BYTES } from "../../lib/core/instruction.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type Place, placeOf, placeText } from "../../lib/core/place.ts";
import type { ReloRecord } from "../../lib/core/resolve.ts";
import { lineLookup } from "../../lib/core/source-line.ts";
import { describePlaces } from "../../lib/core/survey.ts";
import { errnoName } from "../../lib/verify/errno.ts";
import type { LoaderComparison } from "../../lib/verify/loader-code.ts";
import type { LoadedProgram } from "../../lib/verify/loader-run.ts";
import type { RefusalKind } from "../../lib/verify/refusal.ts";
import type { ObjectVerdicts, ProgramVerdict, Verdict, VerdictFailure } from "../../lib/verify/verdicts.ts";
import type { NativeResult } from "./levels.ts";

/** Level `btf-load`. */
export interface BtfLoadReport {
  readonly holds: boolean;
  /** `EINVAL`; null where the kernel takes it. */
  readonly error: string | null;
  /** The end of the kernel's log; empty where it takes it. */
  readonly log: string;
}

/** An object with which the native library died or fell silent. */
export interface BrokenReport {
  readonly object: string;
  readonly side: "full" | "small" | null;
  readonly pass: string | null;
  readonly program: string | null;
  readonly how: string;
}

/** Level `libbpf`. */
export interface LibbpfReport {
  readonly holds: boolean;
  /** Why the level is not reached although nothing differs; null where something does, or it is reached. */
  readonly untested: string | null;
  readonly version: string;
  /** Programs, each counted once for each opening. */
  readonly programs: number;
  /** Relocated instructions compared with ours. */
  readonly relocations: number;
  readonly differences: readonly {
    readonly what: "full-small" | "ours";
    readonly object: string;
    readonly program: string | null;
    readonly instruction: number | null;
    readonly full: string;
    readonly small: string;
    readonly relocation: Place | null;
  }[];
  readonly notCompared: readonly {
    readonly object: string;
    readonly program: string | null;
    readonly reason: string;
  }[];
  readonly broken: readonly BrokenReport[];
}

/** One program at level `kernel`. */
export interface ProgramReport {
  readonly object: string;
  readonly program: string;
  readonly section: string;
  readonly verdict: Verdict;
  readonly reason: { readonly kind: RefusalKind; readonly text: string } | null;
  readonly failure: FailureReport | null;
  /** As loaded first with full and with small BTF; null where it was not. */
  readonly loaded: { readonly full: LoadedReport | null; readonly small: LoadedReport | null };
}

/** A program as the kernel counts it. */
export interface LoadedReport extends Omit<LoadedProgram, "id"> {
  /** The kernel's ids of all its loads, in order: audit records have them as prog-id. */
  readonly ids: readonly number[];
}

/** Why a program fails. */
export interface FailureReport extends VerdictFailure {
  /** The relocation behind the instruction at which the verifier stopped; null where none is found. */
  readonly relocation: Place | null;
  /** The source line of that instruction; null where the object does not say. */
  readonly source: string | null;
}

/** Level `kernel`. */
export interface KernelReport {
  readonly holds: boolean;
  /** Why the level is not reached although nothing fails; null where something does, or it is reached. */
  readonly untested: string | null;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly programs: readonly ProgramReport[];
  /** All accepted programs of an object, loaded at once. */
  readonly together: readonly {
    readonly object: string;
    readonly verdict: Verdict;
    readonly reason: { readonly kind: RefusalKind; readonly text: string } | null;
    readonly failure: VerdictFailure | null;
  }[];
  readonly mapChanges: readonly { readonly object: string; readonly change: string }[];
  readonly broken: readonly BrokenReport[];
}

/** Level `btf-load` of a result; null where it did not run. */
export function reportBtfLoad({ answer }: NativeResult): BtfLoadReport | null {
  if (!answer?.btf) return null;
  const { accepted, errno, log } = answer.btf;
  return { holds: accepted, error: accepted ? null : errnoName(errno), log };
}

/** Level `libbpf` of a result; null where it did not run. */
export function reportLibbpf(result: NativeResult, objects: readonly BpfObject[]): LibbpfReport | null {
  const { answer, code } = result;
  if (answer === null || code === null) return null;
  const places = placesFor(code);
  const differences = code.flatMap((one, i) =>
    one.differences.map(({ what, program, slot, full, small, record }) => ({
      what,
      object: objects[i]?.source ?? "",
      program,
      instruction: slot,
      full,
      small,
      relocation: record === null ? null : (places.get(record) ?? null),
    })),
  );
  const notCompared = code.flatMap((one, i) =>
    one.notCompared.map((entry) => ({ object: objects[i]?.source ?? "", ...entry })),
  );
  const broken = brokenAt(result, objects, true);
  const programs = sum(code.map((one) => one.programs));
  const failed = differences.length > 0 || diedWithSmallOnly(broken);
  const untested = failed ? null : untestedText(broken, programs, "libbpf relocates none of the objects' programs");
  return {
    holds: !failed && untested === null,
    untested,
    version: answer.machine.libbpf ?? "",
    programs,
    relocations: sum(code.map(({ relocations }) => relocations)),
    differences,
    notCompared,
    broken,
  };
}

/** Level `kernel` of a result; null where it did not run. */
export function reportKernel(result: NativeResult, objects: readonly BpfObject[]): KernelReport | null {
  const { verdicts, code } = result;
  if (verdicts === null) return null;
  const programs = verdicts.flatMap((one, i) => {
    const object = objects[i];
    return object === undefined ? [] : one.programs.map((program) => reportProgram(object, program, code?.[i]));
  });
  const together = verdicts.flatMap((one, i) => reportTogether(one, objects[i]?.source ?? ""));
  const counts = { accepted: 0, "not-tested": 0, failed: 0 };
  for (const { verdict } of programs) counts[verdict]++;
  const broken = brokenAt(result, objects, false);
  const failed = counts.failed > 0 || together.some(({ verdict }) => verdict === "failed") || diedWithSmallOnly(broken);
  const nothing = "none of the objects' programs can be tested by this kernel";
  const untested = failed ? null : untestedText(broken, counts.accepted, nothing);
  return {
    holds: !failed && untested === null,
    untested,
    counts,
    programs,
    together,
    mapChanges: verdicts.flatMap(({ mapChanges }, i) =>
      mapChanges.map((change) => ({ object: objects[i]?.source ?? "", change })),
    ),
    broken,
  };
}

function reportTogether({ together }: ObjectVerdicts, object: string): KernelReport["together"] {
  if (together === null) return [];
  const { verdict, reason, failure } = together;
  return [{ object, verdict, reason: reason === null ? null : { kind: reason.kind, text: reason.text }, failure }];
}

function reportProgram(
  object: BpfObject,
  { program, section, verdict, reason, failure, loaded }: ProgramVerdict,
  code: LoaderComparison | undefined,
): ProgramReport {
  return {
    object: object.source,
    program,
    section,
    verdict,
    reason: reason === null ? null : { kind: reason.kind, text: reason.text },
    failure: failure === null ? null : { ...failure, ...blame(object, program, section, failure, code) },
    loaded: { full: reportLoaded(loaded.full), small: reportLoaded(loaded.small) },
  };
}

function reportLoaded(loads: readonly LoadedProgram[]): LoadedReport | null {
  const [first] = loads;
  if (first === undefined) return null;
  const { tag, verifiedInstructions } = first;
  return { ids: loads.map(({ id }) => id), tag, verifiedInstructions };
}

/**
 * The relocation behind a failure: of the instructions that libbpf makes other code of, the last one up to where the
 * verifier stopped (what it stops at may only use what an earlier one read), else the first one; and the source line.
 */
function blame(
  object: BpfObject,
  program: string,
  section: string,
  { instruction }: VerdictFailure,
  code: LoaderComparison | undefined,
): Pick<FailureReport, "relocation" | "source"> {
  const changed = (code?.differences ?? []).filter((one) => one.program === program && one.record !== null);
  const upTo = changed.filter(({ slot }) => instruction === null || (slot ?? 0) <= instruction);
  const record = (upTo.at(-1) ?? changed[0])?.record ?? null;
  const relocation = record === null ? null : (placesOf([record]).get(record) ?? null);
  const own = object.programs.find((one) => one.name === program && one.section === section);
  if (instruction === null || own === undefined || instruction * INSN_BYTES >= own.size) {
    return { relocation, source: relocation?.source ?? null };
  }
  const line = lineLookup(object)({ section, insnOffset: own.offset + instruction * INSN_BYTES });
  const file = line?.file.slice(line.file.lastIndexOf("/") + 1);
  return { relocation, source: line === null ? null : `${file}:${line.line}` };
}

function brokenAt({ answer }: NativeResult, objects: readonly BpfObject[], relocating: boolean): BrokenReport[] {
  return (answer?.broken ?? [])
    .filter(({ step }) => (step === null || step.pass === "relocate") === relocating)
    .map(({ object, step, how }) => ({
      object: objects[object]?.source ?? "",
      side: step?.side ?? null,
      pass: step?.pass ?? null,
      program: step?.program ?? null,
      how,
    }));
}

/** True where the native part dies with small BTF: it came through the same step with full BTF just before. */
function diedWithSmallOnly(broken: readonly BrokenReport[]): boolean {
  return broken.some(({ side }) => side === "small");
}

function untestedText(broken: readonly BrokenReport[], tested: number, nothing: string): string | null {
  const [first] = broken;
  if (first !== undefined) return `the native part did not come to its end with ${first.object}: ${first.how}`;
  return tested === 0 ? nothing : null;
}

function placesFor(code: readonly LoaderComparison[]): Map<ReloRecord, Place> {
  return placesOf(code.flatMap(({ differences }) => differences.flatMap(({ record }) => record ?? [])));
}

/** Places of relocations by their records. */
export function placesOf(records: readonly ReloRecord[]): Map<ReloRecord, Place> {
  return new Map([...describePlaces(records)].map(([record, description]) => [record, placeOf(description)]));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** What level `btf-load` says in words; nothing where all is well. */
export function btfLoadLines(report: BtfLoadReport, small: string): string[] {
  if (report.holds) return [];
  const log = report.log.split("\n").filter((line) => line.trim() !== "");
  return [
    `${small}: the kernel refuses it (${report.error})`,
    ...log.slice(-3).map((line) => `  kernel: ${line.trim()}`),
  ];
}

/** What level `libbpf` says in words. */
export function libbpfLines(report: LibbpfReport): string[] {
  const differences = report.differences.map(({ what, object, program, instruction, full, small, relocation }) => {
    const at = `${object}: ${program ?? "(all programs)"}${instruction === null ? "" : `, insn ${instruction} as loaded`}`;
    const behind = relocation === null ? "" : ` [${placeText(relocation)}]`;
    const who = what === "ours" ? "libbpf and this engine differ" : "libbpf's code differs";
    return `${at}: ${who}: ${full}; ${small}${behind}`;
  });
  const skipped = report.notCompared
    .filter(({ program }) => program === null)
    .map(({ object, reason }) => `${object}: not compared: libbpf refuses it with full and with small BTF: ${reason}`);
  return [...differences, ...skipped, ...report.broken.map(brokenLine)];
}

/** What level `kernel` says in words: each failure in full, what is not tested by its reason. */
export function kernelLines(report: KernelReport): string[] {
  const lines: string[] = [];
  for (const { object, program, failure } of report.programs) {
    if (failure === null) continue;
    const { full, small, source, relocation, verifierLog } = failure;
    const stop = failure.instruction === null ? "" : `, insn ${failure.instruction}${source ? ` (${source})` : ""}`;
    lines.push(`${object}: ${program}${stop}: full BTF: ${full}; small BTF: ${small}`);
    if (relocation !== null) lines.push(`  relocation: ${placeText(relocation)}`);
    for (const line of verifierLog.split("\n").slice(-8)) if (line.trim() !== "") lines.push(`  verifier: ${line}`);
  }
  for (const { object, verdict, failure, reason } of report.together) {
    if (failure !== null)
      lines.push(`${object}: all programs at once: full BTF: ${failure.full}; small BTF: ${failure.small}`);
    else if (verdict === "not-tested")
      lines.push(`${object}: all programs at once: not tested by this kernel: ${reason?.text}`);
  }
  lines.push(...untestedLines(report.programs));
  for (const { object, change } of report.mapChanges) lines.push(`${object}: ${change}`);
  return [...lines, ...report.broken.map(brokenLine)];
}

/** A line for each reason and object, with all its programs. */
function untestedLines(programs: readonly ProgramReport[]): string[] {
  const groups = new Map<string, { object: string; reason: string; names: string[] }>();
  for (const { object, program, reason, verdict } of programs) {
    if (verdict !== "not-tested" || reason === null) continue;
    const key = `${object}\n${reason.text}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { object, reason: `${reason.kind}: ${reason.text}`, names: [program] });
    else group.names.push(program);
  }
  return [...groups.values()].map(
    ({ object, reason, names }) => `${object}: ${names.join(", ")}: not tested by this kernel: ${reason}`,
  );
}

function brokenLine({ object, side, pass, program, how }: BrokenReport): string {
  const at =
    side === null
      ? "at its opening"
      : `with ${side} BTF, pass ${pass}${program === null ? "" : `, program ${program}`}`;
  return `${object}: the native part ended ${at}: ${how}`;
}
