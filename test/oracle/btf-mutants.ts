/** Broken BTF by the thousand: small right blobs with a few words, bytes or fields changed, the same on every run. */
import { INFO_KIND_MASK, INFO_KIND_SHIFT, INFO_VLEN_MASK, KIND_MAX } from "../../lib/btf/format.ts";
import { parseHeader } from "../../lib/btf/header.ts";
import { ELEMENT_TYPE_ID_WORDS, ELEMENT_WORDS, FIXED_WORDS, TYPE_ID_WORDS } from "../../lib/btf/kind-table.ts";

/** Random numbers from a seed (mulberry32): an integer from 0 to `limit - 1` a call. */
export type Random = (limit: number) => number;

/** A generator of its own for each seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  };
}

/** Where a blob's parts lie: byte offsets of its records, its type ids and its strings. */
interface Anatomy {
  readonly records: readonly number[];
  readonly ids: readonly number[];
  readonly names: readonly number[];
  readonly typesEnd: number;
  readonly stringsFrom: number;
}

const anatomies = new WeakMap<Uint8Array, Anatomy>();

/** A seed's parts, found out once. */
function anatomyOf(seed: Uint8Array): Anatomy {
  const anatomy = anatomies.get(seed) ?? dissect(seed);
  anatomies.set(seed, anatomy);
  return anatomy;
}

function dissect(bytes: Uint8Array): Anatomy {
  const header = parseHeader(bytes, "seed");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: number[] = [];
  const ids: number[] = [];
  const names: number[] = [];
  const typesEnd = header.headerLength + header.typeOffset + header.typeLength;
  for (let at = header.headerLength + header.typeOffset; at < typesEnd; ) {
    records.push(at);
    names.push(at);
    const word = view.getUint32(at + 4, true);
    const kind = (word >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    const fixed = FIXED_WORDS[kind] ?? 3;
    const perElement = ELEMENT_WORDS[kind] ?? 0;
    for (let i = 0; i < fixed; i++) if ((((TYPE_ID_WORDS[kind] ?? 0) >> i) & 1) === 1) ids.push(at + i * 4);
    at += fixed * 4;
    for (let n = word & INFO_VLEN_MASK; n > 0 && perElement > 0; n--, at += perElement * 4) {
      for (let i = 0; i < perElement; i++)
        if ((((ELEMENT_TYPE_ID_WORDS[kind] ?? 0) >> i) & 1) === 1) ids.push(at + i * 4);
    }
  }
  return { records, ids, names, typesEnd, stringsFrom: header.headerLength + header.stringOffset };
}

type Mutation = (bytes: Uint8Array, view: DataView, anatomy: Anatomy, random: Random) => Uint8Array;

const pick = (list: readonly number[], random: Random): number => list[random(list.length)] ?? 0;

const anyWord = ({ records, typesEnd }: Anatomy, random: Random): number => {
  const from = records[0] ?? typesEnd;
  return from + 4 * random((typesEnd - from) / 4);
};

/** Values that rules turn on. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65, 128, 129, 255, 0xffff, 0x10000, 0x00ff_ffff];
const HUGE = [0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x0100_0020, 0x2000_0000, 0x1fff_ffff];

const inPlace =
  (change: (view: DataView, anatomy: Anatomy, random: Random) => void): Mutation =>
  (bytes, view, anatomy, random) => {
    change(view, anatomy, random);
    return bytes;
  };

const setWord = (view: DataView, at: number, value: number): void => view.setUint32(at, value >>> 0, true);

/** By name, so that a disagreement tells what was done. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  bit: inPlace((view, _, random) => {
    const at = random(view.byteLength);
    view.setUint8(at, view.getUint8(at) ^ (1 << random(8)));
  }),
  typeBit: inPlace((view, anatomy, random) => {
    const at = anyWord(anatomy, random);
    setWord(view, at, view.getUint32(at, true) ^ (1 << random(32)));
  }),
  edge: inPlace((view, anatomy, random) => setWord(view, anyWord(anatomy, random), pick(EDGES, random))),
  huge: inPlace((view, anatomy, random) => setWord(view, anyWord(anatomy, random), pick(HUGE, random))),
  step: inPlace((view, anatomy, random) => {
    const at = anyWord(anatomy, random);
    setWord(view, at, view.getUint32(at, true) + pick([1, -1, 4, -4, 8, -8, 32, -32], random));
  }),
  swapWords: inPlace((view, anatomy, random) => {
    const [a, b] = [anyWord(anatomy, random), anyWord(anatomy, random)];
    const held = view.getUint32(a, true);
    setWord(view, a, view.getUint32(b, true));
    setWord(view, b, held);
  }),
  typeId: inPlace((view, { ids, records }, random) => setWord(view, pick(ids, random), random(records.length + 2))),
  nearId: inPlace((view, { ids }, random) => {
    const at = pick(ids, random);
    setWord(view, at, view.getUint32(at, true) + 1 - 2 * random(2));
  }),
  kind: inPlace((view, { records }, random) => {
    const at = pick(records, random) + 7;
    view.setUint8(at, (view.getUint8(at) & 0x80) | random(KIND_MAX + 2));
  }),
  kindFlag: inPlace((view, { records }, random) => {
    const at = pick(records, random) + 7;
    view.setUint8(at, view.getUint8(at) ^ 0x80);
  }),
  vlen: inPlace((view, { records }, random) => {
    const at = pick(records, random) + 4;
    view.setUint16(at, Math.max(0, view.getUint16(at, true) + 1 - 2 * random(2)), true);
  }),
  size: inPlace((view, { records }, random) => {
    const at = pick(records, random) + 8;
    setWord(view, at, Math.floor(view.getUint32(at, true) / 2));
  }),
  name: inPlace((view, { names, stringsFrom }, random) => {
    setWord(view, pick(names, random), random(4) === 0 ? 0 : random(view.byteLength - stringsFrom + 1));
  }),
  stringByte: inPlace((view, { stringsFrom }, random) => {
    view.setUint8(stringsFrom + random(view.byteLength - stringsFrom), random(256));
  }),
  header: inPlace((view, _, random) => {
    const at = 4 * random(6);
    setWord(view, at, view.getUint32(at, true) + pick([1, -1, 2, 4, -4, 8], random));
  }),
  cut: (bytes, _view, _anatomy, random) => bytes.slice(0, bytes.length - 1 - random(16)),
  grow: (bytes, _view, _anatomy, random) => {
    const grown = new Uint8Array(bytes.length + 1 + random(8));
    grown.set(bytes);
    return grown;
  },
  longHeader: (bytes, _view, _anatomy, random) => {
    const extra = 4 * (1 + random(4));
    const grown = new Uint8Array(bytes.length + extra);
    grown.set(bytes.subarray(0, 24));
    grown.set(bytes.subarray(24), 24 + extra);
    new DataView(grown.buffer).setUint32(4, 24 + extra, true);
    if (random(2) === 0) grown[24 + random(extra)] = 1;
    return grown;
  },
};

/** Mutations of words, ids and kinds come more often than those of the header, which any check finds. */
const WEIGHTED = Object.keys(MUTATIONS).flatMap((name) =>
  ["typeId", "nearId", "kind", "step", "edge", "size"].includes(name) ? [name, name, name, name] : [name],
);

/** A blob and what was done to it. */
export interface Mutant {
  readonly bytes: Uint8Array;
  readonly seed: string;
  readonly done: readonly string[];
}

/** One mutant of a little-endian blob: one to three changes. */
export function mutate(seed: string, blob: Uint8Array, random: Random): Mutant {
  const anatomy = anatomyOf(blob);
  let bytes: Uint8Array = blob.slice();
  const done: string[] = [];
  for (let count = 1 + (random(3) === 0 ? random(3) : 0); count > 0; count--) {
    const name = WEIGHTED[random(WEIGHTED.length)] ?? "bit";
    // A change of length must be the last: the anatomy is that of the whole blob.
    bytes = (MUTATIONS[name] as Mutation)(bytes, new DataView(bytes.buffer), anatomy, random);
    done.push(name);
    if (bytes.length !== blob.length) break;
  }
  return { bytes, seed, done };
}
