/** Broken BTF of any size and byte order, by changes that know the format. All are made in place. */
import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_ENUM64,
  KIND_FWD,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VOLATILE,
  TYPE_WORDS,
} from "../../lib/btf/format.ts";
import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  TYPE_ID_WORDS,
} from "../../lib/btf/kind-table.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type Btf, isComposite, kindOf, recordOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { oneOf, type Random } from "./random.ts";

/** A sound blob to break, and which of its types to break first: those that objects look at. */
export interface BtfSeed {
  readonly bytes: Uint8Array;
  readonly btf: Btf;
  /** Type ids; all of them when there is nothing better. */
  readonly favourites: readonly number[];
}

/** A seed from sound bytes. */
export function btfSeed(bytes: Uint8Array, favourites?: readonly number[]): BtfSeed {
  const btf = parseBtf(bytes, { source: "seed" });
  const all = Array.from({ length: typeCount(btf) - 1 }, (_, i) => i + 1);
  return { bytes, btf, favourites: favourites ?? all };
}

/** One copy that is being broken. */
interface Patient {
  readonly seed: BtfSeed;
  readonly view: DataView;
  readonly random: Random;
  readonly id: () => number;
}

const EDGES = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 255, 256, 0xffff, 0x10000, 0xff_ffff, 0x100_0000];
const HUGE = [0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1fff_ffff, 0x2000_0000, 0x4000_0001];
const MODIFIERS = [KIND_CONST, KIND_VOLATILE, KIND_RESTRICT, KIND_TYPEDEF, KIND_TYPE_TAG];
const LONGEST_RUN = 80;

/** Byte position of a word of the view (whose first words are void's). */
function byteOf({ seed }: Patient, word: number): number {
  const header = seed.btf.segments[0]?.header;
  if (header === undefined) throw new Error("a seed without a header");
  return header.headerLength + header.typeOffset + (word - TYPE_WORDS) * 4;
}

const isLittle = ({ seed }: Patient): boolean => seed.btf.segments[0]?.header.littleEndian ?? true;

function getWord(patient: Patient, word: number): number {
  return patient.view.getUint32(byteOf(patient, word), isLittle(patient));
}

function setWord(patient: Patient, word: number, value: number): void {
  patient.view.setUint32(byteOf(patient, word), value >>> 0, isLittle(patient));
}

/** Words of one type's record that hold type ids, or names. */
function slots({ seed: { btf } }: Patient, id: number, what: "ids" | "names"): number[] {
  const kind = kindOf(btf, id);
  const from = recordOf(btf, id);
  const fixedBits = what === "ids" ? (TYPE_ID_WORDS[kind] ?? 0) : 1;
  const elementBits = (what === "ids" ? ELEMENT_TYPE_ID_WORDS[kind] : ELEMENT_NAME_WORDS[kind]) ?? 0;
  const perElement = ELEMENT_WORDS[kind] ?? 0;
  const found: number[] = [];
  for (let i = 0; i < TYPE_WORDS + 3; i++) if (((fixedBits >> i) & 1) === 1) found.push(from + i);
  const first = from + (FIXED_WORDS[kind] ?? TYPE_WORDS);
  const count = perElement === 0 ? 0 : Math.min(vlenOf(btf, id), 200);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < perElement; i++) if (((elementBits >> i) & 1) === 1) found.push(first + n * perElement + i);
  }
  return found;
}

function anyWord({ seed: { btf }, id, random }: Patient): number {
  const type = id();
  const from = recordOf(btf, type);
  const to = recordOf(btf, type + 1);
  return from + random(Math.max(1, to - from));
}

function anySlot(patient: Patient, what: "ids" | "names"): number {
  for (let attempt = 0; attempt < 20; attempt++) {
    const found = slots(patient, patient.id(), what);
    if (found.length > 0) return oneOf(found, patient.random);
  }
  return anyWord(patient);
}

function setKind(patient: Patient, id: number, kind: number, vlen?: number): void {
  const word = recordOf(patient.seed.btf, id) + 1;
  const old = getWord(patient, word);
  setWord(patient, word, ((old & 0x80ff_ffff & (vlen === undefined ? -1 : 0)) | (kind << 24) | (vlen ?? 0)) >>> 0);
}

/** A struct or union near a random place. */
function anyComposite(patient: Patient): number {
  for (let attempt = 0; attempt < 40; attempt++) {
    const id = patient.id();
    if (isComposite(kindOf(patient.seed.btf, id)) && vlenOf(patient.seed.btf, id) > 0) return id;
  }
  return 0;
}

function memberWord(patient: Patient, id: number): number {
  const { btf } = patient.seed;
  return recordOf(btf, id) + TYPE_WORDS + 3 * patient.random(vlenOf(btf, id));
}

type Mutation = (patient: Patient) => void;

/** By name, so that a failing case says what was done. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  byte: ({ view, random }) => view.setUint8(random(view.byteLength), random(256)),
  bit: (patient) => {
    const word = anyWord(patient);
    setWord(patient, word, getWord(patient, word) ^ (1 << patient.random(32)));
  },
  edge: (patient) => setWord(patient, anyWord(patient), oneOf(EDGES, patient.random)),
  huge: (patient) => setWord(patient, anyWord(patient), oneOf(HUGE, patient.random)),
  swapIds: (patient) => {
    const [a, b] = [anySlot(patient, "ids"), anySlot(patient, "ids")];
    const held = getWord(patient, a);
    setWord(patient, a, getWord(patient, b));
    setWord(patient, b, held);
  },
  otherId: (patient) => setWord(patient, anySlot(patient, "ids"), patient.id()),
  selfReference: (patient) => {
    const id = patient.id();
    const found = slots(patient, id, "ids");
    if (found.length > 0) setWord(patient, oneOf(found, patient.random), id);
  },
  modifierChain: (patient) => {
    const { btf } = patient.seed;
    const start = patient.id();
    let before = patient.random(3) === 0 ? start : patient.id();
    for (let id = start; id < Math.min(start + LONGEST_RUN, typeCount(btf)); id++) {
      if (recordOf(btf, id + 1) - recordOf(btf, id) !== TYPE_WORDS) continue;
      setKind(patient, id, oneOf(MODIFIERS, patient.random), 0);
      setWord(patient, recordOf(btf, id) + 2, before);
      before = id;
    }
    setWord(patient, anySlot(patient, "ids"), before);
  },
  vlen: (patient) => {
    const word = recordOf(patient.seed.btf, patient.id()) + 1;
    const old = getWord(patient, word);
    const vlen = oneOf([0, 1, (old & 0xff_ffff) + 1, (old & 0xff_ffff) - 1, 0xffff, 0xff_ffff], patient.random);
    setWord(patient, word, (old & 0xff00_0000) | (vlen & 0xff_ffff));
  },
  arrayLength: (patient) => {
    for (let attempt = 0; attempt < 40; attempt++) {
      const id = patient.id();
      if (kindOf(patient.seed.btf, id) !== KIND_ARRAY) continue;
      setWord(patient, recordOf(patient.seed.btf, id) + 5, oneOf([...EDGES, ...HUGE], patient.random));
      return;
    }
  },
  sameName: (patient) => setWord(patient, anySlot(patient, "names"), getWord(patient, anySlot(patient, "names"))),
  noName: (patient) => setWord(patient, anySlot(patient, "names"), 0),
  sizeZero: (patient) => setWord(patient, recordOf(patient.seed.btf, patient.id()) + 2, 0),
  kind: (patient) => setKind(patient, patient.id(), 1 + patient.random(KIND_ENUM64)),
  kindOfSameShape: (patient) => {
    const { btf } = patient.seed;
    const id = patient.id();
    const small = recordOf(btf, id + 1) - recordOf(btf, id) === TYPE_WORDS;
    const kinds = small ? [...MODIFIERS, KIND_PTR, KIND_FWD] : [KIND_STRUCT, KIND_UNION, KIND_ENUM64];
    setKind(patient, id, oneOf(kinds, patient.random));
  },
  unknownKind: (patient) => setKind(patient, patient.id(), KIND_ENUM64 + 1 + patient.random(108)),
  kindFlag: (patient) => {
    const word = recordOf(patient.seed.btf, patient.id()) + 1;
    setWord(patient, word, getWord(patient, word) ^ 0x8000_0000);
  },
  bitfield: (patient) => {
    const id = anyComposite(patient);
    if (id === 0) return;
    const info = recordOf(patient.seed.btf, id) + 1;
    setWord(patient, info, getWord(patient, info) | 0x8000_0000);
    for (let n = 0; n < 3; n++) {
      const width = oneOf([0, 1, 3, 7, 9, 31, 33, 64, 65, 127, 255], patient.random);
      setWord(patient, memberWord(patient, id) + 2, (width << 24) | patient.random(4096));
    }
  },
  nest: (patient) => {
    // Anonymous members that lead from struct to struct, often back to where they began.
    for (let depth = 1 + patient.random(LONGEST_RUN); depth > 0; depth--) {
      const id = anyComposite(patient);
      if (id === 0) return;
      const member = memberWord(patient, id);
      setWord(patient, member, 0);
      setWord(patient, member + 1, anyComposite(patient));
    }
  },
  emptyStruct: (patient) => {
    const id = anyComposite(patient);
    if (id !== 0) setWord(patient, anySlot(patient, "ids"), id);
  },
  magic: ({ view }) => view.setUint16(0, view.getUint16(0, true), false),
  header: ({ view, random, seed }) => {
    const little = seed.btf.segments[0]?.header.littleEndian ?? true;
    const at = 4 * (1 + random(5));
    const old = view.getUint32(at, little);
    view.setUint32(at, (old + oneOf([1, -1, 2, 4, -4, 8, 12, 1 << 20, 0x7fff_ffff], random)) >>> 0, little);
  },
  string: ({ view, random, seed }) => {
    const header = seed.btf.segments[0]?.header;
    if (header === undefined || header.stringLength === 0) return;
    const from = header.headerLength + header.stringOffset;
    const at = random(header.stringLength);
    const length = Math.min(1 + random(40), header.stringLength - at);
    const byte = oneOf([0, 0x5f, 0x61, 0x80, 0xff], random);
    for (let i = 0; i < length; i++) view.setUint8(from + at + i, byte);
  },
};

/** What breaks deep things comes more often than what any check of a header finds. */
const RARE = new Set(["byte", "magic", "header", "unknownKind", "huge", "vlen", "kind"]);
const WEIGHTED = Object.keys(MUTATIONS).flatMap((name) => (RARE.has(name) ? [name] : [name, name, name]));

/** A broken blob, and how it was broken. */
export interface Broken {
  readonly bytes: Uint8Array;
  readonly done: readonly string[];
}

/** Breaks a copy of a blob, in one to four ways; sometimes it is cut short as well. */
export function breakBtf(seed: BtfSeed, random: Random): Broken {
  const bytes = new Uint8Array(seed.bytes);
  const count = typeCount(seed.btf) - 1;
  const id = () => (random(8) === 0 ? 1 + random(count) : oneOf(seed.favourites, random));
  const patient: Patient = { seed, view: new DataView(bytes.buffer), random, id };
  const done: string[] = [];
  for (let times = 1 + random(4); times > 0; times--) {
    const name = oneOf(WEIGHTED, random);
    (MUTATIONS[name] as Mutation)(patient);
    done.push(name);
  }
  if (random(60) !== 0) return { bytes, done };
  return { bytes: bytes.slice(0, random(bytes.length)), done: [...done, "cut"] };
}
