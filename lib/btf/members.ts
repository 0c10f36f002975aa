import {
  ARRAY_ELEMENT_WORD,
  ARRAY_INDEX_WORD,
  ARRAY_LENGTH_WORD,
  ENUM_WORDS,
  ENUM64_WORDS,
  ENUMERATOR_HIGH_WORD,
  ENUMERATOR_NAME_WORD,
  ENUMERATOR_VALUE_WORD,
  INT_BITS_MASK,
  INT_DATA_WORD,
  INT_ENCODING_MASK,
  INT_ENCODING_SHIFT,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  KIND_ENUM64,
  MEMBER_BIT_OFFSET_MASK,
  MEMBER_BITFIELD_SHIFT,
  MEMBER_NAME_WORD,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  MEMBER_WORDS,
  PARAM_NAME_WORD,
  PARAM_TYPE_WORD,
  PARAM_WORDS,
  TYPE_WORDS,
} from "./format.ts";
import { type Btf, kindFlagOf, kindOf, recordOf } from "./view.ts";

/** Word index of member `index` of a STRUCT or UNION; the index must be below vlen. */
export function memberAt(btf: Btf, id: number, index: number): number {
  return recordOf(btf, id) + TYPE_WORDS + index * MEMBER_WORDS;
}

/** Name offset of a member; 0 when it is anonymous. */
export function memberName(btf: Btf, id: number, index: number): number {
  return btf.words[memberAt(btf, id, index) + MEMBER_NAME_WORD] as number;
}

/** Type id of a member. */
export function memberType(btf: Btf, id: number, index: number): number {
  return btf.words[memberAt(btf, id, index) + MEMBER_TYPE_WORD] as number;
}

/** Offset of a member from the start of its struct, in bits. */
export function memberBitOffset(btf: Btf, id: number, index: number): number {
  const word = btf.words[memberAt(btf, id, index) + MEMBER_OFFSET_WORD] as number;
  return kindFlagOf(btf, id) === 1 ? word & MEMBER_BIT_OFFSET_MASK : word;
}

/** Width of a bitfield member in bits; 0 for a member that is no bitfield, and always without kind_flag. */
export function memberBitfieldSize(btf: Btf, id: number, index: number): number {
  if (kindFlagOf(btf, id) === 0) return 0;
  return (btf.words[memberAt(btf, id, index) + MEMBER_OFFSET_WORD] as number) >>> MEMBER_BITFIELD_SHIFT;
}

/** Type id of an array's elements. */
export function arrayElement(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + ARRAY_ELEMENT_WORD] as number;
}

/** Type id of an array's index. */
export function arrayIndex(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + ARRAY_INDEX_WORD] as number;
}

/** Number of an array's elements. */
export function arrayLength(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + ARRAY_LENGTH_WORD] as number;
}

/** An INT's encoding bits: INT_SIGNED, INT_CHAR, INT_BOOL. */
export function intEncoding(btf: Btf, id: number): number {
  return ((btf.words[recordOf(btf, id) + INT_DATA_WORD] as number) >>> INT_ENCODING_SHIFT) & INT_ENCODING_MASK;
}

/** An INT's bit offset inside its bytes: 0 but for the bitfields of old compilers. */
export function intOffset(btf: Btf, id: number): number {
  return ((btf.words[recordOf(btf, id) + INT_DATA_WORD] as number) >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK;
}

/** An INT's width in bits. */
export function intBits(btf: Btf, id: number): number {
  return (btf.words[recordOf(btf, id) + INT_DATA_WORD] as number) & INT_BITS_MASK;
}

/** Word index of enumerator `index` of an ENUM or ENUM64; the index must be below vlen. */
export function enumeratorAt(btf: Btf, id: number, index: number): number {
  return recordOf(btf, id) + TYPE_WORDS + index * (kindOf(btf, id) === KIND_ENUM64 ? ENUM64_WORDS : ENUM_WORDS);
}

/** Name offset of an enumerator. */
export function enumeratorName(btf: Btf, id: number, index: number): number {
  return btf.words[enumeratorAt(btf, id, index) + ENUMERATOR_NAME_WORD] as number;
}

/**
 * Value of an enumerator as libbpf puts it into a u64: a 32-bit one is sign-extended whatever the kind_flag (`struct
 * btf_enum.val` is an s32), a 64-bit one is its two words.
 */
export function enumeratorBits(btf: Btf, id: number, index: number): bigint {
  const at = enumeratorAt(btf, id, index);
  const low = btf.words[at + ENUMERATOR_VALUE_WORD] as number;
  if (kindOf(btf, id) !== KIND_ENUM64) return BigInt.asUintN(64, BigInt(low | 0));
  return (BigInt(btf.words[at + ENUMERATOR_HIGH_WORD] as number) << 32n) | BigInt(low);
}

/** Value of an enumerator as C has it: signed when the type's kind_flag is set, else unsigned. */
export function enumeratorValue(btf: Btf, id: number, index: number): bigint {
  const bits = enumeratorBits(btf, id, index);
  const width = kindOf(btf, id) === KIND_ENUM64 ? 64 : 32;
  return kindFlagOf(btf, id) === 1 ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
}

/** Name offset of a FUNC_PROTO's parameter. */
export function paramName(btf: Btf, id: number, index: number): number {
  return btf.words[recordOf(btf, id) + TYPE_WORDS + index * PARAM_WORDS + PARAM_NAME_WORD] as number;
}

/** Type id of a FUNC_PROTO's parameter; 0 with name 0 as the last one means variadic. */
export function paramType(btf: Btf, id: number, index: number): number {
  return btf.words[recordOf(btf, id) + TYPE_WORDS + index * PARAM_WORDS + PARAM_TYPE_WORD] as number;
}
