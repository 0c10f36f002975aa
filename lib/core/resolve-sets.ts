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
 * Resolves objects under several rule sets, each relocation under each. What rules of one algorithm cannot differ in is
 * found out once: where nothing of a relocation differs, the sets have one record in common.
 */
export function resolveSets(
  objects: readonly BpfObject[],
  index: CandidateIndex,
  ruleSets: readonly MatchRules[],
  evidence: boolean,
): RuleSetRecords[] {
  const resolved = objects.map((object) => {
    const known = new Map<MatchRules["algorithm"], readonly ReloRecord[]>();
    return ruleSets.map((rules) => {
      const records = resolveObject(object, index, { rules, evidence, known: known.get(rules.algorithm) });
      known.set(rules.algorithm, records);
      return records;
    });
  });
  return ruleSets.map((rules, i) => ({ rules, records: resolved.flatMap((ofObject) => ofObject[i] ?? []) }));
}
