import { stringAt } from "../btf/strings.ts";
import { type Btf, nameOffsetOf } from "../btf/view.ts";
import { asksForExistence, unmatchedValue } from "./cilium-value.ts";
import { MATCH, NO_MATCH } from "./match-state.ts";
import type { CoreRelocation } from "./object.ts";
import type { CandidateOutcome, Decision } from "./resolve.ts";

/** One relocation and the answers of its candidates, which all relocations of one type have in common, in order. */
export interface CiliumQuestion {
  readonly relocation: CoreRelocation;
  readonly candidates: readonly CandidateOutcome[];
}

/**
 * Decides over all relocations of one local type in one program together (cilium/ebpf btf/core.go,
 * coreCalculateFixups): the candidate that leaves the fewest of them without a match serves them all. Of two that leave
 * equally many, as they are met, all numbers must be the same; that they are not is an error even if a better one
 * follows no longer helps. Any candidate's error is one for all. A candidate that matches none is like none.
 */
export function decideTogether(questions: readonly CiliumQuestion[], target: Btf): Decision[] {
  const count = questions[0]?.candidates.length ?? 0;
  let bestScore = questions.length;
  let best = -1;
  for (let position = 0; position < count; position++) {
    let score = 0;
    for (const { relocation, candidates } of questions) {
      const { id, outcome } = candidates[position] as CandidateOutcome;
      if (outcome < NO_MATCH) {
        const name = stringAt(target.strings, nameOffsetOf(target, id));
        return refuseAll(questions, "error", `candidate [${id}] ${name} gives an error${at(questions, relocation)}`);
      }
      if (outcome !== MATCH) score++;
    }
    if (score > bestScore) continue;
    if (score < bestScore) {
      bestScore = score;
      best = position;
      continue;
    }
    if (best === -1) continue;
    const conflict = questions.find((question) => !agree(question, best, position));
    if (conflict !== undefined)
      return refuseAll(questions, "ambiguous", ambiguity(questions, conflict, best, position));
  }
  return questions.map(({ relocation, candidates }): Decision => {
    const chosen = candidates[best];
    if (chosen?.outcome === MATCH) return { status: "resolved", chosen, value: chosen.value, reason: null };
    const status = asksForExistence(relocation.kind) ? "absent" : "poisoned";
    return { status, chosen: null, value: unmatchedValue(relocation.kind), reason: null };
  });
}

function refuseAll(questions: readonly CiliumQuestion[], status: "error" | "ambiguous", reason: string): Decision[] {
  return questions.map(() => ({ status, chosen: null, value: null, reason }));
}

/** Two candidates' numbers, where "no match" has numbers too: 1 -> 0 of an existence check, 0 -> 0 of a poisoned one. */
function agree({ relocation, candidates }: CiliumQuestion, first: number, second: number): boolean {
  const [a, b] = [first, second].map((i) => candidates[i]?.value ?? unmatchedValue(relocation.kind));
  return a?.original === b?.original && a?.value === b?.value;
}

function ambiguity(
  questions: readonly CiliumQuestion[],
  { relocation, candidates }: CiliumQuestion,
  first: number,
  second: number,
): string {
  const told = (i: number) => {
    const { outcome, value } = candidates[i] as CandidateOutcome;
    return outcome === MATCH ? `${value?.value}` : "no match";
  };
  const ids = `candidates [${candidates[first]?.id}] and [${candidates[second]?.id}]`;
  return `${ids} serve as many relocations, and give ${told(first)} and ${told(second)}${at(questions, relocation)}`;
}

/** ` (relocation 7, of the same type)` where several are decided together. */
function at(questions: readonly CiliumQuestion[], { index }: CoreRelocation): string {
  return questions.length === 1 ? "" : ` (relocation ${index}, of the same type)`;
}
