import { equalStrings } from "../btf/strings.ts";
import type { Btf } from "../btf/view.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { CandidateOutcome, ReloRecord } from "../core/resolve.ts";
import { NO_NAME } from "../core/spec.ts";
import type { ReloValue } from "../core/value.ts";

/**
 * Whether two records of one relocation have the same number of candidates with the same outcomes, in the same order.
 * That is so for nearly all, and says without a word what outcomeKey's texts say; comparing those alone took half of a
 * proof's time. False says nothing: candidates that match nothing may be missing on one side.
 */
export function sameOutcomes(full: ReloRecord, fullTarget: Btf, small: ReloRecord, smallTarget: Btf): boolean {
  const { candidates } = full;
  if (candidates.length !== small.candidates.length) return false;
  const isId = full.relocation.kind === RELO_TYPE_ID_TARGET;
  for (let i = 0; i < candidates.length; i++) {
    const [a, b] = [candidates[i] as CandidateOutcome, small.candidates[i] as CandidateOutcome];
    if (a.outcome !== b.outcome || !sameValue(a.value, b.value, isId)) return false;
    if (a.value !== null && !samePath(a, fullTarget, b, smallTarget)) return false;
  }
  return true;
}

/** Whether a loader makes the same of two records of one relocation. */
export function sameDecision(full: ReloRecord, small: ReloRecord): boolean {
  const isId = full.relocation.kind === RELO_TYPE_ID_TARGET && full.chosen !== null && small.chosen !== null;
  return full.status === small.status && sameValue(full.value, small.value, isId);
}

function sameValue(a: ReloValue | null, b: ReloValue | null, isId: boolean): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.original === b.original &&
    (isId || a.value === b.value) &&
    a.originalSize === b.originalSize &&
    a.size === b.size &&
    a.poison === b.poison &&
    a.validate === b.validate &&
    a.badResize === b.badResize
  );
}

function samePath(a: CandidateOutcome, aTarget: Btf, b: CandidateOutcome, bTarget: Btf): boolean {
  if (a.spec.bitOffset !== b.spec.bitOffset || a.spec.accessors.length !== b.spec.accessors.length) return false;
  return a.spec.accessors.every((accessor, i) => {
    const other = b.spec.accessors[i];
    if (other === undefined) return false;
    if (accessor.nameOffset === NO_NAME || other.nameOffset === NO_NAME) {
      return accessor.nameOffset === other.nameOffset && accessor.index === other.index;
    }
    return equalStrings(aTarget.strings, accessor.nameOffset, bTarget.strings, other.nameOffset);
  });
}
