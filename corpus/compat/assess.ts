import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf, BtfSegment } from "../../lib/btf/view.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import type { DescribedStatus } from "../../lib/core/describe.ts";
import { explainMissing } from "../../lib/core/explain-missing.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { RULE_SETS } from "../../lib/core/rules.ts";
import { describeChosen, judge } from "../../lib/core/survey.ts";
import type { ObjectTag } from "../batch/object-tag.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";

/** One letter a relocation, so that an object's whole outcome is a short string that compares at once. */
export const STATUS_LETTERS: Readonly<Record<DescribedStatus, string>> = {
  resolved: "r",
  absent: "a",
  poisoned: "p",
  ambiguous: "m",
  error: "e",
  skipped: "s",
};

/** An object that kernels are asked about. */
export interface CompatObject {
  readonly object: BpfObject;
  /** Null where it is for every architecture. */
  readonly tag: ObjectTag | null;
}

/** Whose rules count. */
export type CompatRules = keyof typeof RULE_SETS;

/** Why a relocation is not resolved. */
export interface Finding {
  /** Position among the object's relocations. */
  readonly relocation: number;
  readonly reason: string;
}

/** What one kernel makes of one object. */
export type ObjectOutcome =
  | {
      /** Why no loader of that kernel would take it, whatever is in it: another architecture, or byte order. */
      readonly skipped: string;
    }
  | {
      readonly skipped: null;
      /** A letter of STATUS_LETTERS for each relocation, in the object's order. */
      readonly statuses: string;
      /** One for each relocation that is neither resolved nor in no program, in the object's order. */
      readonly findings: readonly Finding[];
    };

/** What one kernel makes of all objects. Plain data: workers hand it back. */
export interface KernelOutcome {
  readonly identity: KernelIdentity;
  readonly origin: string;
  /** In the order of the objects. */
  readonly objects: readonly ObjectOutcome[];
}

/**
 * Resolves every relocation of every object against one kernel, instructions included.
 * @throws FormatError when the BTF is damaged.
 */
export function assessKernel(
  { identity, origin, btf, modules }: KernelBtf,
  objects: readonly CompatObject[],
  rules: CompatRules,
): KernelOutcome {
  const base = parseBtf(btf.bytes, { source: btf.source });
  const { littleEndian } = (base.segments[0] as BtfSegment).header;
  const target = modules.length === 0 ? base : parseModules(base, modules);
  const index = indexCandidates(target);
  const near: NearWords = new Map();
  const outcomes = objects.map((object): ObjectOutcome => {
    const skipped = skipReason(object, identity, littleEndian);
    return skipped === null ? assessObject(object.object, index, rules, near) : { skipped };
  });
  return { identity, origin, objects: outcomes };
}

/** As a batch leaves objects out; null where the object is for the kernel. */
function skipReason({ object, tag }: CompatObject, { arch }: KernelIdentity, littleEndian: boolean): string | null {
  if (object.littleEndian !== littleEndian) {
    return `the object is ${orderWord(object.littleEndian)}, the kernel ${orderWord(littleEndian)}`;
  }
  if (tag === null || (arch !== null && tag.arches.includes(arch))) return null;
  return `the object is for ${tag.word}${arch === null ? ", the kernel's architecture is not known" : ""}`;
}

function orderWord(littleEndian: boolean): string {
  return littleEndian ? "little-endian" : "big-endian";
}

/**
 * Words for types that a kernel lacks, by the plain ones ("no struct foo"): what comes near is looked for among all types
 * of the kernel, which takes longer than resolving all objects, and many objects miss the same types.
 */
type NearWords = Map<string, string>;

function assessObject(object: BpfObject, index: CandidateIndex, rules: CompatRules, near: NearWords): ObjectOutcome {
  const judged = judge(resolveObject(object, index, { rules: RULE_SETS[rules] }));
  const unresolved = judged.flatMap(({ record, status }) => (isSaid(status) ? [record] : []));
  const described = describeChosen(unresolved, index.btf, RULE_SETS[rules], false);
  const findings = judged.flatMap(({ record, status }): Finding[] => {
    const plain = described.get(record)?.result?.reason;
    if (plain === undefined) return [];
    const isMissing = status === "poisoned" && record.candidates.length === 0;
    const reason = isMissing ? nearWords(record, index.btf, plain ?? "", near) : (plain ?? "");
    return [{ relocation: record.relocation.index, reason: withoutNumbers(reason) }];
  });
  return { skipped: null, statuses: judged.map(({ status }) => STATUS_LETTERS[status]).join(""), findings };
}

function nearWords({ object, relocation }: ReloRecord, target: Btf, plain: string, near: NearWords): string {
  let words = near.get(plain);
  if (words === undefined) {
    words = object.btf === null ? plain : explainMissing(object.btf, relocation.typeId, target);
    near.set(plain, words);
  }
  return words;
}

/** Statuses that a reason belongs to. */
function isSaid(status: DescribedStatus): boolean {
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
