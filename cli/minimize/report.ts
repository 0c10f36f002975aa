import { knownArch } from "../../corpus/arch.ts";
import type { DescribedStatus, ReloDescription } from "../../lib/core/describe.ts";
import { type LackedSection, lackedSection } from "../../lib/core/lacked-section.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type Place, placeOf } from "../../lib/core/place.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import type { ReloRecord } from "../../lib/core/resolve.ts";
import type { RuleSetRecords } from "../../lib/core/resolve-sets.ts";
import {
  countStatuses,
  describeChosen,
  describePlaces,
  type Judged,
  judge,
  type StatusCounts,
} from "../../lib/core/survey.ts";
import type { JobResult } from "../../lib/job/job.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import type { AllowRule } from "../inputs/allow-list.ts";
import { type ByteOrder, byteOrderOf } from "../inputs/byte-order.ts";
import type { ObjectInputs } from "../inputs/object-input.ts";
import { isLacking, type LackingObject, lackingObjects } from "../objects/lacking.ts";
import { type ProofReport, reportProof } from "./proof-report.ts";

/** The document of `btfgen minimize --json`; docs/FORMATS.md has it in words. */
export interface MinimizeReport {
  readonly kernel: KernelReport;
  readonly objects: readonly ObjectReport[];
  /** Files in directories that hold no object. */
  readonly filesWithoutObjects: number;
  /** Types, void not counted; all blobs together. */
  readonly types: Change;
  /** Bytes of BTF, all blobs together. */
  readonly bytes: Change;
  /** Under the first loader's rules. */
  readonly relocations: { readonly total: number; readonly byStatus: StatusCounts };
  /** What is not resolved: errors first, then ambiguous, poisoned, guarded, absent; in each the order of objects and code. */
  readonly unresolved: readonly UnresolvedReport[];
  /** Uses of target_type_id that find their type: the id is another one in the small BTF, as in no BTF but its own. */
  readonly typeIds: readonly TypeIdReport[];
  /** What --keep and --keep-attach-targets ask for and the kernel does not have. */
  readonly notKept: readonly NotKeptReport[];
  readonly proof: ProofReport;
  /** Null without --strict. */
  readonly strict: StrictReport | null;
  /** The files, in the order kernel, modules; empty when the proof failed. */
  readonly outputs: readonly OutputReport[];
  /** From the start of the process, in milliseconds. */
  readonly durationMs: number;
}

/** What was minimized. */
interface KernelReport {
  /** The file, or `archive:entry`. */
  readonly source: string;
  readonly modules: readonly string[];
  readonly byteOrder: ByteOrder;
  /** BTFHub's name of the architecture, where a directory in the path says it; else null. */
  readonly arch: string | null;
}

/** One BPF object, and what becomes of its relocations. */
interface ObjectReport {
  readonly name: string;
  readonly byteOrder: ByteOrder;
  /** The architectures it is for, where a tag (`arm64=x.o`) or its name (`x_arm64_bpfel.o`) says so; else null. */
  readonly arches: readonly string[] | null;
  readonly programs: number;
  readonly relocations: number;
  readonly byStatus: StatusCounts;
  /** The section for want of which it has no relocations, where it may have had some; else null. */
  readonly lacks: LackedSection | null;
  /** What it wants of the running kernel's own BTF, which no small one gives. */
  readonly needs: readonly KernelNeed[];
}

interface Change {
  readonly before: number;
  readonly after: number;
}

/** A relocation without a value, or without one that its instruction takes. */
export interface UnresolvedReport extends Place {
  readonly status: DescribedStatus;
  /** Why, in words. */
  readonly reason: string;
  /** Line of the allow-list that lets it pass; null where none does. */
  readonly allowedBy: number | null;
}

/** A use of a type's id. */
export interface TypeIdReport extends Place {
  readonly allowedBy: number | null;
}

/** A type or function that was to be kept. */
export interface NotKeptReport {
  /** As it was given, or `OBJECT: PROGRAM: fentry FUNCTION`. */
  readonly what: string;
  readonly reason: string;
  /** False where the object loads without it. */
  readonly required: boolean;
}

interface StrictReport {
  /** Poisoned relocations and uses of target_type_id that no rule lets pass. */
  readonly refused: number;
  readonly allowed: number;
  readonly lacking: readonly LackingObject[];
  /** Rules of the allow-list that let nothing pass. */
  readonly unusedRules: readonly { readonly line: number; readonly rule: string }[];
}

/** A file that was written. */
export interface OutputReport {
  /** What it was made from. */
  readonly source: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * How much to say, for words take longer than all other work: `all` for JSON; `summary` for people, who get so many
 * lines and no reasons for what is absent as foreseen; `refusals` for what a loader refuses, alone.
 */
export type Detail = "all" | "summary" | "refusals";

/** Unresolved relocations that a summary names before it refers to --json. */
export const SUMMARY_LINES = 20;

/** Objects that were read, and the architectures of those that have a tag. */
export interface TaggedInputs extends ObjectInputs {
  readonly arches: ReadonlyMap<BpfObject, readonly string[]>;
}

/** What a report is made of, beside the job's result. */
export interface ReportInput {
  readonly inputs: TaggedInputs;
  readonly bytesBefore: number;
  readonly outputs: readonly OutputReport[];
  /** Null without --strict. */
  readonly rules: readonly AllowRule[] | null;
  readonly detail: Detail;
}

const REFUSED: readonly DescribedStatus[] = ["error", "ambiguous"];
const UNRESOLVED: readonly DescribedStatus[] = [...REFUSED, "poisoned", "guarded", "absent"];

/** The report of a job. */
export function reportMinimize(result: JobResult, input: ReportInput): MinimizeReport {
  const { target, blobs } = result;
  const { rules, inputs } = input;
  const { records } = result.sets[0] as RuleSetRecords;
  const judged = judge(records);
  const used = new Set<AllowRule>();
  const typeIds = reportTypeIds(judged, rules, used);
  const unresolved = reportUnresolved(result, judged, input, used);
  const objects = reportObjects(input, judged);
  const [base, ...modules] = target.segments;
  return {
    kernel: {
      source: base?.source ?? target.source,
      modules: modules.map(({ source }) => source),
      byteOrder: byteOrderOf(target),
      arch: archOf(base?.source ?? ""),
    },
    objects,
    filesWithoutObjects: inputs.passedOver,
    types: { before: result.typesBefore, after: result.typesAfter },
    bytes: { before: input.bytesBefore, after: blobs.reduce((sum, { bytes }) => sum + bytes.length, 0) },
    relocations: { total: records.length, byStatus: countStatuses(judged) },
    unresolved,
    typeIds,
    notKept: reportNotKept(result),
    proof: reportProof(result.proof, result),
    strict: rules === null ? null : strictReport([...unresolved.filter(isPoisoned), ...typeIds], objects, rules, used),
    outputs: result.proof.holds ? input.outputs : [],
    // Not performance.now(), whose module costs 4 ms to load.
    durationMs: Math.round(process.uptime() * 1000),
  };
}

function reportUnresolved(
  { target, sets }: JobResult,
  judged: readonly Judged[],
  { detail, rules }: ReportInput,
  used: Set<AllowRule>,
): UnresolvedReport[] {
  const statuses = detail === "refusals" ? REFUSED : UNRESOLVED;
  // An allow-list must see every place.
  const limit = detail === "summary" && rules === null ? SUMMARY_LINES : judged.length;
  const listed = statuses.flatMap((status) => judged.filter((one) => one.status === status)).slice(0, limit);
  const wordless = listed.filter(({ status }) => detail === "summary" && status === "absent");
  const worded = listed.filter((one) => !wordless.includes(one));
  const described = new Map([
    ...describePlaces(wordless.map(({ record }) => record)),
    ...describeChosen(
      worded.map(({ record }) => record),
      target,
      (sets[0] as RuleSetRecords).rules,
      detail === "all" ? "all" : "members",
    ),
  ]);
  return listed.map(({ record, status }): UnresolvedReport => {
    const description = described.get(record) as ReloDescription;
    const place = placeOf(description);
    const allowedBy = status === "poisoned" ? allow(place, rules, used) : null;
    return { ...place, status, reason: description.result?.reason ?? "", allowedBy };
  });
}

function reportTypeIds(
  judged: readonly Judged[],
  rules: readonly AllowRule[] | null,
  used: Set<AllowRule>,
): TypeIdReport[] {
  const records = judged.filter(isTypeId).map(({ record }) => record);
  return [...describePlaces(records).values()].map((description): TypeIdReport => {
    const place = placeOf(description);
    return { ...place, allowedBy: allow(place, rules, used) };
  });
}

function reportNotKept({ keepProblems, attachProblems }: JobResult): NotKeptReport[] {
  const kept = keepProblems.map(({ spec, reason, nearest }): NotKeptReport => {
    return { what: spec, reason: nearest === undefined ? reason : `${reason}; nearest: ${nearest}`, required: true };
  });
  const attached = attachProblems.map(
    ({ target: { object, user, kind, name, symbol, optional }, reason }): NotKeptReport => {
      return { what: `${object}: ${user}: ${kind} ${symbol ?? name}`, reason, required: !optional };
    },
  );
  return [...kept, ...attached];
}

function isTypeId({ record, status }: Judged): boolean {
  return record.relocation.kind === RELO_TYPE_ID_TARGET && status === "resolved";
}

function isPoisoned({ status }: UnresolvedReport): boolean {
  return status === "poisoned";
}

/** The first rule that lets a place pass; all that do count as used. */
function allow(place: Place, rules: readonly AllowRule[] | null, used: Set<AllowRule>): number | null {
  const accepting = (rules ?? []).filter((rule) => rule.accepts(place));
  for (const rule of accepting) used.add(rule);
  return accepting[0]?.line ?? null;
}

function strictReport(
  places: readonly { readonly allowedBy: number | null }[],
  objects: readonly ObjectReport[],
  rules: readonly AllowRule[],
  used: Set<AllowRule>,
): StrictReport {
  const lacking = lackingObjects(objects, rules, used);
  const allowed = places.filter(({ allowedBy }) => allowedBy !== null).length;
  return {
    refused: places.length - allowed,
    allowed,
    lacking,
    unusedRules: rules.filter((rule) => !used.has(rule)).map(({ line, text }) => ({ line, rule: text })),
  };
}

/** `debian/12/arm64/6.1.0.btf.tar.xz`, as BTFHub lays its archive out. */
function archOf(source: string): string | null {
  const directories = source.split(/[/:]/).slice(0, -1);
  return directories.map(knownArch).findLast((arch) => arch !== null) ?? null;
}

function reportObjects({ inputs, detail }: ReportInput, judged: readonly Judged[]): ObjectReport[] {
  const { objects, arches } = inputs;
  const byObject = new Map<ReloRecord["object"], Judged[]>(objects.map((object) => [object, []]));
  for (const one of judged) byObject.get(one.record.object)?.push(one);
  return objects.map((object) => ({
    name: object.source,
    byteOrder: object.littleEndian ? "little" : "big",
    arches: arches.get(object) ?? null,
    programs: object.programs.length,
    relocations: object.relocations.length,
    byStatus: countStatuses(byObject.get(object) ?? []),
    lacks: lackedSection(object),
    needs: detail === "refusals" ? [] : kernelNeeds(object),
  }));
}

/** True when a loader refuses an object, or --strict does not let something pass. */
export function hasFindings({ relocations, strict, notKept }: MinimizeReport): boolean {
  const { ambiguous = 0, error = 0 } = relocations.byStatus;
  if (ambiguous + error > 0) return true;
  return (
    strict !== null && (strict.refused > 0 || isLacking(strict.lacking) || notKept.some(({ required }) => required))
  );
}
