import type { Btf } from "../btf/view.ts";
import {
  type DescribedStatus,
  describeRecords,
  describeRelocations,
  type Near,
  type ReloDescription,
} from "./describe.ts";
import type { BpfObject } from "./object.ts";
import { type ReachableMemo, unreachableRecords } from "./reachable.ts";
import type { ReloRecord } from "./resolve.ts";
import { LIBBPF_RULES, type MatchRules } from "./rules.ts";
import { tryPatch } from "./try-patch.ts";

/** A record and what a loader makes of it, its instruction included. */
export interface Judged {
  readonly record: ReloRecord;
  readonly status: DescribedStatus;
}

/** Counts by status, in this order; only those that occur. */
export type StatusCounts = Readonly<Partial<Record<DescribedStatus, number>>>;

/** In the order in which they are counted: from the best to the worst, then what no program holds. */
export const STATUSES: readonly DescribedStatus[] = [
  "resolved",
  "absent",
  "guarded",
  "poisoned",
  "ambiguous",
  "error",
  "skipped",
];

/**
 * Judges every record as describeRecords does, without the words, which cost a hundred times as much. `records` are all
 * of each object: whether a poisoned instruction can be reached (else it is `guarded`) depends on the others' values.
 * `memo` makes it faster for many kernels. @throws FormatError when an object's ELF relocations or symbols are damaged.
 */
export function judge(records: readonly ReloRecord[], memo?: ReachableMemo): Judged[] {
  const judged = records.map((record) => ({ record, status: statusOf(record) }));
  const poisoned = judged.filter(({ status }) => status === "poisoned").map(({ record }) => record);
  if (poisoned.length === 0) return judged;
  const guarded = guardedOf(records, poisoned, memo);
  return judged.map((one) => (guarded.has(one.record) ? { record: one.record, status: "guarded" } : one));
}

function guardedOf(
  records: readonly ReloRecord[],
  poisoned: readonly ReloRecord[],
  memo: ReachableMemo | undefined,
): ReadonlySet<ReloRecord> {
  const all = byObject(records);
  const guarded = new Set<ReloRecord>();
  for (const object of new Set(poisoned.map(({ object }) => object))) {
    const own = poisoned.filter((record) => record.object === object);
    for (const record of unreachableRecords(object, all.get(object) ?? [], own, memo)) guarded.add(record);
  }
  return guarded;
}

function statusOf(record: ReloRecord): DescribedStatus {
  if (record.relocation.program === -1) return "skipped";
  if (record.value === null) return record.status;
  const effect = tryPatch(record);
  if (effect.failure !== null) return "error";
  return effect.poisoned ? "poisoned" : record.status;
}

/** How many records have each status. */
export function countStatuses(judged: readonly Judged[]): StatusCounts {
  const counts = STATUSES.map((status) => [status, judged.filter((one) => one.status === status).length] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/**
 * Descriptions of chosen records of any objects: where each is, and why it does not resolve. `target` and `rules` are those
 * they were resolved with. A status in them says `poisoned` of what judge calls
 * `guarded`, for which it takes all of an object's records. @throws FormatError when `.BTF.ext` is damaged.
 */
export function describeChosen(
  records: readonly ReloRecord[],
  target: Btf,
  rules: MatchRules = LIBBPF_RULES,
  near: Near = "all",
): Map<ReloRecord, ReloDescription> {
  const described = new Map<ReloRecord, ReloDescription>();
  for (const list of byObject(records).values()) {
    describeRecords(list, target, rules, near).forEach((description, i) => {
      described.set(list[i] as ReloRecord, description);
    });
  }
  return described;
}

/** The same without results: finding the words for what is missing goes through the whole target. */
export function describePlaces(records: readonly ReloRecord[]): Map<ReloRecord, ReloDescription> {
  const described = new Map<ReloRecord, ReloDescription>();
  for (const [object, list] of byObject(records)) {
    const all = describeRelocations(object);
    for (const record of list) described.set(record, all[record.relocation.index] as ReloDescription);
  }
  return described;
}

function byObject(records: readonly ReloRecord[]): Map<BpfObject, ReloRecord[]> {
  const groups = new Map<BpfObject, ReloRecord[]>();
  for (const record of records) {
    const list = groups.get(record.object);
    if (list === undefined) groups.set(record.object, [record]);
    else list.push(record);
  }
  return groups;
}
