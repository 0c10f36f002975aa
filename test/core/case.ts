/**
 * Cases of the matching rules as data: local types, target types, one relocation, and what comes of it. The unit tests
 * check the engine with them, and where libbpf is there, it is asked the same.
 */
import {
  INT_CHAR,
  INT_SIGNED,
  KIND_ARRAY,
  KIND_CONST,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VOLATILE,
} from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import type { MatchRules } from "../../lib/core/rules.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { buildObject, EXIT, MOV_K, type ObjectParts } from "./object-builder.ts";

/** Types that every case has on both sides, by id; its own follow. */
export const INT = 1;
export const UINT = 2;
export const ULONG = 3;
export const CHAR = 4;
export const USHORT = 5;
export const PTR = 6;
export const LONG = 7;
export const DOUBLE = 8;
export const OLD_BITFIELD = 9;
const BASE: readonly Row[] = [
  int("int", 4, INT_SIGNED),
  int("unsigned int", 4),
  int("unsigned long", 8),
  int("char", 1, INT_SIGNED | INT_CHAR),
  int("unsigned short", 2),
  ["", info(KIND_PTR), 0],
  int("long", 8, INT_SIGNED),
  ["double", info(KIND_FLOAT), 8],
  // An INT with a bit offset, as compilers wrote bitfields before kind_flag.
  ["old", info(1), 4, (3 << 16) | 5],
];
/** Id of a case's first type: the root of its relocation. */
export const FIRST = BASE.length + 1;

/** One relocation between two sets of types. */
export interface Case {
  readonly name: string;
  readonly kind: number;
  readonly access?: string;
  /** The object's types; the first one is the root. */
  readonly local: readonly Row[];
  readonly target: readonly Row[];
  /** What {@link summary} says: the value of a resolved relocation, else its status. */
  readonly expect: string;
  /** The same by the kernel's rules, where that is something else. */
  readonly kernel?: string;
  /** libbpf before 1.3 does not look for this and may crash. */
  readonly unchecked?: true;
  /** Access string of the target's path. */
  readonly path?: string;
}

/** [name, type, bit offset, bits of a bitfield]; a number is a name's offset. */
type Member = readonly [name: string | number, typeId: number, offset: number, bits?: number];

/** A base type, or rows of which the first is the type. */
export type RowsOf = number | readonly Row[];

/** Offset of an empty string that is not the first: the end of "int". */
export const EMPTY_NAME = 4;

/** The id of the n-th type of a case, counted from 0. */
export const nth = (n: number): number => FIRST + n;

const composite = (kind: number, name: string, size: number, members: readonly Member[]): Row => {
  const kindFlag = members.some(([, , , bits]) => bits !== undefined) ? 1 : 0;
  const words = members.flatMap(([member, typeId, offset, bits = 0]) => [
    member,
    typeId,
    ((bits << 24) | offset) >>> 0,
  ]);
  return [name, info(kind, members.length, kindFlag), size, ...words];
};

export const struct = (name: string, members: readonly Member[], size = 64): Row =>
  composite(KIND_STRUCT, name, size, members);
export const union = (name: string, members: readonly Member[], size = 64): Row =>
  composite(KIND_UNION, name, size, members);
export const array = (typeId: number, length: number): Row => ["", info(KIND_ARRAY), 0, typeId, UINT, length];
export const ptr = (typeId: number): Row => ["", info(KIND_PTR), typeId];
export const constOf = (typeId: number): Row => ["", info(KIND_CONST), typeId];
export const volatileOf = (typeId: number): Row => ["", info(KIND_VOLATILE), typeId];
export const restrictOf = (typeId: number): Row => ["", info(KIND_RESTRICT), typeId];
export const typeTag = (name: string, typeId: number): Row => [name, info(KIND_TYPE_TAG), typeId];
export const typedef = (name: string, typeId: number): Row => [name, info(KIND_TYPEDEF), typeId];
export const fwd = (name: string, ofUnion = false): Row => [name, info(KIND_FWD, 0, ofUnion ? 1 : 0), 0];
export const proto = (returns: number, ...params: readonly number[]): Row => [
  "",
  info(KIND_FUNC_PROTO, params.length),
  returns,
  ...params.flatMap((typeId) => ["", typeId]),
];
type Enumerators = readonly (readonly [name: string, value: number, high?: number])[];
export const enumOf = (name: string, values: Enumerators, size = 4, signed = 0): Row => [
  name,
  info(KIND_ENUM, values.length, signed),
  size,
  ...values.flatMap(([enumerator, value]) => [enumerator, value >>> 0]),
];
export const enum64 = (name: string, values: Enumerators, size = 8, signed = 0): Row => [
  name,
  info(KIND_ENUM64, values.length, signed),
  size,
  ...values.flatMap(([enumerator, value, high = 0]) => [enumerator, value >>> 0, high >>> 0]),
];

/** The object of a case: one program whose first instruction has the relocation. */
export function caseObject({ kind, access = "0", local }: Case): ObjectParts {
  const relos = [{ kind, typeId: FIRST, access }];
  return { rows: [...BASE, ...local], programs: [{ name: "prog", insns: [MOV_K, EXIT], relos }] };
}

/** The bytes of a case's target. */
export function caseTarget({ target }: Case): Uint8Array {
  return blob([...BASE, ...target]);
}

/** The object of several programs, over a case's base types. */
export function sceneObject(scene: Pick<ObjectParts, "programs"> & { readonly local: readonly Row[] }): ObjectParts {
  return { rows: [...BASE, ...scene.local], programs: scene.programs };
}

/** The bytes of its target. */
export function sceneTarget({ target }: { readonly target: readonly Row[] }): Uint8Array {
  return blob([...BASE, ...target]);
}

/** A case's relocation, resolved. */
export function resolveCase(it: Case, rules?: MatchRules): ReloRecord {
  const object: BpfObject = buildObject(caseObject(it));
  const index = indexCandidates(parseBtf(caseTarget(it)));
  const [record] = resolveObject(object, index, rules === undefined ? {} : { rules });
  if (record === undefined) throw new Error("no relocation");
  return record;
}

/** A record in a word: the value when it is resolved (signed, as people read it), else the status. */
export function summary({ status, value }: ReloRecord): string {
  return status === "resolved" ? String(BigInt.asIntN(64, value?.value ?? 0n)) : status;
}
