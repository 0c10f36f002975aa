import { INT_SIGNED, KIND_ARRAY, KIND_INT, KIND_PTR } from "../btf/format.ts";
import { TYPE_ID_WORDS } from "../btf/kind-table.ts";
import { arrayElement, enumeratorBits, intEncoding, memberBitfieldSize, memberType } from "../btf/members.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { type Btf, isEnum, kindFlagOf, kindOf, sizeOf } from "../btf/view.ts";
import { ERROR_INVALID, ERROR_TOO_LONG } from "./match-state.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_LSHIFT_U64,
  RELO_FIELD_RSHIFT_U64,
  RELO_FIELD_SIGNED,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_SIZE,
  reloClass,
} from "./relo-kind.ts";
import { type Accessor, NO_NAME, type Spec } from "./spec.ts";

/** The number a relocation puts into an instruction, from one side (local or target). */
interface SideValue {
  readonly value: bigint;
  /** Bytes of the field a load or store touches; 0 where that has no meaning. */
  readonly fieldSize: number;
  /** Type of the field for judging a change of its size; 0 for none. */
  readonly fieldType: number;
  /** Whether the number must be found in the original instruction. */
  readonly validate: boolean;
}

/** One relocation's numbers for one candidate (libbpf: struct bpf_core_relo_res). */
export interface ReloValue {
  /** What the compiler has put into the instruction. */
  readonly original: bigint;
  readonly value: bigint;
  /** The instruction cannot be satisfied and becomes a call of a helper that does not exist. */
  readonly poison: boolean;
  /** Whether `original` must be found in the instruction before it is changed. */
  readonly validate: boolean;
  /** A load or store must not be resized from `originalSize` to `size`: it would read something else. */
  readonly badResize: boolean;
  /** Bytes a load or store has and gets; 0 where that has no meaning. */
  readonly originalSize: number;
  readonly size: number;
}

/** Outcome of calculating: the numbers, or an errno. */
export type Calculated = ReloValue | { readonly error: number };

/** True for a calculation that failed. */
export function isError(value: Calculated): value is { readonly error: number } {
  return "error" in value;
}

const POISON = "poison";
type Side = SideValue | typeof POISON | { readonly error: number };

/**
 * The numbers of a relocation for a target path, or for none (libbpf relo_core.c, bpf_core_calc_relo).
 * Shifts depend on the byte order of the object, which is that of the machine it runs on.
 */
export function calculate(
  kind: number,
  local: Btf,
  localSpec: Spec,
  target: Btf,
  targetSpec: Spec | null,
  littleEndian: boolean,
): Calculated {
  const from = sideValue(kind, local, localSpec, littleEndian);
  if (from === POISON) return poisoned();
  if ("error" in from) return from;
  const to = sideValue(kind, target, targetSpec, littleEndian);
  if (to === POISON) return poisoned(from);
  if ("error" in to) return to;
  return {
    original: from.value,
    value: to.value,
    poison: false,
    validate: from.validate,
    badResize: from.fieldSize !== to.fieldSize && !mayResize(local, from.fieldType, target, to.fieldType),
    originalSize: from.fieldSize,
    size: to.fieldSize,
  };
}

function poisoned(from?: SideValue): ReloValue {
  return {
    original: from?.value ?? 0n,
    value: 0n,
    poison: true,
    validate: from?.validate ?? true,
    badResize: false,
    originalSize: from?.fieldSize ?? 0,
    size: 0,
  };
}

/**
 * A load may change its size only between two pointers (a 32-bit kernel's read by 64-bit BPF) and between two
 * unsigned integers; libbpf compares the whole encoding with SIGNED, so a signed char counts as unsigned here.
 */
function mayResize(local: Btf, localType: number, target: Btf, targetType: number): boolean {
  const localKind = kindOf(local, localType);
  const targetKind = kindOf(target, targetType);
  if (localKind === KIND_PTR && targetKind === KIND_PTR) return true;
  if (localKind !== KIND_INT || targetKind !== KIND_INT) return false;
  return intEncoding(local, localType) !== INT_SIGNED && intEncoding(target, targetType) !== INT_SIGNED;
}

function sideValue(kind: number, btf: Btf, spec: Spec | null, littleEndian: boolean): Side {
  switch (reloClass(kind)) {
    case "field":
      return fieldValue(kind, btf, spec, littleEndian);
    case "type":
      return typeValue(kind, btf, spec);
    case "enumval":
      return enumeratorSide(kind, btf, spec);
    default:
      return { error: ERROR_INVALID };
  }
}

function plain(value: number | bigint, validate = true): SideValue {
  return { value: BigInt(value), fieldSize: 0, fieldType: 0, validate };
}

function typeValue(kind: number, btf: Btf, spec: Spec | null): Side {
  if (spec === null) return plain(0);
  if (kind === RELO_TYPE_ID_TARGET) return plain(spec.rootId, false);
  if (kind !== RELO_TYPE_SIZE) return plain(1);
  const size = resolveSize(btf, spec.rootId);
  return size < 0 ? { error: ERROR_INVALID } : plain(size);
}

function enumeratorSide(kind: number, btf: Btf, spec: Spec | null): Side {
  if (kind === RELO_ENUMVAL_EXISTS) return plain(spec === null ? 0 : 1);
  if (kind !== RELO_ENUMVAL_VALUE || spec === null) return POISON;
  const accessor = spec.accessors[0] as Accessor;
  return plain(enumeratorBits(btf, accessor.typeId, accessor.index));
}

function fieldValue(kind: number, btf: Btf, spec: Spec | null, littleEndian: boolean): Side {
  if (kind === RELO_FIELD_EXISTS) return plain(spec === null ? 0 : 1);
  if (spec === null) return POISON;
  const last = spec.accessors[spec.accessors.length - 1] as Accessor;
  if (last.nameOffset === NO_NAME) return elementValue(kind, btf, spec, last);
  const fieldType = skipModifiersAndTypedefs(btf, memberType(btf, last.typeId, last.index));
  const bitfieldSize = memberBitfieldSize(btf, last.typeId, last.index);
  if (bitfieldSize > 0) return bitfieldValue(kind, btf, spec, fieldType, bitfieldSize, littleEndian);
  const size = resolveSize(btf, fieldType);
  if (size < 0) return { error: ERROR_INVALID };
  const byteOffset = Math.floor(spec.bitOffset / 8);
  if (kind === RELO_FIELD_BYTE_OFFSET) return offsetValue(btf, byteOffset, fieldType, fieldType);
  return aspect(kind, btf, fieldType, {
    byteOffset,
    byteSize: size,
    bitOffset: spec.bitOffset,
    bitSize: size * 8,
    littleEndian,
    validate: true,
  });
}

/** An array element has an offset and a size, nothing else. */
function elementValue(kind: number, btf: Btf, spec: Spec, last: Accessor): Side {
  if (kind === RELO_FIELD_BYTE_OFFSET) {
    return offsetValue(btf, Math.floor(spec.bitOffset / 8), last.typeId, last.typeId);
  }
  if (kind !== RELO_FIELD_BYTE_SIZE) return { error: ERROR_INVALID };
  const size = resolveSize(btf, last.typeId);
  return size < 0 ? { error: ERROR_INVALID } : plain(size);
}

/** An offset comes with the size of what is loaded there: of an array, that is one element. */
function offsetValue(btf: Btf, byteOffset: number, typeId: number, fieldType: number): Side {
  let elementId = skipModifiersAndTypedefs(btf, typeId);
  while (kindOf(btf, elementId) === KIND_ARRAY) {
    elementId = skipModifiersAndTypedefs(btf, arrayElement(btf, elementId));
  }
  const size = resolveSize(btf, elementId);
  if (size < 0) return { error: ERROR_INVALID };
  return { value: BigInt(byteOffset), fieldSize: size, fieldType, validate: true };
}

/**
 * A bitfield is loaded by the smallest aligned integer that covers it, from the size of its type up to 8 bytes.
 * Compilers and BTF may disagree on that, so only signedness and the right shift are checked in the instruction.
 */
function bitfieldValue(
  kind: number,
  btf: Btf,
  spec: Spec,
  fieldType: number,
  bitSize: number,
  littleEndian: boolean,
): Side {
  const { bitOffset } = spec;
  // A pointer's third word is a type id, which libbpf takes for a size; compilers and the kernel know no such bitfield.
  if (TYPE_ID_WORDS[kindOf(btf, fieldType)] !== 0) return { error: ERROR_INVALID };
  let byteSize = sizeOf(btf, fieldType);
  // A hostile type may have size 0, where libbpf would divide by it.
  if (byteSize === 0) return { error: ERROR_INVALID };
  const aligned = () => Math.floor(Math.floor(bitOffset / 8) / byteSize) * byteSize;
  let byteOffset = aligned();
  while (bitOffset + bitSize - byteOffset * 8 > byteSize * 8) {
    if (byteSize >= 8) return { error: ERROR_TOO_LONG };
    byteSize *= 2;
    byteOffset = aligned();
  }
  if (kind === RELO_FIELD_BYTE_OFFSET) return plain(byteOffset, false);
  return aspect(kind, btf, fieldType, { byteOffset, byteSize, bitOffset, bitSize, littleEndian, validate: false });
}

interface Extent {
  readonly byteOffset: number;
  readonly byteSize: number;
  readonly bitOffset: number;
  readonly bitSize: number;
  readonly littleEndian: boolean;
  readonly validate: boolean;
}

function aspect(kind: number, btf: Btf, fieldType: number, extent: Extent): Side {
  const { byteOffset, byteSize, bitOffset, bitSize } = extent;
  switch (kind) {
    case RELO_FIELD_BYTE_SIZE:
      return plain(byteSize, extent.validate);
    case RELO_FIELD_SIGNED:
      return plain(isSigned(btf, fieldType) ? 1 : 0);
    case RELO_FIELD_LSHIFT_U64: {
      const shift = extent.littleEndian
        ? 64 - (bitOffset + bitSize - byteOffset * 8)
        : (8 - byteSize) * 8 + (bitOffset - byteOffset * 8);
      return plain(asU64(shift), extent.validate);
    }
    case RELO_FIELD_RSHIFT_U64:
      return plain(asU64(64 - bitSize));
    default:
      return { error: ERROR_INVALID };
  }
}

function isSigned(btf: Btf, typeId: number): boolean {
  if (isEnum(kindOf(btf, typeId))) return kindFlagOf(btf, typeId) === 1;
  return kindOf(btf, typeId) === KIND_INT && (intEncoding(btf, typeId) & INT_SIGNED) !== 0;
}

/** libbpf's arithmetic here is on u32 and the result goes into a u64: a negative shift is a great number. */
function asU64(shift: number): bigint {
  return BigInt(shift >>> 0);
}
