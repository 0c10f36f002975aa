import { KIND_INT } from "../btf/format.ts";
import { isLongName } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf, sizeOf, typeCount } from "../btf/view.ts";
import { MATCH, NO_MATCH } from "../core/match-state.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { CandidateOutcome, ReloRecord } from "../core/resolve.ts";
import { DISTINCT, isMarked, KEPT, type Marks, markEvidence, markExactly, NAMED, settleMarks } from "./marks.ts";

/** A candidate that a relocation does not match: it matters only if the candidate is kept for another reason. */
interface Waiting {
  readonly candidate: CandidateOutcome;
  done: boolean;
}

/**
 * Marks what keeps every (relocation, candidate) pair's outcome as it is.
 *
 * A candidate that matches (or makes the loader give up) is kept with its name and with what its outcome rests on.
 * One that does not match can go: a loader makes the same of no candidate as of none that matches. But where it stays
 * for another relocation's sake, or under its name by a comparison of names, it must go on not matching, so the facts
 * of that outcome are kept too; that may bring in further named types, hence the loop.
 */
export function markRecords(marks: Marks, records: readonly ReloRecord[], modulesApart: boolean): void {
  const waiting: Waiting[] = [];
  // Records of one question, asked twice or under several rule sets, have one list of candidates.
  const marked = new Set<ReloRecord["candidates"]>();
  for (const record of records) {
    if (marked.has(record.candidates)) continue;
    marked.add(record.candidates);
    markWanted(marks, record, waiting);
    if (modulesApart) keepBaseCandidate(marks, record);
  }
  settleMarks(marks);
  for (let found = true; found; ) {
    found = false;
    for (const entry of waiting) {
      if (entry.done || !isMarked(marks, entry.candidate.id, KEPT | NAMED)) continue;
      entry.done = true;
      found = true;
      markEvidence(marks, entry.candidate.evidence);
    }
    settleMarks(marks);
  }
}

function markWanted(marks: Marks, record: ReloRecord, waiting: Waiting[]): void {
  const matching = record.candidates.filter(({ outcome }) => outcome === MATCH).length;
  // Two ids for one name make a loader refuse target_type_id: were the two types one, it would not.
  const identity = record.relocation.kind === RELO_TYPE_ID_TARGET && matching > 1 ? DISTINCT : 0;
  for (const candidate of record.candidates) {
    if (candidate.outcome === NO_MATCH) {
      waiting.push({ candidate, done: false });
      continue;
    }
    markExactly(marks, candidate.id, KEPT | NAMED | identity);
    markEvidence(marks, candidate.evidence);
  }
}

/** A loader looks into modules only when the base has no type of that name, so one stays where the base has any. */
function keepBaseCandidate(marks: Marks, record: ReloRecord): void {
  const first = record.candidates[0];
  const baseEnd = (marks.btf.segments[0] as BtfSegment).endId;
  if (first === undefined || first.id >= baseEnd) return;
  if (record.candidates.some(({ outcome }) => outcome !== NO_MATCH)) return;
  markExactly(marks, first.id, KEPT | NAMED);
}

/** Keeps the INT by whose size a loader knows how wide pointers are: the first called some form of `long`. */
export function markLong(marks: Marks): void {
  const id = findLong(marks.btf);
  if (id === 0) return;
  markExactly(marks, id, KEPT | NAMED);
  settleMarks(marks);
}

function findLong(btf: Btf): number {
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_INT || sizeOf(btf, id) !== btf.pointerSize) continue;
    if (isLongName(btf.strings, nameOffsetOf(btf, id))) return id;
  }
  return 0;
}
