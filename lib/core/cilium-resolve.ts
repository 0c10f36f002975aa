import type { Btf } from "../btf/view.ts";
import { type Answerer, asker } from "./asker.ts";
import type { CandidateIndex } from "./candidates.ts";
import { askCandidate } from "./cilium-candidate.ts";
import { type CiliumQuestion, decideTogether } from "./cilium-decide.ts";
import { findCiliumCandidates, hasCiliumName } from "./cilium-names.ts";
import { plainValue } from "./cilium-value.ts";
import { linkedPrograms } from "./linked-programs.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";
import { RELO_TYPE_ID_LOCAL } from "./relo-kind.ts";
import type { Decision, Matched, ReloRecord, ResolveOptions } from "./resolve.ts";
import { CILIUM_RULES } from "./rules.ts";

/**
 * Resolves all relocations of an object by the rules of cilium/ebpf (btf/core.go as of July 2026; 0.15 and later). As
 * with resolveObject each candidate's outcome stands on its own; status and value are what comes of deciding over all
 * relocations of one type in one program, its subprograms included. A subprogram's relocation is decided anew in every
 * program that calls it: a refusal by any of them counts, else what the first one comes to.
 *
 * Not as in the library: an access string that libbpf does not take is an error here too (that of more than 64
 * elements, an array index past a struct that has no size), and more than 256 modifiers in a row, not 32, are a circle.
 * @throws FormatError as resolveObject does.
 */
export function resolveCilium(object: BpfObject, index: CandidateIndex, options: ResolveOptions): ReloRecord[] {
  const { btf } = object;
  if (btf === null) return [];
  const answerer: Answerer = {
    rules: CILIUM_RULES,
    find: (typeId) => findCiliumCandidates(index, btf, typeId),
    answer: (state, kind, spec, id) => askCandidate(state, kind, spec, id, object.littleEndian),
  };
  const ask = asker(btf, index.btf, answerer, options.evidence === true);
  const matched = new Map(object.relocations.map((relocation) => [relocation, ask(relocation)]));
  const decisions = decideAll(object, btf, index.btf, matched);
  return object.relocations.map((relocation) => {
    const { local, candidates } = matched.get(relocation) as Matched;
    const { status, chosen, value, reason } = decisions.get(relocation) as Decision;
    return { object, relocation, local, candidates, status, chosen, value, reason };
  });
}

function decideAll(
  object: BpfObject,
  local: Btf,
  target: Btf,
  matched: ReadonlyMap<CoreRelocation, Matched>,
): Map<CoreRelocation, Decision> {
  const decisions = new Map<CoreRelocation, Decision>();
  const byProgram = new Map<number, CiliumQuestion[]>();
  for (const [relocation, answers] of matched) {
    const alone = decideAlone(relocation, local, answers);
    if (alone !== null) {
      decisions.set(relocation, alone);
      continue;
    }
    const { program } = relocation;
    const question = { relocation, candidates: answers.candidates };
    const questions = byProgram.get(program);
    if (questions === undefined) byProgram.set(program, [question]);
    else questions.push(question);
  }
  // What belongs to no program is decided by itself and disturbs nobody.
  const groups = byProgram.size === 0 ? [] : [...linkedPrograms(object), [-1]];
  for (const programs of groups) {
    const questions = programs.flatMap((program) => byProgram.get(program) ?? []);
    for (const group of byType(questions)) {
      const decided = decideTogether(group, target);
      group.forEach(({ relocation }, i) => {
        const before = decisions.get(relocation);
        const decision = decided[i] as Decision;
        const isRefusal = decision.value === null && before?.value !== null;
        if (before === undefined || isRefusal) decisions.set(relocation, decision);
      });
    }
  }
  return decisions;
}

/** The decision where candidates have no part in it; null for all others. */
function decideAlone(
  { kind, typeId, accessString }: CoreRelocation,
  local: Btf,
  { local: spec }: Matched,
): Decision | null {
  const refuse = (reason: string): Decision => ({ status: "error", chosen: null, value: null, reason });
  if ("reason" in spec) return refuse(`access string "${accessString}": ${spec.reason}`);
  // The object's own id stays (until a loader links its BTF).
  if (kind === RELO_TYPE_ID_LOCAL) {
    return { status: "resolved", chosen: null, value: plainValue(typeId, typeId, false), reason: null };
  }
  return hasCiliumName(local, typeId) ? null : refuse("the root type has no name to look for");
}

function byType(questions: readonly CiliumQuestion[]): CiliumQuestion[][] {
  const groups = new Map<number, CiliumQuestion[]>();
  for (const question of questions) {
    const { typeId } = question.relocation;
    const group = groups.get(typeId);
    if (group === undefined) groups.set(typeId, [question]);
    else group.push(question);
  }
  return [...groups.values()];
}
