import type { Btf } from "../btf/view.ts";
import type { CandidateIndex } from "./candidates.ts";
import type { DescribedStatus } from "./describe.ts";
import { explainMissing } from "./explain-missing.ts";
import type { BpfObject } from "./object.ts";
import type { ReachableMemo } from "./reachable.ts";
import { type ReloRecord, resolveObject } from "./resolve.ts";
import type { MatchRules } from "./rules.ts";
import { describeChosen, type Judged, judge } from "./survey.ts";

/** What one kernel makes of one object's relocations. */
export interface Assessment {
  /** In the object's order. */
  readonly judged: readonly Judged[];
  /** Why a relocation is neither resolved nor passed over, by its index; the words are the same for every kernel. */
  readonly reasons: ReadonlyMap<number, string>;
}

/**
 * Words for types that a kernel lacks, by the plain ones ("no struct foo"): what comes near is looked for among all types
 * of the kernel, which takes longer than resolving all objects, and many objects miss the same types.
 */
export type NearWords = Map<string, string>;

/**
 * Resolves every relocation of an object against a kernel, instructions included, and says why what is not resolved is
 * not, in words that can be compared from kernel to kernel. `near` is shared by the objects of one kernel (null: no names that
 * come near what is not there, which differ where the reason is the same), `memo` by kernels.
 * @throws FormatError when `.BTF.ext` is damaged, or types run in circles.
 */
export function assessObject(
  object: BpfObject,
  index: CandidateIndex,
  rules: MatchRules,
  near: NearWords | null = new Map(),
  memo?: ReachableMemo,
): Assessment {
  const judged = judge(resolveObject(object, index, { rules }), memo);
  const unresolved = judged.flatMap(({ record, status }) => (hasReason(status) ? [record] : []));
  const described = describeChosen(unresolved, index.btf, rules, near === null ? "none" : "members");
  const reasons = new Map<number, string>();
  for (const { record, status } of judged) {
    const plain = described.get(record)?.result?.reason;
    if (plain === undefined) continue;
    const isMissing = (status === "poisoned" || status === "guarded") && record.candidates.length === 0;
    const reason = isMissing && near !== null ? nearWords(record, index.btf, plain ?? "", near) : (plain ?? "");
    reasons.set(record.relocation.index, withoutNumbers(reason));
  }
  return { judged, reasons };
}

function nearWords({ object, relocation }: ReloRecord, target: Btf, plain: string, near: NearWords): string {
  let words = near.get(plain);
  if (words === undefined) {
    words = object.btf === null ? plain : explainMissing(object.btf, relocation.typeId, target);
    near.set(plain, words);
  }
  return words;
}

function hasReason(status: DescribedStatus): boolean {
  return status !== "resolved" && status !== "skipped";
}

/**
 * Leaves out what differs from kernel to kernel and says nothing to somebody who compares them: type ids, and the
 * numbers of two candidates that disagree.
 */
function withoutNumbers(reason: string): string {
  return reason
    .replace(/\bcandidate \[\d+\] /g, "candidate ")
    .replace(
      /^candidates \[\d+\] and \[\d+\] have the field at bit .*/,
      "two types of that name have the field at different places",
    )
    .replace(/^candidates \[\d+\] and \[\d+\] give the values .*/, "two types of that name give different values")
    .replace(/ \(to become -?\d+\)$/, "");
}
