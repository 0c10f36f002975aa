import { FormatError } from "../btf/error.ts";
import type { Btf } from "../btf/view.ts";
import type { Evidence } from "./evidence.ts";
import type { MatchRules } from "./rules.ts";

/** Outcomes of comparing two types; errors are libbpf's errno values. */
export const MATCH = 1;
export const NO_MATCH = 0;
/** -EINVAL: a type without a size where one is needed, or types nested too deep. */
export const ERROR_INVALID = -22;
/** -E2BIG: an access path of more than SPEC_MAX_LENGTH elements. */
export const ERROR_TOO_LONG = -7;

/** The two sides of a comparison and what is written down about it. */
export interface MatchState {
  readonly local: Btf;
  readonly target: Btf;
  readonly rules: MatchRules;
  /** Facts the outcome rests on, when the caller asked for them. */
  readonly evidence: Evidence | null;
  /** Comparisons left before the pair is taken for hostile. */
  budget: number;
}

/**
 * The most comparisons one pair of types may take. Real pairs take hundreds; only types built to fan out at every
 * level (2^32 paths within libbpf's depth of 32) take more, and libbpf would not come back from those.
 */
const COMPARISON_BUDGET = 1_000_000;
/** The same for all pairs of an object together: some ten thousand relocations of the largest structs take a tenth. */
const OBJECT_BUDGET = 20_000_000;
/** What a pair costs beside its comparisons, mostly memory: an object may have some hundred thousand pairs. */
const PAIR_COST = 100;

/** Comparisons that are left for an object's pairs. */
export interface Effort {
  left: number;
}

/** The effort one object may take. */
export function objectEffort(): Effort {
  return { left: OBJECT_BUDGET };
}

/** A fresh state for one pair. */
export function matchState(local: Btf, target: Btf, rules: MatchRules, evidence: Evidence | null): MatchState {
  return { local, target, rules, evidence, budget: COMPARISON_BUDGET };
}

/**
 * Counts what a pair has taken against what its object may take: a hundred thousand types of one name, or of a hundred
 * thousand members, are each no more than a few megabytes, and together they would take hours.
 * @throws FormatError when the object takes more than any real one could.
 */
export function settle(effort: Effort, state: MatchState): void {
  effort.left -= COMPARISON_BUDGET - state.budget + PAIR_COST;
  if (effort.left >= 0) return;
  throw new FormatError("too-large", `its relocations take more comparisons with ${state.target.source} than any do`, {
    source: state.local.source,
    section: ".BTF.ext",
  });
}

/** Writes one fact down, when facts are wanted. */
export function note(state: MatchState, what: number, typeId: number, detail: number): void {
  if (state.evidence !== null) state.evidence.push(what, typeId, detail);
}

/**
 * Counts comparisons: one, or as many as names are looked at.
 * @throws FormatError when a pair takes more than any real one could.
 */
export function spend(state: MatchState, targetId: number, comparisons = 1): void {
  state.budget -= comparisons;
  if (state.budget < 0) {
    throw new FormatError("type-loop", `comparing it with a type of ${state.local.source} does not come to an end`, {
      source: state.target.source,
      section: "BTF types",
      typeId: targetId,
    });
  }
}
