import {
  ELEMENT_NAME_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  NAME_WORD,
} from "../btf/format.ts";
import type { Btf } from "../btf/view.ts";

/** A number for each name of two BTFs: the same number exactly where the bytes are the same. 0 is no name. */
export interface CommonNames {
  /** By view, then by offset in its strings; defined where a type, member, enumerator or parameter has its name. */
  readonly ids: readonly Int32Array[];
  /** One more than the highest number. */
  readonly count: number;
}

const WANTED = -1;
/** Slots at first; a kernel has 150,000 names. */
const FIRST_SLOTS = 1 << 18;
/** FNV-1a's constants. */
const HASH_START = 0x811c_9dc5 | 0;
const HASH_FACTOR = 0x0100_0193;

interface Table {
  readonly strings: readonly Uint8Array[];
  readonly ids: readonly Int32Array[];
  /** Number of the name in each slot, 0 where it is free; a power of two, at most half full. */
  slots: Int32Array;
  /** By number: where the name was first met, and its hash. */
  view: Uint8Array;
  offset: Int32Array;
  hash: Int32Array;
  count: number;
}

/**
 * Numbers the names of several BTFs in common. Names of equal hash are compared byte by byte, up to where both go on with
 * a name that has a number already. First all strings are, in their order, then names that begin inside one, where types
 * have them; where names begin inside one another, a million in one string, all are hashed from the string's end, in one
 * step a byte.
 */
export function commonNames(views: readonly Btf[]): CommonNames {
  const table: Table = {
    strings: views.map(({ strings }) => strings),
    ids: views.map(({ strings }) => new Int32Array(strings.length)),
    slots: new Int32Array(FIRST_SLOTS),
    view: new Uint8Array(FIRST_SLOTS),
    offset: new Int32Array(FIRST_SLOTS),
    hash: new Int32Array(FIRST_SLOTS),
    count: 1,
  };
  for (let view = 0; view < views.length; view++) {
    numberInOrder(table, views[view] as Btf, view);
    if (numberAsMet(table, views[view] as Btf, view)) continue;
    wantNames(views[view] as Btf, table.ids[view] as Int32Array);
    numberNames(table, view);
  }
  return { ids: table.ids, count: table.count };
}

/** Bytes of strings for each type up to which all are numbered; a kernel has 12. */
const MOST_BYTES_A_TYPE = 64;
/** Bytes of strings in one call: see TYPES_A_CALL. */
const BYTES_A_CALL = 4096;

/** Numbers all strings in their order, for which memory is read in its order, too. */
function numberInOrder(table: Table, { strings, offsets }: Btf, view: number): void {
  if (strings.length > offsets.length * MOST_BYTES_A_TYPE) return;
  for (let at = 1; at < strings.length; ) {
    at = numberStrings(table, view, at, Math.min(at + BYTES_A_CALL, strings.length));
  }
}

/** Numbers the strings that begin in a range; returns where the next one does. */
function numberStrings(table: Table, view: number, from: number, to: number): number {
  const strings = table.strings[view] as Uint8Array;
  const ids = table.ids[view] as Int32Array;
  // What comes next in the view where the last string was met first: nine in ten times it comes next here, too.
  let other = strings;
  let otherIds = ids;
  let expected = 0;
  let at = from;
  while (at < to) {
    let end = at;
    if (other !== strings) {
      let j = expected;
      while (strings[end] !== 0 && strings[end] === other[j]) {
        end++;
        j++;
      }
      if (strings[end] === 0 && other[j] === 0) {
        ids[at] = otherIds[expected] as number;
        expected = j + 1;
        at = end + 1;
        continue;
      }
    }
    const start = at;
    at += numberName(table, view, start);
    const number = ids[start] as number;
    if (number === 0) continue;
    const met = table.view[number] as number;
    other = table.strings[met] as Uint8Array;
    otherIds = table.ids[met] as Int32Array;
    expected = (table.offset[number] as number) + at - start;
  }
  return at;
}

/** Types in one call, so that V8 compiles what is called many times: see lib/btf/scan.ts. */
const TYPES_A_CALL = 512;
/** Bytes that may be hashed one name at a time, as a multiple of the strings' length. No two names of pahole overlap. */
const MOST_OVERLAP = 4;

/** Numbers names in the order in which types have them; false when they overlap too much to go on so. */
function numberAsMet(table: Table, btf: Btf, view: number): boolean {
  let left = btf.strings.length * MOST_OVERLAP;
  for (let from = 1; from < btf.offsets.length - 1; from += TYPES_A_CALL) {
    left = numberSome(table, btf, view, from, Math.min(from + TYPES_A_CALL, btf.offsets.length - 1), left);
    if (left < 0) return false;
  }
  return true;
}

/** Numbers the names of some types; returns how many bytes may still be hashed, or less than 0. */
function numberSome(table: Table, btf: Btf, view: number, from: number, to: number, bytes: number): number {
  const { words, offsets } = btf;
  const ids = table.ids[view] as Int32Array;
  let left = bytes;
  for (let id = from; id < to && left >= 0; id++) {
    const at = offsets[id] as number;
    const name = words[at + NAME_WORD] as number;
    if (name !== 0 && ids[name] === 0) left -= numberName(table, view, name);
    const info = words[at + INFO_WORD] as number;
    const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    if (ELEMENT_NAME_WORDS[kind] === 0) continue;
    const step = ELEMENT_WORDS[kind] as number;
    // An element's name is its first word in every kind that has any.
    const first = at + (FIXED_WORDS[kind] as number);
    const end = first + (info & INFO_VLEN_MASK) * step;
    for (let element = first; element < end && left >= 0; element += step) {
      const own = words[element] as number;
      if (own !== 0 && ids[own] === 0) left -= numberName(table, view, own);
    }
  }
  return left;
}

/** Numbers one name and returns its length. */
function numberName(table: Table, view: number, offset: number): number {
  const strings = table.strings[view] as Uint8Array;
  let end = offset;
  while (strings[end] !== 0) end++;
  // From its end, as numberNames does, so that both come to the same.
  let hash = HASH_START;
  for (let at = end - 1; at >= offset; at--) hash = Math.imul(hash ^ (strings[at] as number), HASH_FACTOR);
  if (end > offset) (table.ids[view] as Int32Array)[offset] = numberOf(table, view, offset, hash);
  return end - offset + 1;
}

/** Marks the offsets at which names begin, but for those that have a number. */
function wantNames({ words, offsets }: Btf, ids: Int32Array): void {
  const want = (offset: number) => {
    if (ids[offset] === 0) ids[offset] = WANTED;
  };
  for (let id = 1; id < offsets.length - 1; id++) {
    const at = offsets[id] as number;
    want(words[at + NAME_WORD] as number);
    const info = words[at + INFO_WORD] as number;
    const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    if (ELEMENT_NAME_WORDS[kind] === 0) continue;
    const step = ELEMENT_WORDS[kind] as number;
    const first = at + (FIXED_WORDS[kind] as number);
    const end = first + (info & INFO_VLEN_MASK) * step;
    for (let element = first; element < end; element += step) want(words[element] as number);
  }
}

/** From the last byte to the first: what a name goes on with has its number before the name itself. */
function numberNames(table: Table, view: number): void {
  const strings = table.strings[view] as Uint8Array;
  const ids = table.ids[view] as Int32Array;
  let hash = HASH_START;
  for (let at = strings.length - 1; at >= 0; at--) {
    const byte = strings[at] as number;
    hash = byte === 0 ? HASH_START : Math.imul(hash ^ byte, HASH_FACTOR);
    if (ids[at] === WANTED) ids[at] = byte === 0 ? 0 : numberOf(table, view, at, hash);
  }
}

function numberOf(table: Table, view: number, offset: number, hash: number): number {
  const mask = table.slots.length - 1;
  for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
    const id = table.slots[slot] as number;
    if (id !== 0) {
      if (table.hash[id] === hash && isSame(table, view, offset, id)) return id;
      continue;
    }
    return add(table, view, offset, hash, slot);
  }
}

function add(table: Table, view: number, offset: number, hash: number, slot: number): number {
  const added = table.count++;
  table.slots[slot] = added;
  table.view[added] = view;
  table.offset[added] = offset;
  table.hash[added] = hash;
  if (table.count * 2 > table.slots.length) grow(table);
  return added;
}

function grow(table: Table): void {
  const size = table.slots.length * 4;
  const larger = (from: Int32Array) => {
    const to = new Int32Array(size);
    to.set(from);
    return to;
  };
  const view = new Uint8Array(size);
  view.set(table.view);
  table.view = view;
  table.offset = larger(table.offset);
  table.hash = larger(table.hash);
  table.slots = new Int32Array(size);
  const mask = size - 1;
  for (let id = 1; id < table.count; id++) {
    const hash = table.hash[id] as number;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (table.slots[slot] !== 0) slot = (slot + 1) & mask;
    table.slots[slot] = id;
  }
}

function isSame(table: Table, view: number, offset: number, id: number): boolean {
  const other = table.view[id] as number;
  const a = table.strings[view] as Uint8Array;
  const b = table.strings[other] as Uint8Array;
  const idsOfA = table.ids[view] as Int32Array;
  const idsOfB = table.ids[other] as Int32Array;
  let i = offset;
  let j = table.offset[id] as number;
  for (;;) {
    const byte = a[i++] as number;
    if (byte !== b[j++]) return false;
    if (byte === 0) return true;
    const tailOfA = idsOfA[i] as number;
    const tailOfB = idsOfB[j] as number;
    if (tailOfA > 0 && tailOfB > 0) return tailOfA === tailOfB;
  }
}
