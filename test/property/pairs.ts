/**
 * The promise of the minimizer, checked once more and otherwise than lib/verify does: every candidate of every
 * relocation is looked up in the small BTF by its new id, and must answer the same there. Only the resolver is shared.
 */
import { stringAt } from "../../lib/btf/strings.ts";
import { type Btf, type BtfSegment, segmentOf } from "../../lib/btf/view.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { MATCH, NO_MATCH } from "../../lib/core/match-state.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { type CandidateOutcome, type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import type { MatchRules } from "../../lib/core/rules.ts";

/** Said of a candidate of the small BTF that none of the full BTF became. */
export const FROM_NOWHERE = "came from nowhere";

/** A candidate's answer in full: everything but ids. */
function answer(btf: Btf, record: ReloRecord, { outcome, spec, value }: CandidateOutcome): string {
  if (outcome !== MATCH) return `outcome ${outcome}`;
  const isId = record.relocation.kind === RELO_TYPE_ID_TARGET;
  return JSON.stringify({
    offset: spec.bitOffset,
    steps: spec.accessors.map(({ nameOffset, index }) =>
      nameOffset === 0 ? index : stringAt(btf.strings, nameOffset),
    ),
    original: String(value?.original),
    value: isId ? "an id" : String(value?.value),
    rest: [value?.poison, value?.validate, value?.badResize, value?.originalSize, value?.size],
  });
}

function decision({ status, value, relocation, chosen }: ReloRecord): string {
  const isId = relocation.kind === RELO_TYPE_ID_TARGET && chosen !== null;
  return `${status} ${isId ? "an id" : String(value?.value)} ${String(value?.poison)}`;
}

/** What is not the same for some pair; none is the wanted result. */
export function differingPairs(
  objects: readonly BpfObject[],
  full: Btf,
  small: Btf,
  newIds: ReadonlyMap<number, number>,
  rules: MatchRules,
): string[] {
  const toSmall = viewIds(full, small, newIds);
  const fullIndex = indexCandidates(full);
  const smallIndex = indexCandidates(small);
  const differences: string[] = [];
  for (const object of objects) {
    const before = resolveObject(object, fullIndex, { rules });
    const after = resolveObject(object, smallIndex, { rules });
    before.forEach((record, i) => {
      const other = after[i] as ReloRecord;
      const { index, kind, accessString } = record.relocation;
      const say = (what: string) => differences.push(`${rules.name} #${index} kind ${kind} ${accessString}: ${what}`);
      const answers = new Map(other.candidates.map((candidate) => [candidate.id, answer(small, other, candidate)]));
      const images = new Set<number>();
      for (const candidate of record.candidates) {
        const wanted = answer(full, record, candidate);
        const id = toSmall.get(candidate.id);
        const found = id === undefined ? undefined : answers.get(id);
        if (id !== undefined && found !== undefined) images.add(id);
        if (found === undefined) {
          if (candidate.outcome !== NO_MATCH) say(`candidate [${candidate.id}] is gone: ${wanted}`);
        } else if (found !== wanted) say(`candidate [${candidate.id}] ${wanted}, as [${String(id)}] ${found}`);
      }
      for (const [id, found] of answers) {
        if (!images.has(id) && found !== `outcome ${NO_MATCH}`) say(`candidate [${id}] ${FROM_NOWHERE}: ${found}`);
      }
    });
    differences.push(...differingDecisions(object, fullIndex, smallIndex, rules));
  }
  return differences;
}

/** Loaded in order, backwards, and each relocation alone: what a loader decides. */
function differingDecisions(
  object: BpfObject,
  full: CandidateIndex,
  small: CandidateIndex,
  rules: MatchRules,
): string[] {
  const orders = [
    object.relocations,
    [...object.relocations].reverse(),
    ...object.relocations.map((relocation) => [relocation]),
  ];
  return orders.flatMap((relocations) => {
    const some = { ...object, relocations };
    const before = resolveObject(some, full, { rules }).map(decision);
    const after = resolveObject(some, small, { rules }).map(decision);
    return before.flatMap((wanted, i) => {
      const index = relocations[i]?.index;
      return wanted === after[i]
        ? []
        : [`${rules.name} #${String(index)} of ${relocations.length}: ${wanted}, ${after[i]}`];
    });
  });
}

/** New ids are those of the file; in a view, a later module's own are moved up. */
function viewIds(full: Btf, small: Btf, newIds: ReadonlyMap<number, number>): Map<number, number> {
  const baseEnd = (small.segments[0] as BtfSegment).endId;
  const isSplit = small.segments.length > 1;
  return new Map(
    [...newIds].map(([old, id]) => {
      const shift = isSplit && id >= baseEnd ? (small.segments[segmentOf(full, old)] as BtfSegment).idShift : 0;
      return [old, id + shift];
    }),
  );
}
