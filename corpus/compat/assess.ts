import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { BtfSegment } from "../../lib/btf/view.ts";
import type { ViewMemory } from "../../lib/btf/view-memory.ts";
import { type Assessment, assessObject, type NearWords } from "../../lib/core/assess.ts";
import type { AttachKind } from "../../lib/core/attach-targets.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { DescribedStatus } from "../../lib/core/describe.ts";
import { type LackedTarget, lackedTargets } from "../../lib/core/lacked-targets.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import type { ReachableMemo } from "../../lib/core/reachable.ts";
import { RULE_SETS } from "../../lib/core/rules.ts";
import { isOfProgram } from "../../lib/core/target-standing.ts";
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
export interface LackedName {
  /** The program or the map; the section for an extern. */
  readonly user: string;
  /** True where `user` is a program. */
  readonly isProgram: boolean;
  /** `fentry`, `kfunc`, ... */
  readonly kind: AttachKind;
  /** In the kernel. */
  readonly name: string;
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
  const skipped = objects.map((object) => skipReason(object, identity, littleEndian));
  const fitting = objects.flatMap(({ object }, i) => (skipped[i] === null ? [object] : []));
  const lacked = lackedTargets(fitting, target, {
    rules: trampolineRules(identity.release ?? "") ?? NEWEST_TRAMPOLINE_RULES,
    ...(identity.arch !== null && { architecture: identity.arch }),
  }).values();
  const outcomes = objects.map(({ object }, i): ObjectOutcome => {
    const reason = skipped[i] ?? null;
    if (reason !== null) return { skipped: reason };
    return outcomeOf(assessObject(object, index, RULE_SETS[rules], near, memo), lacked.next().value ?? []);
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
    lacked: lacked.map(({ target, reason }): LackedName => {
      const { user, kind, name } = target;
      return { user, isProgram: isOfProgram(target), kind, name, reason };
    }),
  };
}
