import { KIND_ENUM, KIND_ENUM64, NAME_WORD } from "../lib/btf/format.ts";
import { elementBytes, elementsEnd, firstElement, hasElementNames, recordKind } from "./elements.ts";
import { folded, mix } from "./hash.ts";
import { allocateWords, get, set, slotsFor } from "./memory.ts";
import {
  allStringBytes,
  byteAt,
  chunkAt,
  countStarts,
  isStart,
  nextStart,
  numberAt,
  setNumber,
} from "./name-starts.ts";
import { inBlocks, recordOf, Side } from "./side.ts";
import { survey } from "./survey.ts";

/** Bytes of strings in one call: see inBlocks. */
const BYTES_A_CALL = 8192;

/** Slots of the table, a power of two and at most four fifths full: the number of a name, 0 where free. */
let slots: usize = 0;
let slotMask: i32 = 0;
/** By number: offset at which the name was first met, and its hash. */
let places: usize = 0;
let hashes: usize = 0;
let count: i32 = 1;

/** One more than the highest number of a name. */
export function nameCount(): i32 {
  return count;
}

/**
 * Puts a number in place of each name's offset in the records of both sides: the same number exactly where the bytes
 * are the same, 0 where there is no name.
 */
export function numberNames(old: Side, next: Side): void {
  survey(old);
  survey(next);
  const most = countStarts() + 1;
  const size = slotsFor(most);
  slots = allocateWords(size);
  slotMask = size - 1;
  places = allocateWords(most);
  hashes = allocateWords(most);
  const end = allStringBytes();
  for (let from = 0; from < end; ) from = numberStrings(from, min(from + BYTES_A_CALL, end));
  inBlocks(old, replaceNames);
  inBlocks(next, replaceNames);
}

function replaceNames(side: Side, from: i32, to: i32): void {
  const start = side.stringStart;
  for (let id = from; id < to; id++) {
    const record = recordOf(side, id);
    const name = numberAt(start + get(record, NAME_WORD));
    set(record, NAME_WORD, name);
    const kind = recordKind(record);
    if (name === 0 && (kind === KIND_ENUM || kind === KIND_ENUM64)) set(side.unnamedEnums, side.unnamedEnumCount++, id);
    if (!hasElementNames(kind)) continue;
    const step = elementBytes(kind);
    const end = elementsEnd(record, kind);
    for (let element = firstElement(record, kind); element < end; element += step) {
      set(element, 0, numberAt(start + get(element, 0)));
    }
  }
}

/** Numbers the names in the strings that begin in a range; returns where the next string may begin. */
function numberStrings(from: i32, to: i32): i32 {
  let at = from;
  // Nine in ten times, the names of two kernels follow each other in the same order: that one is tried first.
  let expected = 0;
  while (true) {
    const first = nextStart(at, to);
    if (first < 0) return max(at, to);
    if (expected > 0 && expected < count) {
      const end = sameUntil(first, get(places, expected));
      if (end > first && nextStart(first + 1, end) < 0) {
        setNumber(first, expected++);
        at = end + 1;
        continue;
      }
    }
    const end = endOf(first);
    expected = (nextStart(first + 1, end) < 0 ? numberWhole(first, end) : numberTails(first, end)) + 1;
    at = end + 1;
  }
}

/** Bytes that are read at once. */
const CHUNK = 8;
/** Of each of them. */
const LOWEST_BITS: u64 = ((<u64>0x0101_0101) << 32) | 0x0101_0101;
const HIGHEST_BITS: u64 = LOWEST_BITS << 7;

/** The highest bit of each byte that is 0, and of some behind the first of them. */
function zeroBytes(chunk: u64): u64 {
  return (chunk - LOWEST_BITS) & ~chunk & HIGHEST_BITS;
}

/** Where the string ends that goes on there. */
function endOf(offset: i32): i32 {
  let at = offset;
  while (true) {
    const zeros = zeroBytes(chunkAt(at));
    if (zeros !== 0) return at + (<i32>ctz<u64>(zeros) >>> 3);
    at += CHUNK;
  }
}

/** Where a string ends, if another one is the same; else where it begins. */
function sameUntil(offset: i32, other: i32): i32 {
  let i = offset;
  let j = other;
  while (true) {
    const chunk = chunkAt(i);
    const different = chunk ^ chunkAt(j);
    const zeros = zeroBytes(chunk);
    if (zeros !== 0) {
      // The NUL is the last byte that counts.
      const last = <i32>ctz<u64>(zeros);
      return different << (63 - last) === 0 ? i + (last >>> 3) : offset;
    }
    if (different !== 0) return offset;
    i += CHUNK;
    j += CHUNK;
  }
}

/**
 * Adds the first bytes of a name, up to seven, and gives the hash of all of it. Names are hashed from their end, so that
 * those that begin inside one another are hashed together.
 */
function hashFrom(first: i32, hashed: i32, hash: u64): i32 {
  const left = hashed - first;
  return folded(left === 0 ? hash : mix(hash, chunkAt(first) & (((<u64>1) << (left << 3)) - 1)));
}

/** Numbers a string in which no other name begins. */
function numberWhole(first: i32, end: i32): i32 {
  if (first === end) return 0;
  let hash: u64 = 0;
  let at = end;
  while (at - first >= CHUNK) {
    at -= CHUNK;
    hash = mix(hash, chunkAt(at));
  }
  const number = numberOf(first, hashFrom(first, at, hash));
  setNumber(first, number);
  return number;
}

/**
 * Numbers the names that begin in a string, from its last byte to its first, one step a byte however many there are:
 * what a name goes on with has its number before the name itself. Returns the number of the first.
 */
function numberTails(first: i32, end: i32): i32 {
  let hash: u64 = 0;
  let hashed = end;
  let number = 0;
  for (let at = end - 1; at >= first; at--) {
    if (hashed - at === CHUNK) {
      hashed = at;
      hash = mix(hash, chunkAt(at));
    }
    if (!isStart(at)) continue;
    number = numberOf(at, hashFrom(at, hashed, hash));
    setNumber(at, number);
  }
  return number;
}

function numberOf(offset: i32, hash: i32): i32 {
  let slot = hash & slotMask;
  while (true) {
    const known = get(slots, slot);
    if (known === 0) break;
    if (get(hashes, known) === hash && isSame(offset, get(places, known))) return known;
    slot = (slot + 1) & slotMask;
  }
  const added = count++;
  set(slots, slot, added);
  set(places, added, offset);
  set(hashes, added, hash);
  return added;
}

/** Compares byte by byte, up to where both go on with a name that has its number already. */
function isSame(a: i32, b: i32): bool {
  let i = a;
  let j = b;
  while (true) {
    const byte = byteAt(i++);
    if (byte !== byteAt(j++)) return false;
    if (byte === 0) return true;
    if (!isStart(i) || !isStart(j)) continue;
    const tail = numberAt(i);
    const other = numberAt(j);
    if (tail !== 0 && other !== 0) return tail === other;
  }
}
