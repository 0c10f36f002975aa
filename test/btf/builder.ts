/**
 * Types for tests, one call each, to be read like the dump they make: the first is type id 1.
 *
 *     btf([int("int", 4), ptr(3), struct("list", 16, [m("value", 1, 0), m("next", 2, 64)])])
 *
 * Rows of plain words (records.ts) may stand between them, and `patch` changes a word of one, so that malformed
 * records can be made as easily as right ones.
 */
import {
  INT_OFFSET_SHIFT,
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
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
  MEMBER_BITFIELD_SHIFT,
} from "../../lib/btf/format.ts";
import { type BlobOptions, blob, info, type Row, int as wordsOfInt } from "./records.ts";

export type { BlobOptions, Row };

/** The bytes of a BTF with these types; byte order, layout section and base by the options. */
export function btf(types: readonly Row[], options: BlobOptions = {}): Uint8Array {
  return blob(types, options);
}

/** An INT; bits and encoding (INT_SIGNED, ...) as given, else all its bytes' and none. */
export function int(name: string, bytes: number, bits = bytes * 8, encoding = 0, offset = 0): Row {
  const [offsetOfName = 0, kind = 0, size = 0, data = 0] = wordsOfInt(name, bytes, encoding, bits);
  return [offsetOfName, kind, size, Number(data) | (offset << INT_OFFSET_SHIFT)];
}

export const ptr = (type: number): Row => ["", info(KIND_PTR), type];
export const constOf = (type: number): Row => ["", info(KIND_CONST), type];
export const volatileOf = (type: number): Row => ["", info(KIND_VOLATILE), type];
export const restrictOf = (type: number): Row => ["", info(KIND_RESTRICT), type];
export const typedef = (name: string, type: number): Row => [name, info(KIND_TYPEDEF), type];
export const typeTag = (text: string, type: number, kindFlag = 0): Row => [
  text,
  info(KIND_TYPE_TAG, 0, kindFlag),
  type,
];
export const array = (element: number, index: number, length: number): Row => [
  "",
  info(KIND_ARRAY),
  0,
  element,
  index,
  length,
];
/** A forward declaration of a struct, or (kind_flag) of a union. */
export const fwd = (name: string, kindFlag = 0): Row => [name, info(KIND_FWD, 0, kindFlag), 0];
export const float = (name: string, bytes: number): Row => [name, info(KIND_FLOAT), bytes];

/** A member at a bit offset. With a bitfield size its struct must be made by bitStruct or bitUnion. */
export function m(name: string, type: number, bitOffset: number, bitfieldSize = 0): Row {
  return [name, type, (bitOffset | (bitfieldSize << MEMBER_BITFIELD_SHIFT)) >>> 0];
}

const composite =
  (kind: number, kindFlag: number) =>
  (name: string, bytes: number, members: readonly Row[] = []): Row => [
    name,
    info(kind, members.length, kindFlag),
    bytes,
    ...members.flat(),
  ];

export const struct = composite(KIND_STRUCT, 0);
export const union = composite(KIND_UNION, 0);
/** With kind_flag: members carry their bitfield size. */
export const bitStruct = composite(KIND_STRUCT, 1);
export const bitUnion = composite(KIND_UNION, 1);

/** An ENUM; kind_flag 1 says that its values are signed. */
export function enumOf(name: string, bytes: number, values: Readonly<Record<string, number>>, kindFlag = 0): Row {
  const entries = Object.entries(values);
  const words = entries.flatMap(([value, number]) => [value, number >>> 0]);
  return [name, info(KIND_ENUM, entries.length, kindFlag), bytes, ...words];
}

/** An ENUM64; kind_flag 1 says that its values are signed. */
export function enum64(name: string, bytes: number, values: Readonly<Record<string, bigint>>, kindFlag = 0): Row {
  const entries = Object.entries(values);
  const words = entries.flatMap(([value, number]) => {
    const bits = BigInt.asUintN(64, number);
    return [value, Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
  });
  return [name, info(KIND_ENUM64, entries.length, kindFlag), bytes, ...words];
}

/** A parameter; `param("", 0)` as the last one is `...`. */
export const param = (name: string, type: number): Row => [name, type];
export const proto = (returns: number, params: readonly Row[] = []): Row => [
  "",
  info(KIND_FUNC_PROTO, params.length),
  returns,
  ...params.flat(),
];
/** A function; linkage 0 static, 1 global, 2 extern. */
export const func = (name: string, prototype: number, linkage = 1): Row => [name, info(KIND_FUNC, linkage), prototype];
/** A variable; linkage as of func. */
export const variable = (name: string, type: number, linkage = 1): Row => [name, info(KIND_VAR), type, linkage];
/** A variable's place in a section, in bytes. */
export const place = (type: number, offset: number, bytes: number): Row => [type, offset, bytes];
export const datasec = (name: string, bytes: number, places: readonly Row[] = []): Row => [
  name,
  info(KIND_DATASEC, places.length),
  bytes,
  ...places.flat(),
];
/** A tag on a type, or on its component (member or parameter) of that index. */
export const declTag = (text: string, type: number, component = -1, kindFlag = 0): Row => [
  text,
  info(KIND_DECL_TAG, 0, kindFlag),
  type,
  component >>> 0,
];

/** A row with one word changed, for what the functions above do not make. */
export function patch(row: Row, word: number, value: number | string): Row {
  return row.map((old, i) => (i === word ? value : old));
}
