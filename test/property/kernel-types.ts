/**
 * Random BTFs that a kernel would take, for properties of the minimizer: few names, so that many types share one,
 * anonymous nesting, members of one name at two levels, bitfields, arrays without elements in the middle, cycles
 * through pointers. A local BTF is the same types with other decisions here and there.
 */
import {
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
  KIND_ARRAY,
  KIND_ENUM,
  KIND_FLOAT,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
} from "../../lib/btf/format.ts";
import { arrayElement, arrayLength, memberType } from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { RELO_ENUMVAL_EXISTS, RELO_ENUMVAL_VALUE, RELO_TYPE_MATCHES, reloClass } from "../../lib/core/relo-kind.ts";
import {
  array,
  bitStruct,
  btf,
  constOf,
  enum64,
  enumOf,
  float,
  fwd,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  typeTag,
  union,
  volatileOf,
} from "../btf/builder.ts";
import { EXIT, MOV_K, type Program, type Relo } from "../core/object-builder.ts";
import { type Random, randomFrom } from "../core/random-types.ts";

/** A type being made: its row, and what others need to know to contain it. */
interface Made {
  readonly row: Row;
  /** Bytes and alignment; 0 bytes also for what cannot be a member. */
  readonly size: number;
  readonly align: number;
  readonly kind: number;
  /** May be a struct's member, an array's element, a parameter. */
  readonly sized: boolean;
  /** May be a bitfield's type. */
  readonly bits: number;
  readonly isTag?: boolean;
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

const integer = (row: Row, size: number): Made => ({
  row,
  size,
  align: Math.min(8, size),
  kind: 1,
  sized: true,
  bits: size * 8,
});
/** `long` comes first of its names, or is a later one that could be mistaken for it. */
const integers = (long: number): readonly Made[] => [
  integer(int("int", 4, 32, INT_SIGNED), 4),
  integer(int("unsigned int", 4), 4),
  integer(int("char", 1, 8, INT_CHAR), 1),
  integer(int("_Bool", 1, 8, INT_BOOL), 1),
  integer(int("short", 2, 16, INT_SIGNED), 2),
  integer(int("long", long, long * 8, INT_SIGNED), long),
  integer(int("long long", 8, 64, INT_SIGNED), 8),
  integer(int("unsigned char", 1), 1),
  integer(int("unsigned long long", 8), 8),
];
const INTEGERS = integers(8).length;
const KINDS = [
  ...["struct", "struct", "struct", "struct", "union", "union", "array", "array", "pointer", "pointer"],
  ...["enum", "enum64", "typedef", "typedef", "const", "volatile", "tag", "fwd", "proto", "float"],
];
const FLAVOURS = ["", "", "", "", "", "___x", "___other_one"];
const MEMBERS = ["m", "n", "o", "p", "m", "m___x"];
/** Types share so many names; modules, and objects for kernels with modules, know as many more. */
const NAMES = 3;
const NAMES_WITH_MODULES = 6;
/** So many types are made by the same decisions, now and then: two of one name that are nearly the same. */
const TWINS = 6;

/** How a BTF comes about. */
export interface TypesOptions {
  readonly seed: number;
  readonly count: number;
  /** Of 100 decisions, how many are made differently, and by what. */
  readonly changes?: { readonly random: Random; readonly percent: number };
  /** Bytes of `long`. */
  readonly long?: 4 | 8;
  /** How many different names there are of a sort. */
  readonly names?: number;
}

/** Rows of a base BTF. Calls with one seed and different changes resemble each other. */
export function randomTypes(options: TypesOptions): Row[] {
  const { count, long = 8 } = options;
  const made: Made[] = [...integers(long)];
  for (let id = made.length + 1; id <= count; id++) made.push(decide(options, id, id, made));
  return withoutPointerLoops(made, 1);
}

/** Circles must lead through a struct or union; a pointer to any other later type points to an earlier one instead. */
function withoutPointerLoops(made: readonly Made[], firstId: number): Row[] {
  return made.map(({ row, kind }, i) => {
    const id = firstId + i;
    const to = Number(row[2]);
    if (kind !== KIND_PTR || to < id) return row;
    const target = made[to - firstId]?.kind;
    return target === KIND_STRUCT || target === KIND_UNION ? row : ptr(to % id);
  });
}

/** Type `id`, by the decisions number `key`. */
function decide(options: TypesOptions, id: number, key: number, made: readonly Made[]): Made {
  const { seed, changes } = options;
  const own = randomFrom(seed * 65_537 + (key % 3 === 0 ? key : (key % TWINS) + 1000));
  const random: Random = (below) => {
    const value = own(below);
    return changes !== undefined && changes.random(100) < changes.percent ? changes.random(below) : value;
  };
  return randomType(random, id, made, options);
}

function randomType(random: Random, id: number, made: readonly Made[], options: TypesOptions): Made {
  const { count, long = 8, names = NAMES } = options;
  const none = { size: 0, align: 1, sized: false, bits: 0 };
  /** A type that may lie inside another by value. */
  const sized = (): [number, Made] => {
    for (;;) {
      const at = 1 + random(id - 1);
      const type = made[at - 1] as Made;
      if (type.sized) return [at, type];
    }
  };
  const name = (prefix: string): string =>
    random(6) === 0 ? "" : `${prefix}${random(names)}${pick(random, FLAVOURS)}`;
  switch (pick(random, KINDS)) {
    case "struct":
      return randomStruct(random, name("s"), sized);
    case "union": {
      const members = Array.from({ length: random(4) }, () => sized());
      const size = Math.max(1, ...members.map(([, type]) => type.size));
      const rows = members.map(([at, type]) => m(memberName(random, type), at, 0));
      return {
        row: union(name("u"), size, rows),
        size,
        align: Math.max(1, ...members.map(([, type]) => type.align)),
        kind: KIND_UNION,
        sized: true,
        bits: 0,
      };
    }
    case "array": {
      const [at, type] = sized();
      const length = pick(random, [0, 0, 1, 3]);
      return {
        row: array(at, 2, length),
        size: type.size * length,
        align: type.align,
        kind: KIND_ARRAY,
        sized: true,
        bits: 0,
      };
    }
    case "enum":
    case "enum64":
      return randomEnum(random, name("e"));
    case "typedef":
    case "const":
    case "volatile": {
      const [at, type] = sized();
      const make = pick(random, [constOf, volatileOf, (to: number) => typedef(`t${random(names)}`, to)]);
      if (type.isTag === true) return { ...none, row: ptr(at), size: long, align: long, kind: KIND_PTR, sized: true };
      // Not a bitfield's type any more; and a composite behind a typedef may still stand without a member's name.
      return { ...type, row: make(at), kind: type.kind === KIND_PTR ? KIND_TYPEDEF : type.kind };
    }
    case "tag": {
      const [at, type] = sized();
      return { ...type, row: typeTag("user", at), kind: KIND_TYPE_TAG, isTag: true };
    }
    case "fwd":
      return { ...none, row: fwd(`s${random(names)}`, random(2)), kind: KIND_FWD };
    case "proto": {
      const params = Array.from({ length: random(3) }, () => param("", sized()[0]));
      return { ...none, row: proto(random(3) === 0 ? 0 : sized()[0], params), kind: KIND_FUNC_PROTO };
    }
    case "float":
      return { ...none, row: float("double", 8), size: 8, align: 8, kind: KIND_FLOAT, sized: true };
    default: {
      // To any type, also a later one: circles go through pointers.
      const size = long;
      return { ...none, row: ptr(random(count + 1)), size, align: size, kind: KIND_PTR, sized: true };
    }
  }
}

/** A composite may go without a name, as may now and then no other member. */
function memberName(random: Random, type: Made): string {
  const isAnonymous = (type.kind === KIND_STRUCT || type.kind === KIND_UNION) && type.isTag !== true && random(2) === 0;
  return isAnonymous ? "" : pick(random, MEMBERS);
}

function randomStruct(random: Random, name: string, sized: () => [number, Made]): Made {
  const rows: Row[] = [];
  let bit = 0;
  let align = 1;
  const hasBitfields = random(3) === 0;
  for (let i = 0, count = random(6); i < count; i++) {
    const [at, type] = sized();
    const width = hasBitfields && type.bits > 0 && random(2) === 0 ? 1 + random(Math.min(type.bits, 20)) : 0;
    if (width > 0) {
      const unit = type.size * 8;
      if (Math.floor(bit / unit) !== Math.floor((bit + width - 1) / unit)) bit = Math.ceil(bit / unit) * unit;
      rows.push(m(pick(random, MEMBERS), at, bit, width));
      bit += width;
    } else {
      // Some structs are packed; a kernel wants its floats aligned.
      const step = 8 * (random(10) === 0 && type.kind !== KIND_FLOAT ? 1 : type.align);
      bit = Math.ceil(bit / step) * step;
      rows.push(m(memberName(random, type), at, bit));
      bit += type.size * 8;
    }
    align = Math.max(align, type.align);
    if (random(5) === 0) bit += 64;
  }
  const size = Math.ceil(bit / 8 / align) * align;
  const make = hasBitfields ? bitStruct : struct;
  return { row: make(name, size, rows), size, align, kind: KIND_STRUCT, sized: true, bits: 0 };
}

function randomEnum(random: Random, name: string): Made {
  const names = Array.from(
    { length: random(4) },
    (_, i) => `${pick(random, ["A", "B", "C"])}${i}${pick(random, FLAVOURS)}`,
  );
  const wide = random(2) === 0;
  const value = () => pick(random, [0, 1, 7, -1]);
  const row = wide
    ? enum64(name, 8, Object.fromEntries(names.map((key) => [key, BigInt(value()) << 33n])), random(2))
    : enumOf(name, 4, Object.fromEntries(names.map((key) => [key, value()])), random(2));
  const size = wide ? 8 : 4;
  return { row, size, align: size, kind: KIND_ENUM, sized: true, bits: 0 };
}

/** A kernel (base and modules) and objects for it. */
export interface Scene {
  readonly base: Uint8Array;
  readonly modules: readonly Uint8Array[];
  readonly objects: readonly { readonly rows: readonly Row[]; readonly programs: readonly Program[] }[];
}

/** What a scene is made of; small numbers make small ones. */
export interface SceneOptions {
  readonly seed: number;
  readonly types: number;
  readonly relocations: number;
  readonly modules: number;
  readonly objects: number;
  readonly long: 4 | 8;
  readonly littleEndian: boolean;
}

/** The scene of a seed. */
export function randomScene(options: SceneOptions): Scene {
  const { seed, types, relocations, long, littleEndian } = options;
  const random = randomFrom(seed);
  const names = options.modules === 0 ? NAMES : NAMES_WITH_MODULES;
  const count = INTEGERS + types;
  const base = btf(randomTypes({ seed, count, changes: { random, percent: 3 }, long }), { littleEndian });
  const parsed = parseBtf(base);
  const modules = Array.from({ length: options.modules }, (_, i) =>
    moduleBytes(parsed, seed + i, types, random, options),
  );
  const objects = Array.from({ length: options.objects }, () => {
    const rows = randomTypes({ seed: seed + random(2), count, changes: { random, percent: 6 }, names });
    const local = parseBtf(btf(rows), { pointerSize: 8 });
    const relos = Array.from({ length: relocations }, (_, i) => ({ ...randomRelocation(random, local), insn: i }));
    const programs: Program[] = [{ name: "p", insns: [...relos.map(() => MOV_K), EXIT], relos }];
    return { rows, programs };
  });
  return { base, modules, objects };
}

/** A module's types lie behind the base's and may contain those. */
function moduleBytes(base: Btf, seed: number, types: number, random: Random, options: SceneOptions): Uint8Array {
  const { long, littleEndian } = options;
  const first = typeCount(base);
  const count = first - 1 + Math.ceil(types / 2);
  // The base's types as they came out, by the same decisions in their small ids: only sizes count here.
  const made: Made[] = Array.from({ length: first - 1 }, (_, i) => madeOf(base, i + 1, long));
  const names = NAMES_WITH_MODULES;
  const like: TypesOptions = { seed: seed + 1, count, changes: { random, percent: 3 }, long, names };
  for (let id = first; id <= count; id++) made.push(decide(like, id, id - first + INTEGERS + 1, made));
  return btf(withoutPointerLoops(made.slice(first - 1), first), { base, littleEndian });
}

/** Of the base, a module contains integers and pointers by value; the rest it points to. */
function madeOf(base: Btf, id: number, long: number): Made {
  const known = integers(long)[id - 1];
  const row: Row = [];
  if (known !== undefined) return { ...known, row };
  const kind = kindOf(base, id);
  const isPointer = kind === KIND_PTR;
  return { row, size: isPointer ? long : 0, align: isPointer ? long : 1, kind, sized: isPointer, bits: 0 };
}

/** A relocation of some named type, or of a path down from it. */
function randomRelocation(random: Random, local: Btf): Relo {
  for (;;) {
    const typeId = 1 + random(typeCount(local) - 1);
    if (local.strings[nameOffsetOf(local, typeId)] === 0) continue;
    // Integers are roots now and then.
    if (typeId <= INTEGERS && random(8) !== 0) continue;
    const at = skipModifiersAndTypedefs(local, typeId);
    if (isEnum(kindOf(local, at)) && vlenOf(local, at) > 0 && random(4) !== 0) {
      const kind = pick(random, [RELO_ENUMVAL_EXISTS, RELO_ENUMVAL_VALUE]);
      return { kind, typeId, access: String(random(vlenOf(local, at))) };
    }
    const kind = random(5) === 0 ? RELO_TYPE_MATCHES : random(RELO_TYPE_MATCHES);
    const relo = reloClass(kind);
    if (relo === "enumval") continue;
    return { kind, typeId, access: relo === "field" ? randomPath(random, local, typeId) : "0" };
  }
}

function randomPath(random: Random, local: Btf, rootId: number): string {
  const path = [random(8) === 0 ? 1 : 0];
  let typeId = skipModifiersAndTypedefs(local, rootId);
  for (let step = 0; step < 8 && (step === 0 || random(4) !== 0); step++) {
    const kind = kindOf(local, typeId);
    if (!isComposite(kind) && kind !== KIND_ARRAY) break;
    const isArray = kind === KIND_ARRAY;
    const length = isArray ? Math.max(random(3) === 0 ? 2 : 1, arrayLength(local, typeId)) : vlenOf(local, typeId);
    if (length === 0) break;
    const index = random(length);
    path.push(index);
    const next = isArray ? arrayElement(local, typeId) : memberType(local, typeId, index);
    typeId = skipModifiersAndTypedefs(local, next);
  }
  return path.join(":");
}
