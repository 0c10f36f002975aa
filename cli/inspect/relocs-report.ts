import type { Btf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import {
  type DescribedStatus,
  describeRecords,
  describeRelocations,
  type ReloDescription,
} from "../../lib/core/describe.ts";
import { RELO_KIND_NAMES } from "../../lib/core/relo-kind.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { type MatchRules, RULE_SETS } from "../../lib/core/rules.ts";
import { judge, STATUSES } from "../../lib/core/survey.ts";
import { globFilter } from "../glob.ts";
import { type ByteOrder, byteOrderOf } from "../inputs/byte-order.ts";
import type { ObjectInputs } from "../inputs/object-input.ts";
import { counted } from "../table.ts";

/** The document of `btfgen relocs --json`; docs/FORMATS.md has it in words. */
export interface RelocsReport {
  readonly objects: readonly RelocsObject[];
  /** Null when none was given. */
  readonly target: RelocsTarget | null;
  /** By object and, in each, in the object's order; of the selected programs, and with --failed only failures. */
  readonly relocations: readonly ReloDescription[];
  readonly summary: RelocsSummary;
}

/** An object that was read. */
interface RelocsObject {
  readonly name: string;
  readonly byteOrder: ByteOrder;
  readonly programs: number;
  readonly relocations: number;
}

/** What the relocations were resolved against. */
interface RelocsTarget {
  readonly source: string;
  readonly modules: readonly string[];
  readonly byteOrder: ByteOrder;
  readonly rules: MatchRules["name"];
}

/** Counts over the relocations of the selected programs, whatever --failed leaves out. */
interface RelocsSummary {
  readonly objects: number;
  readonly objectsWithoutRelocations: number;
  /** Files in directories that hold no object. */
  readonly filesWithoutObjects: number;
  readonly relocations: number;
  /** By kind, in the order of the kinds' numbers; only kinds that occur. */
  readonly byKind: Readonly<Partial<Record<string, number>>>;
  /** By status; only those that occur. Null without a target. */
  readonly byStatus: Readonly<Partial<Record<DescribedStatus, number>>> | null;
}

/** What to report. */
export interface RelocsQuery {
  readonly target: Btf | null;
  readonly rules: MatchRules["name"];
  /** Names of programs, with `*` and `?`; none for all. */
  readonly programs: readonly string[];
  readonly failedOnly: boolean;
}

const FAILED: ReadonlySet<DescribedStatus> = new Set(["poisoned", "ambiguous", "error"]);

/**
 * Resolves and describes the relocations of all objects. All of an object's relocations are resolved, in its order,
 * before programs are selected: a loader of the whole object is what the answer is for.
 */
export function reportRelocations(inputs: ObjectInputs, query: RelocsQuery): RelocsReport {
  const { objects, passedOver } = inputs;
  const { target } = query;
  const rules = RULE_SETS[query.rules];
  const index = target === null ? null : indexCandidates(target);
  const isSelected = globFilter(query.programs);
  const all = objects
    .flatMap((object) =>
      index === null
        ? describeRelocations(object)
        : describeJudged(resolveObject(object, index, { rules }), index.btf, rules),
    )
    .filter(({ program }) => query.programs.length === 0 || (program !== null && isSelected(program)));
  return {
    objects: objects.map((object) => ({
      name: object.source,
      byteOrder: object.littleEndian ? "little" : "big",
      programs: object.programs.length,
      relocations: object.relocations.length,
    })),
    target: target === null ? null : describeTarget(target, query.rules),
    relocations: query.failedOnly ? all.filter(isFailed) : all,
    summary: {
      objects: objects.length,
      objectsWithoutRelocations: objects.filter(({ relocations }) => relocations.length === 0).length,
      filesWithoutObjects: passedOver,
      relocations: all.length,
      byKind: countBy(
        RELO_KIND_NAMES,
        all.map(({ kind }) => kind),
      ),
      byStatus:
        target === null
          ? null
          : countBy(
              STATUSES,
              all.flatMap(({ result }) => result?.status ?? []),
            ),
    },
  };
}

/** With the word of judge where a poisoned instruction cannot be reached. */
function describeJudged(records: readonly ReloRecord[], target: Btf, rules: MatchRules): ReloDescription[] {
  const judged = judge(records);
  return describeRecords(records, target, rules).map((description, i) => {
    const { result } = description;
    if (result === null || judged[i]?.status !== "guarded") return description;
    return { ...description, result: { ...result, status: "guarded" } };
  });
}

function describeTarget(target: Btf, rules: MatchRules["name"]): RelocsTarget {
  const [, ...modules] = target.segments;
  return {
    source: target.source,
    modules: modules.map(({ source }) => source),
    byteOrder: byteOrderOf(target),
    rules,
  };
}

function isFailed({ original, result }: ReloDescription): boolean {
  return result === null ? original === null : FAILED.has(result.status);
}

/** Counts in the order of `names`; what those do not have comes behind. */
function countBy<K extends string>(names: readonly K[], values: readonly K[]): Partial<Record<K, number>> {
  const counts = new Map<K, number>(names.map((name) => [name, 0]));
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Object.fromEntries([...counts].filter(([, count]) => count > 0)) as Partial<Record<K, number>>;
}

/** The counts as lines for standard error. */
export function summaryLines({ summary, target, objects }: RelocsReport): string[] {
  const parts = [counted(summary.objects, "object")];
  if (summary.objectsWithoutRelocations > 0) parts.push(`${summary.objectsWithoutRelocations} without relocations`);
  if (summary.filesWithoutObjects > 0) parts.push(`${counted(summary.filesWithoutObjects, "file")} without an object`);
  const lines = [parts.join(", ")];
  const other = objects.filter(({ byteOrder }) => target !== null && byteOrder !== target.byteOrder);
  if (other.length > 0) {
    const which = other.map(({ name }) => name).join(", ");
    lines.push(
      `the byte order of ${which} is not the target's: no loader there takes ${other.length > 1 ? "them" : "it"}`,
    );
  }
  lines.push(`${counted(summary.relocations, "relocation")}${listed(summary.byKind)}`);
  if (summary.byStatus !== null && summary.relocations > 0) lines.push(`on the target${listed(summary.byStatus)}`);
  return lines;
}

function listed(counts: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? "" : `: ${parts.join(", ")}`;
}
