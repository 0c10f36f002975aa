import { allocate, allocateWords, get, set } from "./memory.ts";

/** The strings of both sides, one behind the other; each string ends with a NUL. */
let strings: usize = 0;
/** Bytes of them. */
let stringBytes: i32 = 0;
/**
 * Where names begin: a bit for each byte of the strings, and numbers for those that are set. An array by offset would be
 * 14 MB for two kernels in place of 1.3, and a page that is touched first costs 3 us in a virtual machine.
 */
let bits: usize = 0;
/** By index of 64 bits: how many are set before them. */
let ranks: usize = 0;
/** By rank: the number of the name, 0 before it has one and for the empty name. */
let numbers: usize = 0;

/** Bytes that may be read behind the strings: see chunkAt. */
const PADDING = 8;

/** Makes room for the strings, and returns their address. */
export function allocateStrings(bytes: i32): usize {
  strings = allocate(<u64>bytes + PADDING);
  stringBytes = bytes;
  bits = allocate((<u64>(bytes >>> 6) + 1) << 3);
  return strings;
}

/** Bytes of the strings of both sides. */
export function allStringBytes(): i32 {
  return stringBytes;
}

/** A byte of the strings. */
export function byteAt(offset: i32): i32 {
  return load<u8>(strings + <usize>offset);
}

/** Eight bytes of the strings, the first one lowest. */
export function chunkAt(offset: i32): u64 {
  return load<u64>(strings + <usize>offset);
}

function bitsAt(group: i32): u64 {
  return load<u64>(bits + ((<usize>group) << 3));
}

/** Says that a name begins there. */
export function markStart(offset: i32): void {
  const group = bits + ((<usize>(offset >>> 6)) << 3);
  store<u64>(group, load<u64>(group) | ((<u64>1) << (offset & 63)));
}

/** Makes room for the numbers of all names, once all starts are marked; returns how many there are. */
export function countStarts(): i32 {
  const groups = (stringBytes >>> 6) + 1;
  ranks = allocateWords(groups);
  let count = 0;
  for (let group = 0; group < groups; group++) {
    set(ranks, group, count);
    count += <i32>popcnt<u64>(bitsAt(group));
  }
  numbers = allocateWords(count);
  return count;
}

/** The first start at an offset or behind it; -1 when there is none before `end`. */
export function nextStart(offset: i32, end: i32): i32 {
  if (offset >= end) return -1;
  let group = offset >>> 6;
  let left = bitsAt(group) & ((<u64>-1) << (offset & 63));
  while (left === 0) {
    group++;
    if (group << 6 >= end) return -1;
    left = bitsAt(group);
  }
  const found = (group << 6) + <i32>ctz<u64>(left);
  return found < end ? found : -1;
}

/** True where a name begins. */
export function isStart(offset: i32): bool {
  return ((bitsAt(offset >>> 6) >>> (offset & 63)) & 1) !== 0;
}

function rankOf(offset: i32): i32 {
  const before = bitsAt(offset >>> 6) & (((<u64>1) << (offset & 63)) - 1);
  return get(ranks, offset >>> 6) + <i32>popcnt<u64>(before);
}

/** The number of the name that begins there. */
export function numberAt(offset: i32): i32 {
  return get(numbers, rankOf(offset));
}

/** Numbers the name that begins there. */
export function setNumber(offset: i32, number: i32): void {
  set(numbers, rankOf(offset), number);
}
