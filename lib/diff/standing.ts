import { memberBitfieldSize, memberType } from "../btf/members.ts";
import { resolveSize } from "../btf/resolve.ts";
import type { Btf } from "../btf/view.ts";
import { assessObject, type NearWords } from "../core/assess.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import type { DescribedStatus } from "../core/describe.ts";
import type { BpfObject } from "../core/object.ts";
import { RELO_FIELD_BYTE_OFFSET, reloClass } from "../core/relo-kind.ts";
import type { MatchRules } from "../core/rules.ts";
import { NO_NAME, type Spec } from "../core/spec.ts";
import { tryPatch } from "../core/try-patch.ts";

/** What a relocation is on one kernel. */
export type Standing = DescribedStatus;

/** Where a field is in a kernel's type, in bits. */
export interface FieldPlace {
  /** From the start of the root. */
  readonly bitOffset: number;
  /** Of a bitfield its bits; 0 where the field has no size. */
  readonly bits: number;
}

/** A relocation on one kernel. */
export interface RelocationSide {
  readonly status: Standing;
  /** The number that goes into the instruction; null where none does. */
  readonly value: bigint | null;
  /** Bytes that the instruction moves there, for `byte_off` in a load or store; null of any other. */
  readonly loadBytes: number | null;
  /** Null but for fields that are there. */
  readonly place: FieldPlace | null;
  /** Why it is not resolved; null where it is. */
  readonly reason: string | null;
}

/**
 * What a kernel makes of every relocation of an object, in the object's order. Statuses are those of compat, `near` as
 * assessObject has it.
 * @throws FormatError when the object or the kernel's BTF is damaged.
 */
export function objectSide(
  object: BpfObject,
  index: CandidateIndex,
  rules: MatchRules,
  near: NearWords | null = new Map(),
): RelocationSide[] {
  const { judged, reasons } = assessObject(object, index, rules, near);
  return judged.map(({ record, status }): RelocationSide => {
    const { relocation, chosen, value } = record;
    const hasValue = (status === "resolved" || status === "absent") && value !== null;
    const place = status === "resolved" && chosen !== null ? fieldPlace(index.btf, relocation.kind, chosen.spec) : null;
    return {
      status,
      value: hasValue ? value.value : null,
      loadBytes: hasValue && relocation.kind === RELO_FIELD_BYTE_OFFSET ? tryPatch(record).moves : null,
      place,
      reason: reasons.get(relocation.index) ?? null,
    };
  });
}

function fieldPlace(btf: Btf, kind: number, { accessors, bitOffset }: Spec): FieldPlace | null {
  const last = accessors.at(-1);
  if (reloClass(kind) !== "field" || last === undefined) return null;
  if (last.nameOffset === NO_NAME) return { bitOffset, bits: bitsOf(btf, last.typeId) };
  const bitfield = memberBitfieldSize(btf, last.typeId, last.index);
  return { bitOffset, bits: bitfield > 0 ? bitfield : bitsOf(btf, memberType(btf, last.typeId, last.index)) };
}

function bitsOf(btf: Btf, id: number): number {
  return Math.max(0, resolveSize(btf, id)) * 8;
}
