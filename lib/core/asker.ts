import type { Btf } from "../btf/view.ts";
import type { Evidence } from "./evidence.ts";
import { type MatchState, matchState, objectEffort, settle } from "./match-state.ts";
import type { CoreRelocation } from "./object.ts";
import { RELO_TYPE_ID_LOCAL } from "./relo-kind.ts";
import type { CandidateOutcome, Matched } from "./resolve.ts";
import type { MatchRules } from "./rules.ts";
import { parseSpec, type Spec } from "./spec.ts";

/** What rules make of relocations, one candidate at a time. */
export interface Answerer {
  readonly rules: MatchRules;
  /** Ids of the candidates of a local type. */
  readonly find: (typeId: number) => number[];
  /** What a candidate comes to for a relocation of this kind and local path. */
  readonly answer: (
    state: MatchState,
    kind: number,
    local: Spec,
    id: number,
  ) => Omit<CandidateOutcome, "id" | "evidence">;
}

/** Shared by all outcomes that nobody wants evidence of. */
const NO_EVIDENCE: Evidence = [];

/**
 * Matches one relocation of an object with each of its candidates; each question is asked once.
 * @throws FormatError, when it asks, for what would hang a loader: see settle.
 */
export function asker(
  local: Btf,
  target: Btf,
  { rules, find, answer }: Answerer,
  withEvidence: boolean,
): (relocation: CoreRelocation) => Matched {
  const found = new Map<number, number[]>();
  // Programs ask the same again and again: a third of the relocations of the libbpf-tools are repetitions.
  const asked = new Map<string, Matched>();
  const effort = objectEffort();
  const askOne = ({ kind, typeId, accessString }: CoreRelocation): Matched => {
    const localSpec = parseSpec(local, kind, typeId, accessString);
    if ("reason" in localSpec || kind === RELO_TYPE_ID_LOCAL) return { local: localSpec, candidates: [] };
    let ids = found.get(typeId);
    if (ids === undefined) {
      ids = find(typeId);
      found.set(typeId, ids);
    }
    const candidates = ids.map((id): CandidateOutcome => {
      const evidence: Evidence = withEvidence ? [] : NO_EVIDENCE;
      const state = matchState(local, target, rules, withEvidence ? evidence : null);
      const { outcome, spec, step, typeId, value } = answer(state, kind, localSpec, id);
      settle(effort, state);
      return { id, outcome, spec, step, typeId, value, evidence };
    });
    return { local: localSpec, candidates };
  };
  return (relocation) => {
    const question = `${relocation.kind} ${relocation.typeId} ${relocation.accessString}`;
    let matched = asked.get(question);
    if (matched === undefined) {
      matched = askOne(relocation);
      asked.set(question, matched);
    }
    return matched;
  };
}
