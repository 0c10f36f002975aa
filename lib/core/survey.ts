import type { Btf } from "../btf/view.ts";
import { type DescribedStatus, describeRecords, describeRelocations, type ReloDescription } from "./describe.ts";
import type { BpfObject } from "./object.ts";
import type { ReloRecord } from "./resolve.ts";
import type { MatchRules } from "./rules.ts";
import { tryPatch } from "./try-patch.ts";

/** A record and what a loader makes of it, its instruction included. */
export interface Judged {
  readonly record: ReloRecord;
  readonly status: DescribedStatus;
}

/** Counts by status, in this order; only those that occur. */
export type StatusCounts = Readonly<Partial<Record<DescribedStatus, number>>>;

const STATUSES: readonly DescribedStatus[] = ["resolved", "absent", "poisoned", "ambiguous", "error", "skipped"];

/** Judges every record as describeRecords does, without the words, which cost a hundred times as much. */
export function judge(records: readonly ReloRecord[]): Judged[] {
  return records.map((record) => ({ record, status: statusOf(record) }));
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

/** Descriptions of chosen records, each object's line records being read once; `search` as describeRecords has it. */
export function describeChosen(
  records: readonly ReloRecord[],
  target: Btf,
  rules: MatchRules,
  search = true,
): Map<ReloRecord, ReloDescription> {
  const described = new Map<ReloRecord, ReloDescription>();
  for (const list of byObject(records).values()) {
    describeRecords(list, target, rules, search).forEach((description, i) => {
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
