import type { CandidateIndex } from "./candidates.ts";
import type { BpfObject } from "./object.ts";
import { type ReloRecord, resolveObject } from "./resolve.ts";
import { KERNEL_RULES, LIBBPF_RULES, type MatchRules } from "./rules.ts";

/** The rule sets a minimized BTF serves unless told otherwise. */
export const DEFAULT_RULE_SETS: readonly MatchRules[] = [LIBBPF_RULES, KERNEL_RULES];

/** Records of many objects under one rule set. */
export interface RuleSetRecords {
  readonly rules: MatchRules;
  readonly records: readonly ReloRecord[];
}

/**
 * Resolves objects under several rule sets. The first set of an algorithm takes every relocation; further ones take
 * those whose outcome can differ from it, which for libbpf's and the kernel's are the type relocations alone.
 */
export function resolveSets(
  objects: readonly BpfObject[],
  index: CandidateIndex,
  ruleSets: readonly MatchRules[],
  evidence: boolean,
): RuleSetRecords[] {
  return ruleSets.map((rules, i) => {
    const typeKindsOnly = ruleSets.slice(0, i).some(({ algorithm }) => algorithm === rules.algorithm);
    return {
      rules,
      records: objects.flatMap((object) => resolveObject(object, index, { rules, evidence, typeKindsOnly })),
    };
  });
}
