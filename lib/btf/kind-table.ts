import {
  ARRAY_ELEMENT_WORD,
  ARRAY_INDEX_WORD,
  ENUM_WORDS,
  ENUM64_WORDS,
  ENUMERATOR_NAME_WORD,
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_LIMIT,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
  MEMBER_NAME_WORD,
  MEMBER_TYPE_WORD,
  MEMBER_WORDS,
  PARAM_NAME_WORD,
  PARAM_TYPE_WORD,
  PARAM_WORDS,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
} from "./format.ts";

/** One row of the format: what a record of a kind is made of. Word positions are bit sets (bit n: word n). */
interface KindRow {
  readonly kind: number;
  /** Words after `struct btf_type`, once per record. */
  readonly infoWords: number;
  /** Words of each of `vlen` elements. */
  readonly elementWords: number;
  /** Words of the fixed part that hold a type id. */
  readonly typeIds: number;
  /** Words of an element that hold a type id. */
  readonly elementTypeIds: number;
  /** Words of an element that hold a name offset. */
  readonly elementNames: number;
}

const REFERS = 1 << SIZE_OR_TYPE_WORD;

/** Where sizes, type ids and names sit, said once: parser, encoder, marker, writer and checker all read this. */
const KIND_ROWS: readonly KindRow[] = [
  row(KIND_INT, 1),
  row(KIND_PTR, 0, 0, REFERS),
  row(KIND_ARRAY, 3, 0, (1 << ARRAY_ELEMENT_WORD) | (1 << ARRAY_INDEX_WORD)),
  row(KIND_STRUCT, 0, MEMBER_WORDS, 0, 1 << MEMBER_TYPE_WORD, 1 << MEMBER_NAME_WORD),
  row(KIND_UNION, 0, MEMBER_WORDS, 0, 1 << MEMBER_TYPE_WORD, 1 << MEMBER_NAME_WORD),
  row(KIND_ENUM, 0, ENUM_WORDS, 0, 0, 1 << ENUMERATOR_NAME_WORD),
  row(KIND_FWD),
  row(KIND_TYPEDEF, 0, 0, REFERS),
  row(KIND_VOLATILE, 0, 0, REFERS),
  row(KIND_CONST, 0, 0, REFERS),
  row(KIND_RESTRICT, 0, 0, REFERS),
  row(KIND_FUNC, 0, 0, REFERS),
  row(KIND_FUNC_PROTO, 0, PARAM_WORDS, REFERS, 1 << PARAM_TYPE_WORD, 1 << PARAM_NAME_WORD),
  row(KIND_VAR, 1, 0, REFERS),
  row(KIND_DATASEC, 0, SECINFO_WORDS, 0, 1 << SECINFO_TYPE_WORD),
  row(KIND_FLOAT),
  row(KIND_DECL_TAG, 1, 0, REFERS),
  row(KIND_TYPE_TAG, 0, 0, REFERS),
  row(KIND_ENUM64, 0, ENUM64_WORDS, 0, 0, 1 << ENUMERATOR_NAME_WORD),
];

function row(
  kind: number,
  infoWords = 0,
  elementWords = 0,
  typeIds = 0,
  elementTypeIds = 0,
  elementNames = 0,
): KindRow {
  return { kind, infoWords, elementWords, typeIds, elementTypeIds, elementNames };
}

function column(value: (row: KindRow) => number): Uint8Array {
  const table = new Uint8Array(KIND_LIMIT);
  for (const entry of KIND_ROWS) table[entry.kind] = value(entry);
  return table;
}

/** Words of a record's fixed part by kind; 0 for a kind this library does not know. */
export const FIXED_WORDS: Uint8Array = column((entry) => TYPE_WORDS + entry.infoWords);
/** Words of each of a record's `vlen` elements by kind. */
export const ELEMENT_WORDS: Uint8Array = column((entry) => entry.elementWords);
/** Bit set of the words of the fixed part which hold type ids, by kind. */
export const TYPE_ID_WORDS: Uint8Array = column((entry) => entry.typeIds);
/** Bit set of the words of an element which hold type ids, by kind. */
export const ELEMENT_TYPE_ID_WORDS: Uint8Array = column((entry) => entry.elementTypeIds);
/** Bit set of the words of an element which hold name offsets, by kind. (The fixed part's name is word 0.) */
export const ELEMENT_NAME_WORDS: Uint8Array = column((entry) => entry.elementNames);
