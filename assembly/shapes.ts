import { folded, mix } from "./hash.ts";
import { allocate, allocateWords, get, set, slotsFor } from "./memory.ts";

/**
 * Numbers for sequences of 32-bit words: two sequences get the same number exactly when they are the same. They are
 * hashed to be found and compared word by word, so that no two types are ever taken for one by chance.
 */
@unmanaged
export class Shapes {
  /** All sequences, one behind the other; the one being made stands at the end. */
  words: usize;
  /** Words in use, with those of the sequence being made. */
  length: i32;
  /** By number: where its sequence begins; the entry behind the last is where the one being made begins. */
  starts: usize;
  hashes: usize;
  /** Numbers by hash, 0 where free; a power of two. */
  slots: usize;
  slotMask: i32;
  /** Numbers given; the next is this. 0 is no number. */
  count: i32;
  /** What is added to every number that is given away. */
  first: i32;
  /** The number behind the last one that was given, which often comes next. */
  expected: i32;
}

/** An empty table with room for so many words and sequences; numbers begin behind `first`. */
export function newShapes(words: u64, sequences: i32, first: i32): Shapes {
  const shapes = changetype<Shapes>(allocate(offsetof<Shapes>()));
  const slots = slotsFor(sequences);
  shapes.words = allocateWords(words);
  shapes.length = 0;
  shapes.starts = allocateWords(<u64>sequences + 2);
  shapes.hashes = allocateWords(<u64>sequences + 2);
  shapes.slots = allocateWords(slots);
  shapes.slotMask = slots - 1;
  shapes.count = 1;
  shapes.first = first;
  shapes.expected = 1;
  return shapes;
}

/** Forgets all sequences, for others in their place. */
export function clearShapes(shapes: Shapes): void {
  shapes.length = 0;
  shapes.count = 1;
  shapes.expected = 1;
  memory.fill(shapes.slots, 0, (<usize>shapes.slotMask + 1) << 2);
}

/** Adds a word to the sequence being made. */
export function push(shapes: Shapes, word: i32): void {
  set(shapes.words, shapes.length++, word);
}

/** Ends the sequence being made and gives its number. */
export function finish(shapes: Shapes): i32 {
  const start = get(shapes.starts, shapes.count);
  const length = shapes.length - start;
  const expected = shapes.expected;
  if (expected < shapes.count && isSame(shapes, expected, start, length)) {
    shapes.length = start;
    shapes.expected = expected + 1;
    return shapes.first + expected;
  }
  const hash = hashOf(shapes, start, length);
  let slot = hash & shapes.slotMask;
  while (true) {
    const known = get(shapes.slots, slot);
    if (known === 0) break;
    if (get(shapes.hashes, known) === hash && isSame(shapes, known, start, length)) {
      shapes.length = start;
      shapes.expected = known + 1;
      return shapes.first + known;
    }
    slot = (slot + 1) & shapes.slotMask;
  }
  const added = shapes.count++;
  set(shapes.slots, slot, added);
  set(shapes.hashes, added, hash);
  set(shapes.starts, shapes.count, shapes.length);
  shapes.expected = added + 1;
  return shapes.first + added;
}

function hashOf(shapes: Shapes, start: i32, length: i32): i32 {
  const from = shapes.words + ((<usize>start) << 2);
  const pairs = length >>> 1;
  let hash: u64 = length;
  for (let i = 0; i < pairs; i++) hash = mix(hash, load<u64>(from + ((<usize>i) << 3)));
  return folded((length & 1) === 0 ? hash : mix(hash, get(shapes.words, start + length - 1)));
}

function isSame(shapes: Shapes, known: i32, start: i32, length: i32): bool {
  const from = get(shapes.starts, known);
  if (get(shapes.starts, known + 1) - from !== length) return false;
  for (let i = 0; i < length; i++) {
    if (get(shapes.words, from + i) !== get(shapes.words, start + i)) return false;
  }
  return true;
}
