import { KIND_DATASEC, KIND_LIMIT, MEMBER_TYPE_WORD, SECINFO_TYPE_WORD } from "../lib/btf/format.ts";
import { allocateWords, get } from "./memory.ts";
import { infoOf, kindOf, vlenOf } from "./side.ts";

/**
 * What a record of each kind is made of, which the host writes here (lib/btf/kind-table.ts says it): words of the fixed
 * part in bits 0 to 7, words of an element in 8 to 15, the bit set of the words of the fixed part that hold type ids in
 * 16 to 23, and the flags below.
 */
export const kindTable: usize = allocateWords(KIND_LIMIT);
const ELEMENTS_HAVE_TYPES = 1 << 24;
const ELEMENTS_HAVE_NAMES = 1 << 25;
const IS_ROOT = 1 << 26;

/** Words of the fixed part; 0 for a kind that is not known. */
export function fixedWords(kind: i32): i32 {
  return get(kindTable, kind) & 0xff;
}

/** Words of each element. */
export function elementWords(kind: i32): i32 {
  return (get(kindTable, kind) >>> 8) & 0xff;
}

/** Bit set of the words of the fixed part that hold type ids. */
export function typeIdWords(kind: i32): i32 {
  return (get(kindTable, kind) >>> 16) & 0xff;
}

/** True where elements hold a type id. */
export function hasElementTypes(kind: i32): bool {
  return (get(kindTable, kind) & ELEMENTS_HAVE_TYPES) !== 0;
}

/** The word of an element that holds its type id, the second in every kind but DATASEC; -1 for none. */
export function elementTypeWord(kind: i32): i32 {
  if (!hasElementTypes(kind)) return -1;
  return kind === KIND_DATASEC ? SECINFO_TYPE_WORD : MEMBER_TYPE_WORD;
}

/** True where elements have names, which are their first word. */
export function hasElementNames(kind: i32): bool {
  return (get(kindTable, kind) & ELEMENTS_HAVE_NAMES) !== 0;
}

/** True for a kind whose types stand for themselves where they have a name. */
export function isRootKind(kind: i32): bool {
  return (get(kindTable, kind) & IS_ROOT) !== 0;
}

/** Bytes from one element to the next. */
export function elementBytes(kind: i32): usize {
  return (<usize>elementWords(kind)) << 2;
}

/** Address of a record's first element. */
export function firstElement(record: usize, kind: i32): usize {
  return record + ((<usize>fixedWords(kind)) << 2);
}

/** Address behind its last element. */
export function elementsEnd(record: usize, kind: i32): usize {
  return firstElement(record, kind) + <usize>vlenOf(infoOf(record)) * elementBytes(kind);
}

/** Kind of the type with this record. */
export function recordKind(record: usize): i32 {
  return kindOf(infoOf(record));
}
