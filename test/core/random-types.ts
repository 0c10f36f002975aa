/**
 * Pairs of BTFs whose types resemble each other and differ here and there, and relocations between them: what no
 * compiler writes in one place, for comparing two implementations of the rules. The same seed gives the same pair.
 */
import {
  INT_BOOL,
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
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VOLATILE,
} from "../../lib/btf/format.ts";
import { arrayElement, arrayLength, memberType } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { OP_LDIMM64 } from "../../lib/core/instruction.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_LSHIFT_U64,
  RELO_FIELD_RSHIFT_U64,
  RELO_FIELD_SIGNED,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_LOCAL,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_MATCHES,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { parseSpec } from "../../lib/core/spec.ts";
import { calculate, isError, type ReloValue } from "../../lib/core/value.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { EXIT, type Insn, type Program, type Relo } from "./object-builder.ts";

/** Whole numbers from 0 up to, without, the argument. */
export type Random = (below: number) => number;

/** mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

/** An INT with a bit offset, as compilers wrote bitfields once. */
const OLD_BITFIELD: Row = ["int", info(1), 4, (INT_SIGNED << 24) | (3 << 16) | 5];
const BASE: readonly Row[] = [
  int("int", 4, INT_SIGNED),
  int("unsigned int", 4),
  int("unsigned long", 8),
  int("char", 1, INT_SIGNED | INT_CHAR),
  int("unsigned short", 2),
  int("_Bool", 1, INT_BOOL),
  OLD_BITFIELD,
  ["double", info(KIND_FLOAT), 8],
  int("long", 8, INT_SIGNED),
];
/** Widths of the integers above that may be bitfields, by id. */
const BITFIELD_IDS = [1, 2, 3, 4, 5, 9];
const KINDS = [
  ...[KIND_STRUCT, KIND_STRUCT, KIND_STRUCT, KIND_UNION, KIND_ARRAY, KIND_PTR, KIND_ENUM, KIND_ENUM64],
  ...[KIND_TYPEDEF, KIND_CONST, KIND_VOLATILE, KIND_TYPE_TAG, KIND_FWD, KIND_FUNC_PROTO],
];
const FIELD_KINDS = [
  ...[RELO_FIELD_BYTE_OFFSET, RELO_FIELD_BYTE_OFFSET, RELO_FIELD_BYTE_SIZE, RELO_FIELD_EXISTS],
  ...[RELO_FIELD_SIGNED, RELO_FIELD_LSHIFT_U64, RELO_FIELD_RSHIFT_U64],
];
const TYPE_KINDS = [
  ...[RELO_TYPE_MATCHES, RELO_TYPE_MATCHES, RELO_TYPE_EXISTS, RELO_TYPE_EXISTS],
  ...[RELO_TYPE_SIZE, RELO_TYPE_ID_TARGET, RELO_TYPE_ID_LOCAL],
];
const FLAVOURS = ["", "", "", "", "", "___x", "___long_one", "___", "___x___y"];
const MEMBERS = ["m", "n", "o", "p", "q", "r", "m___x"];

/**
 * Rows of `count` types. Every row is made from a seed of its own, so that two calls with the same `seed` and
 * different `changes` differ in single decisions only.
 */
function randomRows(seed: number, count: number, changes: Random | null): Row[] {
  const rows: Row[] = [...BASE];
  for (let id = BASE.length + 1; id <= count; id++) {
    const own = randomFrom(seed * 65_537 + id);
    const random: Random = (below) => {
      const value = own(below);
      return changes !== null && changes(16) === 0 ? changes(below) : value;
    };
    rows.push(randomRow(random, id, count, rows));
  }
  return rows;
}

function randomRow(random: Random, id: number, count: number, rows: readonly Row[]): Row {
  // Close by, so that structs lie in structs.
  const below = (): number => Math.max(1, id - 1 - random(Math.min(id - 1, random(3) === 0 ? id : 20)));
  const any = (): number => random(count + 1);
  const name = (prefix: string): string =>
    random(8) === 0 ? "" : `${prefix}${String(id % 24)}${pick(random, FLAVOURS)}`;
  const kind = pick(random, KINDS);
  switch (kind) {
    case KIND_STRUCT:
    case KIND_UNION:
      return composite(random, kind, name("s"), below, rows);
    case KIND_ARRAY:
      return ["", info(kind), 0, below(), 2, pick(random, [0, 0, 1, 2, 3, 5])];
    case KIND_ENUM:
    case KIND_ENUM64:
      return enumeration(random, kind, name("e"));
    case KIND_TYPEDEF:
      return [`t${String(id % 24)}${pick(random, FLAVOURS)}`, info(kind), below()];
    case KIND_TYPE_TAG:
      return ["tag", info(kind), below()];
    case KIND_FWD:
      return [name("s"), info(kind, 0, random(2)), 0];
    case KIND_FUNC_PROTO: {
      const parameters = Array.from({ length: random(4) }, () => ["", any()]);
      return ["", info(kind, parameters.length), any(), ...parameters.flat()];
    }
    default:
      return ["", info(kind), kind === KIND_PTR ? any() : below()];
  }
}

function composite(random: Random, kind: number, name: string, below: () => number, rows: readonly Row[]): Row {
  const kindFlag = random(3) === 0 ? 1 : 0;
  const members: (string | number)[] = [];
  const count = random(9);
  for (let i = 0; i < count; i++) {
    const bits = kindFlag === 1 && random(2) === 0 ? 1 + random(20) : 0;
    // A union has its members at 0 in C; a loader does not care.
    const offset = bits > 0 ? random(300) : random(40) * 8;
    const typeId = bits > 0 ? pick(random, BITFIELD_IDS) : below();
    const isAnonymous = [KIND_STRUCT, KIND_UNION].includes(kindOfRow(rows[typeId - 1])) && random(2) === 0;
    members.push(isAnonymous ? "" : pick(random, MEMBERS), typeId, (bits << 24) | offset);
  }
  return [name, info(kind, count, kindFlag), 8 + random(60), ...members];
}

function enumeration(random: Random, kind: number, name: string): Row {
  const count = random(4);
  const values: (string | number)[] = [];
  for (let i = 0; i < count; i++) {
    values.push(`${pick(random, ["A", "B", "C", "D"])}${pick(random, FLAVOURS)}`, pick(random, [0, 1, 7, 0xffffffff]));
    if (kind === KIND_ENUM64) values.push(pick(random, [0, 1, 0xffffffff]));
  }
  return [name, info(kind, count, random(2)), pick(random, [1, 4, 4, 8]), ...values];
}

const kindOfRow = (row: Row | undefined): number => (Number(row?.[1] ?? 0) >>> 24) & 0x1f;

/** A target's bytes and, beside it, the rows and programs of an object. */
export interface RandomPair {
  readonly target: Uint8Array;
  readonly rows: readonly Row[];
  readonly programs: readonly Program[];
}

/** One pair: the target is the object's types with changes, some of them twice under other flavours. */
export function randomPair(seed: number, types: number, programs: number): RandomPair {
  const random = randomFrom(seed);
  const rows = randomRows(seed, types, null);
  const target = blob(randomRows(seed, types, random));
  const btf = parseBtf(blob(rows), { pointerSize: 8 });
  const made = Array.from({ length: programs }, (_, i) => randomProgram(random, btf, i));
  return { target, rows, programs: made };
}

/** What relocations speak of; fields have the most rules. */
const CLASSES = ["field", "field", "field", "field", "type", "type", "enumval"] as const;
type ReloClass = (typeof CLASSES)[number];

/** A program of one to three relocations, often of one root, so that later ones see what earlier ones left. */
function randomProgram(random: Random, btf: Btf, index: number): Program {
  const insns: Insn[] = [];
  const relos: Relo[] = [];
  let reloClass: ReloClass = pick(random, CLASSES);
  let typeId = randomRoot(random, btf, reloClass);
  for (let i = 0, count = 1 + random(3); i < count; i++) {
    if (random(3) === 0) {
      reloClass = pick(random, CLASSES);
      typeId = randomRoot(random, btf, reloClass);
    }
    const relo = { ...randomRelo(random, btf, reloClass, typeId), insn: insns.length };
    relos.push(relo);
    insns.push(...randomInsn(random, originalOf(btf, relo)));
  }
  return { name: `p${String(index)}`, insns: [...insns, EXIT], relos };
}

/** A type that suits the class and has a name; now and then any. */
function randomRoot(random: Random, btf: Btf, reloClass: ReloClass): number {
  for (;;) {
    const id = 1 + random(typeCount(btf) - 1);
    if (random(300) === 0) return id;
    if (btf.strings[nameOffsetOf(btf, id)] === 0) continue;
    const kind = kindOf(btf, skipModifiersAndTypedefs(btf, id));
    if (reloClass === "field" ? !isComposite(kind) : reloClass === "enumval" && !isEnum(kind)) continue;
    return id;
  }
}

function randomRelo(random: Random, btf: Btf, reloClass: ReloClass, typeId: number): Relo {
  if (reloClass === "enumval") {
    const length = vlenOf(btf, skipModifiersAndTypedefs(btf, typeId)) + (random(20) === 0 ? 1 : 0);
    const kind = pick(random, [RELO_ENUMVAL_EXISTS, RELO_ENUMVAL_VALUE]);
    return { kind, typeId, access: String(random(Math.max(1, length))) };
  }
  if (reloClass === "field") {
    const kind = pick(random, FIELD_KINDS);
    return { kind, typeId, access: randomAccess(random, btf, typeId) };
  }
  return { kind: pick(random, TYPE_KINDS), typeId, access: random(40) === 0 ? "1" : "0" };
}

/** A path down from the root; one in forty steps is out of range. */
function randomAccess(random: Random, btf: Btf, rootId: number): string {
  const path = [random(6) === 0 ? random(3) : 0];
  let typeId = skipModifiersAndTypedefs(btf, rootId);
  for (let step = 0; step < 8 && (step === 0 || random(4) !== 0); step++) {
    const kind = kindOf(btf, typeId);
    if (!isComposite(kind) && kind !== KIND_ARRAY) break;
    const length = isComposite(kind) ? vlenOf(btf, typeId) : Math.max(1, arrayLength(btf, typeId));
    if (length === 0) break;
    const index = random(40) === 0 ? length : random(length);
    path.push(index);
    if (index === length) break;
    const next = isComposite(kind) ? memberType(btf, typeId, index) : arrayElement(btf, typeId);
    typeId = skipModifiersAndTypedefs(btf, next);
  }
  return path.join(":");
}

/** What a compiler puts into the instruction; null when the relocation makes no sense. */
function originalOf(btf: Btf, { kind, typeId, access }: Relo): ReloValue | null {
  const spec = parseSpec(btf, kind, typeId, access);
  if ("reason" in spec) return null;
  const value = calculate(kind, btf, spec, btf, spec, true);
  return isError(value) ? null : value;
}

/** An instruction with that number; one in twenty has another. */
function randomInsn(random: Random, value: ReloValue | null): Insn[] {
  const original = (value?.original ?? 0n) + (random(20) === 0 ? 1n : 0n);
  const low = Number(BigInt.asIntN(32, original));
  const sizes = new Map([
    [1, 0x10],
    [2, 0x08],
    [4, 0x00],
    [8, 0x18],
  ]);
  switch (random(5)) {
    case 0:
      return [{ code: pick(random, [0xb7, 0xb4, 0x07, 0xbf, 0x05]), imm: low }];
    case 1:
      return [
        { code: OP_LDIMM64, imm: low, src: random(20) === 0 ? 1 : 0 },
        { code: 0, imm: Number(BigInt.asIntN(32, original >> 32n)) },
      ];
    default: {
      const size = random(8) === 0 ? 0x18 : (sizes.get(value?.originalSize ?? 4) ?? 0);
      return [{ code: pick(random, [0x61, 0x61, 0x62, 0x63, 0xc3]) | size, off: (low << 16) >> 16 }];
    }
  }
}
