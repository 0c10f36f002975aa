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
 * Numbers the names of several BTFs in common. Strings are hashed from their ends, so that names which share a tail are
 * hashed together: one step a byte, also where a million names begin inside one another. Names of equal hash are
 * compared byte by byte, up to where both go on with a name that has a number already.
 */
export function commonNames(views: readonly Btf[]): CommonNames {
  const wanted = views.map(wantedNames);
  const most = wanted.reduce((sum, { count }) => sum + count, 1);
  let capacity = 1024;
  while (capacity < most * 2) capacity *= 2;
  const table: Table = {
    strings: views.map(({ strings }) => strings),
    ids: wanted.map(({ ids }) => ids),
    slots: new Int32Array(capacity),
    view: new Uint8Array(most),
    offset: new Int32Array(most),
    hash: new Int32Array(most),
    count: 1,
  };
  for (let view = 0; view < views.length; view++) numberNames(table, view);
  return { ids: table.ids, count: table.count };
}

/** Marks the offsets at which names begin; counts them once each. */
function wantedNames({ words, offsets, strings }: Btf): { ids: Int32Array; count: number } {
  const ids = new Int32Array(strings.length);
  let count = 0;
  const want = (offset: number) => {
    if (ids[offset] === WANTED) return;
    ids[offset] = WANTED;
    count++;
  };
  for (let id = 1; id < offsets.length - 1; id++) {
    const at = offsets[id] as number;
    want(words[at + NAME_WORD] as number);
    const info = words[at + INFO_WORD] as number;
    const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    if (ELEMENT_NAME_WORDS[kind] === 0) continue;
    const step = ELEMENT_WORDS[kind] as number;
    // An element's name is its first word in every kind that has any.
    const first = at + (FIXED_WORDS[kind] as number);
    const end = first + (info & INFO_VLEN_MASK) * step;
    for (let element = first; element < end; element += step) want(words[element] as number);
  }
  return { ids, count };
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
    const added = table.count++;
    table.slots[slot] = added;
    table.view[added] = view;
    table.offset[added] = offset;
    table.hash[added] = hash;
    return added;
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
    if (tailOfA !== 0 && tailOfB !== 0) return tailOfA === tailOfB;
  }
}
