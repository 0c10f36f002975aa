import { stringAt } from "../btf/strings.ts";
import { type Btf, isEnum, kindOf, nameOffsetOf } from "../btf/view.ts";
import { type Answerer, asker } from "./asker.ts";
import { type CandidateIndex, findCandidates } from "./candidates.ts";
import { resolveCilium } from "./cilium-resolve.ts";
import type { Evidence } from "./evidence.ts";
import { type FieldMatch, matchEnumerator, matchField } from "./match-field.ts";
import { MATCH, type MatchState, NO_MATCH } from "./match-state.ts";
import { typesCompatible, typesMatch } from "./match-type.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";
import { isExistenceKind, RELO_TYPE_ID_LOCAL, RELO_TYPE_MATCHES, reloClass } from "./relo-kind.ts";
import { LIBBPF_RULES, type MatchRules } from "./rules.ts";
import type { Spec, SpecFailure } from "./spec.ts";
import { calculate, isError, type ReloValue } from "./value.ts";

/** What one candidate type of the target answers to one relocation, on its own. */
export interface CandidateOutcome {
  /** Type id in the target. */
  readonly id: number;
  /** MATCH, NO_MATCH, or a negative errno with which a loader gives the relocation up. */
  readonly outcome: number;
  /** The access path in the target; as far as it was found when there is no match. */
  readonly spec: Spec;
  /** The step of the local path (index into its accessors) at which the search ended; its length on a match. */
  readonly step: number;
  /** The target type in which that step was looked for. */
  readonly typeId: number;
  /** The numbers for the instruction; null without a match. */
  readonly value: ReloValue | null;
  /** What the outcome rests on; empty unless evidence was asked for. */
  readonly evidence: Evidence;
}

/**
 * What a loader makes of a relocation, its instruction aside: `judge` (survey.ts) looks at that too, and finds what a
 * load cannot take, what no program holds, and what is `guarded` by a check.
 * - `resolved`: a candidate matches, the value is known.
 * - `absent`: nothing matches and the kind's answer to that is 0 (an existence check, a size, a type id).
 * - `poisoned`: nothing matches; the instruction must not be reached.
 * - `ambiguous`: candidates match with different answers; the loader refuses the object.
 * - `error`: the relocation or a candidate is beyond what a loader takes; it refuses the object.
 */
export type ReloStatus = "resolved" | "absent" | "poisoned" | "ambiguous" | "error";

/** One relocation resolved against one target. */
export interface ReloRecord {
  readonly object: BpfObject;
  readonly relocation: CoreRelocation;
  /** The access path in the object's own types, or why there is none. */
  readonly local: Spec | SpecFailure;
  /** Every candidate's own outcome. */
  readonly candidates: readonly CandidateOutcome[];
  readonly status: ReloStatus;
  /** The candidate whose value counts: the first that matched; null when none did. */
  readonly chosen: CandidateOutcome | null;
  /** The numbers for the instruction; null for `ambiguous` and `error`. */
  readonly value: ReloValue | null;
  /** For `ambiguous` and `error`: why, in words. */
  readonly reason: string | null;
}

/** How to resolve. */
export interface ResolveOptions {
  readonly rules?: MatchRules;
  /** Write down what each outcome rests on (for a minimizer). */
  readonly evidence?: boolean;
  /**
   * The records of the same object and target under other rules of the same algorithm, with the same wish for evidence:
   * what is the same under all of them is taken from there, whole records where no decision can differ.
   */
  readonly known?: readonly ReloRecord[] | undefined;
}

/**
 * Resolves all relocations of an object against a target in dry-run: nothing is patched or printed. Each candidate's
 * outcome stands on its own; status and value are what a loader that takes all programs, in the object's order, comes
 * to (libbpf drops candidates of a root type which did not match an earlier relocation of that type).
 * @throws FormatError only when types run in circles, or are of a number, that would hang a loader.
 */
export function resolveObject(object: BpfObject, index: CandidateIndex, options: ResolveOptions = {}): ReloRecord[] {
  if (options.rules?.algorithm === "cilium") return resolveCilium(object, index, options);
  const { btf } = object;
  if (btf === null) return [];
  const { rules = LIBBPF_RULES, known } = options;
  const ask = asker(btf, index.btf, answererOf(object, btf, index, rules), options.evidence === true);
  const remaining: Remaining | null = rules.prunes ? new Map() : null;
  return object.relocations.map((relocation, i) => {
    const other = known?.[i];
    const isShared = other !== undefined && !dependsOnRules(btf, relocation);
    // A candidate is dropped only where another one matches.
    if (isShared && other.candidates.length < 2) return other;
    const matched = isShared ? other : ask(relocation);
    const { status, chosen, value, reason } = decide(object, btf, relocation, matched, index.btf, remaining);
    const { local, candidates } = matched;
    return { object, relocation, local, candidates, status, chosen, value, reason };
  });
}

/** What comes of a relocation before any is left out: its own path and every candidate's answer. */
export type Matched = Pick<ReloRecord, "local" | "candidates">;
/** What the loader makes of it. */
export type Decision = Pick<ReloRecord, "status" | "chosen" | "value" | "reason">;

/** Ids of the candidates that are left of a local type, where some were dropped. */
type Remaining = Map<number, ReadonlySet<number>>;

/** Whether rules of one algorithm may differ in a relocation's candidates, or in what one of them answers. */
function dependsOnRules(btf: Btf, { kind, typeId }: CoreRelocation): boolean {
  return reloClass(kind) === "type" || isEnum(kindOf(btf, typeId));
}

/** By relo_core.c. A value that cannot be calculated is an error of the candidate. */
function answererOf(object: BpfObject, local: Btf, index: CandidateIndex, rules: MatchRules): Answerer {
  return {
    rules,
    find: (typeId) => findCandidates(index, local, typeId, rules),
    answer: (state, kind, localSpec, id) => {
      const { outcome, spec, step, typeId } = matchCandidate(state, kind, localSpec, id);
      if (outcome !== MATCH) return { outcome, spec, step, typeId, value: null };
      const value = calculate(kind, local, localSpec, index.btf, spec, object.littleEndian);
      if (isError(value)) return { outcome: value.error, spec, step, typeId, value: null };
      return { outcome, spec, step, typeId, value };
    },
  };
}

function matchCandidate(state: MatchState, kind: number, local: Spec, id: number): FieldMatch {
  switch (reloClass(kind)) {
    case "field":
      return matchField(state, local, id);
    case "enumval":
      return matchEnumerator(state, local, id);
    default: {
      const compare = kind === RELO_TYPE_MATCHES ? typesMatch : typesCompatible;
      const outcome = compare(state, local.rootId, id);
      const spec: Spec = { rootId: id, raw: [], accessors: [], bitOffset: 0 };
      return { outcome, spec, step: 0, typeId: id };
    }
  }
}

/**
 * The loader's decision over the candidates that are left (libbpf relo_core.c, bpf_core_calc_relo_insn); all of them where
 * none is ever dropped and `remaining` is null.
 */
function decide(
  object: BpfObject,
  btf: Btf,
  { kind, typeId, accessString, program }: CoreRelocation,
  { local, candidates }: Matched,
  target: Btf,
  remaining: Remaining | null,
): Decision {
  if ("reason" in local) return refuse("error", `access string "${accessString}": ${local.reason}`);
  if (kind === RELO_TYPE_ID_LOCAL) {
    return { status: "resolved", chosen: null, value: localTypeId(typeId), reason: null };
  }
  if (btf.strings[nameOffsetOf(btf, typeId)] === 0) return refuse("error", "the root type has no name to look for");
  const left = remaining?.get(typeId);
  const matching: number[] = [];
  let chosen: CandidateOutcome | null = null;
  for (const candidate of candidates) {
    const { id, outcome } = candidate;
    if (left !== undefined && !left.has(id)) continue;
    if (outcome < NO_MATCH) return refuse("error", `candidate [${id}] ${nameAt(target, id)} gives error ${outcome}`);
    if (outcome !== MATCH) continue;
    const conflict = chosen === null ? null : ambiguity(chosen, candidate);
    if (conflict !== null) return refuse("ambiguous", conflict);
    chosen ??= candidate;
    matching.push(id);
  }
  if (chosen !== null) {
    // A loader passes over relocations that belong to no program (an eliminated weak function's).
    if (program !== -1 && matching.length < candidates.length) remaining?.set(typeId, new Set(matching));
    return { status: "resolved", chosen, value: chosen.value, reason: null };
  }
  const value = calculate(kind, btf, local, target, null, object.littleEndian);
  if (isError(value)) return refuse("error", `the local type gives error ${value.error}`);
  return { status: isExistenceKind(kind) ? "absent" : "poisoned", chosen, value, reason: null };
}

function refuse(status: "ambiguous" | "error", reason: string): Decision {
  return { status, chosen: null, value: null, reason };
}

function ambiguity(first: CandidateOutcome, other: CandidateOutcome): string | null {
  if (first.spec.bitOffset !== other.spec.bitOffset) {
    return `${idsOf(first, other)} have the field at bit ${first.spec.bitOffset} and at bit ${other.spec.bitOffset}`;
  }
  if (first.value?.poison !== other.value?.poison || first.value?.value !== other.value?.value) {
    return `${idsOf(first, other)} give the values ${first.value?.value} and ${other.value?.value}`;
  }
  return null;
}

function idsOf(first: CandidateOutcome, other: CandidateOutcome): string {
  return `candidates [${first.id}] and [${other.id}]`;
}

function nameAt(btf: Btf, id: number): string {
  return stringAt(btf.strings, nameOffsetOf(btf, id));
}

/** local_type_id needs no target: the object's own id stays (until a loader links its BTF). */
function localTypeId(typeId: number): ReloValue {
  const value = BigInt(typeId);
  return { original: value, value, poison: false, validate: false, badResize: false, originalSize: 0, size: 0 };
}
