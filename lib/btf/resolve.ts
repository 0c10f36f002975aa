import { FormatError } from "./error.ts";
import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_INT,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
} from "./format.ts";
import { arrayElement, arrayLength } from "./members.ts";
import { type Btf, isTransparent, kindOf, sizeOf, targetOf } from "./view.ts";

/** Returned instead of a size for a type that has none (libbpf: -EINVAL). */
export const SIZE_UNKNOWN = -1;
/** Returned instead of a size that does not fit 32 bits (libbpf: -E2BIG). */
export const SIZE_TOO_BIG = -2;

/** libbpf's MAX_RESOLVE_DEPTH (btf.c): how many steps a size may take. */
const MAX_RESOLVE_DEPTH = 32;
/** What a pointer is taken to have where the BTF does not tell: a 64-bit loader's own size, as libbpf does. */
const DEFAULT_POINTER_BYTES = 8;

/**
 * The most modifiers and typedefs in a row. Source code has ten at most; a chain of a hundred thousand which as many
 * members share would take minutes, each member another walk.
 */
const MAX_CHAIN = 256;

/**
 * Looks through modifiers and typedefs (libbpf: skip_mods_and_typedefs); the id itself when it is neither.
 * @throws FormatError when they go round in a circle, where libbpf would hang, or on for longer than any real ones.
 */
export function skipModifiersAndTypedefs(btf: Btf, id: number): number {
  let at = id;
  for (let steps = 0; isTransparent(kindOf(btf, at)); steps++) {
    if (steps === MAX_CHAIN) {
      throw new FormatError("type-loop", `more than ${MAX_CHAIN} modifiers and typedefs in a row, or in a circle`, {
        source: btf.source,
        section: "BTF types",
        typeId: id,
      });
    }
    at = targetOf(btf, at);
  }
  return at;
}

/** Bytes of a pointer in this BTF. */
export function pointerBytes(btf: Btf): number {
  return btf.pointerSize === 0 ? DEFAULT_POINTER_BYTES : btf.pointerSize;
}

/** Size of a type in bytes, or SIZE_UNKNOWN, or SIZE_TOO_BIG (libbpf btf.c, btf__resolve_size). */
export function resolveSize(btf: Btf, id: number): number {
  let elements = 1;
  let at = id;
  for (let depth = 0; depth < MAX_RESOLVE_DEPTH; depth++) {
    switch (kindOf(btf, at)) {
      case KIND_INT:
      case KIND_STRUCT:
      case KIND_UNION:
      case KIND_ENUM:
      case KIND_ENUM64:
      case KIND_DATASEC:
      case KIND_FLOAT:
        return times(elements, sizeOf(btf, at));
      case KIND_PTR:
        return times(elements, pointerBytes(btf));
      case KIND_TYPEDEF:
      case KIND_VOLATILE:
      case KIND_CONST:
      case KIND_RESTRICT:
      case KIND_VAR:
      case KIND_DECL_TAG:
      case KIND_TYPE_TAG:
        at = targetOf(btf, at);
        break;
      case KIND_ARRAY:
        elements = times(elements, arrayLength(btf, at));
        if (elements < 0) return elements;
        at = arrayElement(btf, at);
        break;
      default:
        return SIZE_UNKNOWN;
    }
  }
  return SIZE_UNKNOWN;
}

function times(elements: number, size: number): number {
  const product = elements * size;
  return product > 0xffffffff ? SIZE_TOO_BIG : product;
}
