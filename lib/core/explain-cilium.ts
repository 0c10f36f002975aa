import type { Btf } from "../btf/view.ts";
import { askCandidate } from "./cilium-candidate.ts";
import { matchState } from "./match-state.ts";
import { typeText } from "./path-text.ts";
import type { ReloRecord } from "./resolve.ts";
import { CILIUM_RULES } from "./rules.ts";

/** Why a candidate does not match by cilium/ebpf's rules, in words: it is asked once more. */
export function explainCilium({ object, relocation, local }: ReloRecord, target: Btf, candidateId: number): string {
  if ("reason" in local) return local.reason;
  const state = matchState(object.btf as Btf, target, CILIUM_RULES, null);
  const { typeId, why } = askCandidate(state, relocation.kind, local, candidateId, object.littleEndian);
  return `${typeText(target, typeId)} ${why}`;
}
