import { FormatError } from "../btf/error.ts";
import { KIND_LIMIT } from "../btf/format.ts";
import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  TYPE_ID_WORDS,
} from "../btf/kind-table.ts";
import { type Btf, typeCount } from "../btf/view.ts";
import { type Attached, collectAttached } from "./attached.ts";
import { instantiate, type NumberingCode, wordsAt } from "./numbering-code.ts";
import { isRootKind } from "./root-kind.ts";

/**
 * Two BTFs whose names and types are numbered in common, so that types are compared by numbers from here on.
 *
 * A type's *reference* class is what it is where another type refers to it: a type with a name is its kind and name
 * and no more, so that a change of `struct list_head` is no change of the thousands that have one; what has no name
 * (pointers, arrays, prototypes, qualifiers, anonymous structs) is its parts. Its *body* class is all that its own
 * record says, with reference classes for what it refers to.
 */
export interface Numbering {
  readonly sides: readonly [NumberedSide, NumberedSide];
  /** Classes of names whose definitions are not the same on both sides, forward declarations aside. */
  readonly unequal: Int32Array;
}

/** One side's types. */
export interface NumberedSide {
  /** The type records with each name's number in place of its offset: 0 for none. Indexed as `btf.words`. */
  readonly records: Int32Array;
  readonly attached: Attached;
  /** By type id. 0 is a DECL_TAG, 1 is void. */
  readonly references: Int32Array;
  /**
   * Body classes by type id, of the types whose class is unequal; 0 for others, and for a forward declaration where its
   * side has a definition.
   */
  readonly bodies: Int32Array;
  /** By class of a name, which all others are above: the last type that has it, 0 for none; by type id: the one before it. */
  readonly last: Int32Array;
  readonly before: Int32Array;
  /** Ids of the enums without a name, ascending. */
  readonly unnamedEnums: Int32Array;
  /** By type id: 1 where another type refers to it; a tag on a type is no use of it. */
  readonly referenced: Uint8Array;
}

/** Bytes of records and strings of both: a 32-bit memory has no more than four times as much. */
const MOST_BYTES = 2 ** 30;

/** Memory needed, as a multiple of the BTFs' own: 3.3 for two kernels. */
const MEMORY_FACTOR = 3.5;
/** Memory that is asked for before it is needed. */
const MOST_EXPECTED_BYTES = 2 ** 30;

/**
 * Numbers the types of two BTFs. Linear in their size, whatever they refer to.
 * @throws FormatError (too-large) for BTFs that do not fit into 4 GiB with what is made of them.
 */
export function numberTypes(old: Btf, next: Btf): Numbering {
  const tooLarge = () => tooLargeError(old, next);
  const stringBytes = old.strings.length + next.strings.length;
  const bytes = stringBytes + old.words.byteLength + next.words.byteLength;
  if (bytes > MOST_BYTES) throw tooLarge();
  const code = instantiate(Math.min(bytes * MEMORY_FACTOR, MOST_EXPECTED_BYTES), tooLarge);
  const strings = code.allocateStrings(stringBytes) >>> 0;
  const addresses = [newSide(code, old, 0), newSide(code, next, old.strings.length)] as const;
  wordsAt(code, code.kindTable.value, KIND_LIMIT).set(KIND_TABLE);
  const copy = new Uint8Array(code.memory.buffer, strings, stringBytes);
  copy.set(old.strings);
  copy.set(next.strings, old.strings.length);
  copyIn(code, addresses[0], old);
  copyIn(code, addresses[1], next);
  code.numberNames(...addresses);
  const attached = [attach(code, addresses[0], old), attach(code, addresses[1], next)] as const;
  code.classify(...addresses);
  const count = code.findUnequal(...addresses);
  // Nothing is allocated from here on, so that arrays in the memory stay where they are.
  return {
    sides: [numberedSide(code, addresses[0], old, attached[0]), numberedSide(code, addresses[1], next, attached[1])],
    unequal: wordsAt(code, code.unequalClasses(), count),
  };
}

function tooLargeError(old: Btf, next: Btf): FormatError {
  const bytes = [old, next].map(({ words, strings }) => words.byteLength + strings.length);
  const hint = `too large to be compared: ${bytes.join(" and ")} bytes of types and strings need more than 4 GiB of memory`;
  return new FormatError("too-large", hint, { source: old.source, section: "BTF types" });
}

/** See assembly/elements.ts for the bits. */
const KIND_TABLE: Int32Array = Int32Array.from({ length: KIND_LIMIT }, (_, kind) => {
  const flags =
    (ELEMENT_TYPE_ID_WORDS[kind] === 0 ? 0 : 1) | (ELEMENT_NAME_WORDS[kind] === 0 ? 0 : 2) | (isRootKind(kind) ? 4 : 0);
  const sizes = (FIXED_WORDS[kind] as number) | ((ELEMENT_WORDS[kind] as number) << 8);
  return sizes | ((TYPE_ID_WORDS[kind] as number) << 16) | (flags << 24);
});

function newSide(code: NumberingCode, btf: Btf, stringStart: number): number {
  return code.newSide(btf.words.length, typeCount(btf), stringStart);
}

function copyIn(code: NumberingCode, address: number, { words, offsets }: Btf): void {
  wordsAt(code, code.wordsOf(address), words.length).set(words);
  wordsAt(code, code.offsetsOf(address), offsets.length).set(offsets);
}

/** Collects what is said of types elsewhere, and puts it where assembly/shape-of.ts reads it. */
function attach(code: NumberingCode, address: number, btf: Btf): Attached {
  const speaking = wordsAt(code, code.speakingOf(address), code.speakingCount(address));
  const attached = collectAttached(btf, wordsAt(code, code.wordsOf(address), btf.words.length), speaking);
  const { tags, places } = attached;
  const ids = new Set([...tags.keys(), ...places.keys()]);
  if (ids.size === 0) return attached;
  let total = 0;
  for (const list of tags.values()) total += list.length * TAG_WORDS;
  for (const list of places.values()) total += list.length * PLACE_WORDS;
  const byId = code.allocateWords(BigInt(typeCount(btf)));
  const all = code.allocateWords(BigInt(total + ids.size * 2));
  const words = wordsAt(code, all, total + ids.size * 2);
  const index = wordsAt(code, byId, typeCount(btf));
  let at = 0;
  for (const id of ids) {
    const own = places.get(id) ?? [];
    const said = tags.get(id) ?? [];
    index[id] = (all >>> 0) + at * 4;
    words[at++] = 1 + own.length * PLACE_WORDS + said.length * TAG_WORDS;
    words[at++] = own.length;
    for (const { name, offset, size } of own) at = put(words, at, name, offset, size);
    for (const { name, component } of said) at = put(words, at, name, component);
  }
  code.attach(address, byId);
  return attached;
}

const TAG_WORDS = 2;
const PLACE_WORDS = 3;

/** Writes words one behind the other; returns where the next one goes. */
function put(words: Int32Array, at: number, ...values: readonly number[]): number {
  words.set(values, at);
  return at + values.length;
}

function numberedSide(code: NumberingCode, address: number, btf: Btf, attached: Attached): NumberedSide {
  const count = typeCount(btf);
  return {
    records: wordsAt(code, code.wordsOf(address), btf.words.length),
    attached,
    references: wordsAt(code, code.referencesOf(address), count),
    bodies: wordsAt(code, code.bodiesOf(address), count),
    last: wordsAt(code, code.lastOf(address), code.nameClassEnd()),
    before: wordsAt(code, code.beforeOf(address), count),
    unnamedEnums: wordsAt(code, code.unnamedEnumsOf(address), code.unnamedEnumCount(address)),
    referenced: new Uint8Array(code.memory.buffer, code.referencedOf(address) >>> 0, count),
  };
}
