import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import type { Btf } from "../btf/view.ts";
import type { CiliumField, CiliumPath } from "./cilium-field.ts";
import { ciliumSize, NO_SIZE, signOf } from "./cilium-layout.ts";
import { ciliumKind } from "./cilium-type.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_LSHIFT_U64,
  RELO_FIELD_RSHIFT_U64,
  RELO_FIELD_SIGNED,
  RELO_TYPE_EXISTS,
  RELO_TYPE_MATCHES,
} from "./relo-kind.ts";
import type { ReloValue } from "./value.ts";

/** Numbers of a relocation, or why there are none. */
export type CiliumValue = ReloValue | { readonly why: string };

/** A value that goes into the instruction as it is: cilium/ebpf never changes what a load or store moves. */
export function plainValue(original: bigint | number, value: bigint | number, validate = true): ReloValue {
  const [from, to] = [BigInt(original), BigInt(value)];
  return { original: from, value: to, poison: false, validate, badResize: false, originalSize: 0, size: 0 };
}

const POISONED: ReloValue = { ...plainValue(0, 0, false), poison: true };

/** Kinds whose answer to "nothing matches" is 0; for a size or a type's id it is poison, unlike libbpf's. */
const ASKS_FOR_EXISTENCE: ReadonlySet<number> = new Set([
  RELO_FIELD_EXISTS,
  RELO_TYPE_EXISTS,
  RELO_ENUMVAL_EXISTS,
  RELO_TYPE_MATCHES,
]);

/** True for kinds that cilium/ebpf answers with 0 where nothing matches (btf/core.go, checksForExistence). */
export function asksForExistence(kind: number): boolean {
  return ASKS_FOR_EXISTENCE.has(kind);
}

/** What goes into the instruction where nothing matches. */
export function unmatchedValue(kind: number): ReloValue {
  return asksForExistence(kind) ? plainValue(1, 0) : POISONED;
}

/** type_size of two compatible types. */
export function sizeValue(local: Btf, localId: number, target: Btf, targetId: number): CiliumValue {
  const from = ciliumSize(local, localId);
  const to = ciliumSize(target, targetId);
  return from === NO_SIZE || to === NO_SIZE ? { why: "has no size, here or there" } : plainValue(from, to);
}

/**
 * The numbers of a field relocation (cilium/ebpf btf/core.go, coreCalculateFixup). Shifts depend on the byte order of
 * the object; those of a field that is no bitfield are those of one as wide as its type.
 */
export function fieldValue(
  kind: number,
  local: Btf,
  target: Btf,
  path: CiliumPath,
  littleEndian: boolean,
): CiliumValue {
  const from = path.local;
  const to = path.target;
  const validate = from.bitfieldSize === 0;
  switch (kind) {
    case RELO_FIELD_EXISTS:
      return plainValue(1, 1);
    case RELO_FIELD_BYTE_OFFSET:
      return plainValue(from.offset, to.offset, validate);
    case RELO_FIELD_BYTE_SIZE: {
      const value = sizeValue(local, from.typeId, target, to.typeId);
      return "why" in value ? value : { ...value, validate };
    }
    case RELO_FIELD_SIGNED:
      return signedness(local, from, target, to);
    case RELO_FIELD_RSHIFT_U64: {
      const bits = fieldBits(target, to);
      return bits === NO_SIZE ? NO_WIDTH : plainValue(0, (64 - bits) >>> 0, false);
    }
    case RELO_FIELD_LSHIFT_U64: {
      const bits = littleEndian ? fieldBits(target, to) : 8 * ciliumSize(target, to.typeId);
      if (bits < 0) return NO_WIDTH;
      const shift = littleEndian ? 64 - to.bitfieldOffset - bits : 64 - bits + to.bitfieldOffset;
      return plainValue(0, shift >>> 0, false);
    }
    default:
      return { why: "is asked for something that fields do not have" };
  }
}

const NO_WIDTH = { why: "has no width" };

function fieldBits(btf: Btf, field: CiliumField): number {
  if (field.bitfieldSize > 0) return field.bitfieldSize;
  const size = ciliumSize(btf, field.typeId);
  return size === NO_SIZE ? NO_SIZE : 8 * size;
}

function signedness(local: Btf, from: CiliumField, target: Btf, to: CiliumField): CiliumValue {
  const localId = skipModifiersAndTypedefs(local, from.typeId);
  const targetId = skipModifiersAndTypedefs(target, to.typeId);
  const localSign = signOf(local, localId);
  const targetSign = signOf(target, targetId);
  if (localSign === null || targetSign === null || ciliumKind(local, localId) !== ciliumKind(target, targetId)) {
    return { why: "has no sign, here or there" };
  }
  return plainValue(localSign, targetSign);
}
