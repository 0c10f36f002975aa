/** Sizes and places as cilium/ebpf counts them (btf/types.go and btf/core.go). */
import {
  INT_SIGNED,
  KIND_ARRAY,
  KIND_DATASEC,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
  KIND_VOID,
} from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  enumeratorBits,
  intBits,
  intEncoding,
  intOffset,
  memberBitfieldSize,
  memberBitOffset,
  memberType,
} from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { type Btf, isEnum, isTransparent, kindFlagOf, kindOf, sizeOf, targetOf } from "../btf/view.ts";

/** Returned instead of a size or an alignment for a type that has none. */
export const NO_SIZE = -1;

/** btf/types.go, maxResolveDepth. */
export const MAX_DEPTH = 32;
/** A pointer has 8 bytes, whatever the target. */
const POINTER_BYTES = 8;
/** Sizes are signed 64-bit numbers. */
const MAX_SIZE = 2 ** 63;

/** Bytes of a type; void has 0 (btf/types.go, Sizeof). */
export function ciliumSize(btf: Btf, id: number): number {
  let elements = 1;
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const kind = kindOf(btf, at);
    if (kind === KIND_ARRAY) {
      elements *= arrayLength(btf, at);
      if (elements >= MAX_SIZE) return NO_SIZE;
      at = arrayElement(btf, at);
    } else if (isTransparent(kind)) at = targetOf(btf, at);
    else {
      const size = ownSize(btf, at, kind);
      return size === NO_SIZE || elements * size >= MAX_SIZE ? NO_SIZE : elements * size;
    }
  }
  return NO_SIZE;
}

function ownSize(btf: Btf, id: number, kind: number): number {
  switch (kind) {
    case KIND_VOID:
      return 0;
    case KIND_PTR:
      return POINTER_BYTES;
    case KIND_INT:
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_ENUM:
    case KIND_ENUM64:
    case KIND_DATASEC:
    case KIND_FLOAT:
      return sizeOf(btf, id);
    default:
      return NO_SIZE;
  }
}

/** Alignment of what a bitfield is loaded by: an integer's or enum's size, a power of two (btf/types.go, alignof). */
export function ciliumAlignment(btf: Btf, id: number): number {
  let at = skipModifiersAndTypedefs(btf, id);
  for (let depth = 0; kindOf(btf, at) === KIND_ARRAY && depth < MAX_DEPTH; depth++) {
    at = skipModifiersAndTypedefs(btf, arrayElement(btf, at));
  }
  const kind = kindOf(btf, at);
  if (kind !== KIND_INT && !isEnum(kind)) return NO_SIZE;
  const size = sizeOf(btf, at);
  return size !== 0 && (size & (size - 1)) === 0 ? size : NO_SIZE;
}

/** Where a member lies in its struct, and how wide it is. */
export interface Extent {
  readonly bitOffset: number;
  /** 0 for a member that is no bitfield. */
  readonly bitfieldSize: number;
}

/**
 * A member's place. Where the struct has no kind_flag, an INT that does not fill its bytes makes its member a bitfield,
 * as compilers wrote them before there was one; only when the member names it directly (btf/unmarshal.go).
 */
export function memberExtent(btf: Btf, id: number, index: number): Extent {
  const bitOffset = memberBitOffset(btf, id, index);
  if (kindFlagOf(btf, id) === 1) return { bitOffset, bitfieldSize: memberBitfieldSize(btf, id, index) };
  const typeId = memberType(btf, id, index);
  if (kindOf(btf, typeId) !== KIND_INT) return { bitOffset, bitfieldSize: 0 };
  const offset = intOffset(btf, typeId);
  const bits = intBits(btf, typeId);
  if (offset === 0 && bits >>> 3 === sizeOf(btf, typeId)) return { bitOffset, bitfieldSize: 0 };
  return { bitOffset: (bitOffset + offset) >>> 0, bitfieldSize: bits };
}

/** 1 or 0 for an enum or integer; null for a type that has no sign. */
export function signOf(btf: Btf, id: number): bigint | null {
  if (isEnum(kindOf(btf, id))) return BigInt(kindFlagOf(btf, id));
  return kindOf(btf, id) === KIND_INT ? BigInt(intEncoding(btf, id) & INT_SIGNED) : null;
}

/** An enumerator's value in 64 bits; of 32, extended by its sign only where the enum is signed. */
export function ciliumEnumValue(btf: Btf, id: number, index: number): bigint {
  const bits = enumeratorBits(btf, id, index);
  return kindOf(btf, id) === KIND_ENUM && kindFlagOf(btf, id) === 0 ? BigInt.asUintN(32, bits) : bits;
}
