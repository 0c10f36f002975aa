import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { BtfSegment } from "../../lib/btf/view.ts";
import type { ViewMemory } from "../../lib/btf/view-memory.ts";
import { type Assessment, assessObject, type NearWords } from "../../lib/core/assess.ts";
import type { AttachTarget } from "../../lib/core/attach-targets.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { DescribedStatus } from "../../lib/core/describe.ts";
import { type LackedTarget, lackedTargets } from "../../lib/core/lacked-targets.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import type { ReachableMemo } from "../../lib/core/reachable.ts";
import { RULE_SETS } from "../../lib/core/rules.ts";
import { NEWEST_TRAMPOLINE_RULES, trampolineRules } from "../../lib/core/trampoline-rules.ts";
import type { ObjectTag } from "../batch/object-tag.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";

/** One letter a relocation, so that an object's whole outcome is a short string that compares at once. */
export const STATUS_LETTERS: Readonly<Record<DescribedStatus, string>> = {
  resolved: "r",
  absent: "a",
  guarded: "g",
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

/** Something that the object attaches to or calls, and does not load without, that is not there as it needs it. */
export interface LackedName extends Pick<AttachTarget, "user" | "kind" | "name"> {
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
      readonly lacked: readonly LackedName[];
    };

/** What one kernel makes of all objects. Plain data: workers hand it back. */
export interface KernelOutcome {
  readonly identity: KernelIdentity;
  readonly origin: string;
  /** In the order of the objects. */
  readonly objects: readonly ObjectOutcome[];
}

/** What kernels share that are assessed one after the other. */
export interface AssessMemory {
  readonly memo: ReachableMemo;
  readonly memory: ViewMemory;
}

/**
 * Resolves every relocation of every object against one kernel, instructions included, and looks up what the objects
 * attach to and call, by the rules of the kernel's release.
 * @throws FormatError when the BTF is damaged.
 */
export function assessKernel(
  { identity, origin, btf, modules }: KernelBtf,
  objects: readonly CompatObject[],
  rules: CompatRules,
  { memo, memory }: AssessMemory,
): KernelOutcome {
  const base = parseBtf(btf.bytes, { source: btf.source, memory });
  const { littleEndian } = (base.segments[0] as BtfSegment).header;
  const target = modules.length === 0 ? base : parseModules(base, modules);
  const index = indexCandidates(target);
  const near: NearWords = new Map();
  const fitting = objects.filter((one) => skipReason(one, identity, littleEndian) === null);
  const found = lackedTargets(
    fitting.map(({ object }) => object),
    target,
    {
      rules: trampolineRules(identity.release ?? "") ?? NEWEST_TRAMPOLINE_RULES,
      ...(identity.arch !== null && { architecture: identity.arch }),
    },
  );
  const lacked = new Map(fitting.map((one, i) => [one, found[i]]));
  const outcomes = objects.map((one): ObjectOutcome => {
    const skipped = skipReason(one, identity, littleEndian);
    if (skipped !== null) return { skipped };
    return outcomeOf(assessObject(one.object, index, RULE_SETS[rules], near, memo), lacked.get(one) ?? []);
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

function outcomeOf({ judged, reasons }: Assessment, lacked: readonly LackedTarget[]): ObjectOutcome {
  return {
    skipped: null,
    statuses: judged.map(({ status }) => STATUS_LETTERS[status]).join(""),
    findings: [...reasons].map(([relocation, reason]): Finding => ({ relocation, reason })),
    lacked: lacked.map(({ target: { user, kind, name }, reason }): LackedName => ({ user, kind, name, reason })),
  };
}
