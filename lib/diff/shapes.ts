/**
 * Numbers for sequences of 32-bit words: two sequences get the same number exactly when they are the same. They are
 * hashed to be found and compared word by word, so that no two types are ever taken for one by chance.
 */
export interface Shapes {
  /** All sequences, one after the other; the one being made stands at the end. */
  words: Int32Array;
  /** Words in use, with those of the sequence being made. */
  length: number;
  /** By number: where its sequence begins; the entry after the last is where the one being made begins. */
  starts: Int32Array;
  hashes: Int32Array;
  /** Numbers by hash, 0 where free; a power of two. */
  slots: Int32Array;
  /** Numbers given; the next is this. 0 is no number. */
  count: number;
  /** What is added to every number that is given away. */
  readonly first: number;
}

const FIRST_WORDS = 1 << 16;
const FIRST_SHAPES = 1 << 12;
const HASH_FACTOR = 0x9e37_79b1;

/** An empty table for about so many words and sequences; numbers begin behind `first`. */
export function newShapes(words: number = FIRST_WORDS, sequences: number = FIRST_SHAPES, first = 0): Shapes {
  let capacity = FIRST_SHAPES;
  while (capacity < sequences) capacity *= 2;
  return {
    words: new Int32Array(words + FIRST_SHAPES),
    length: 0,
    starts: new Int32Array(capacity),
    hashes: new Int32Array(capacity),
    slots: new Int32Array(capacity * 2),
    count: 1,
    first,
  };
}

/** Makes room for a sequence of up to `count` words; to be called before they are pushed. */
export function reserve(shapes: Shapes, count: number): void {
  if (shapes.length + count <= shapes.words.length) return;
  const larger = new Int32Array(Math.max(shapes.words.length * 2, shapes.length + count));
  larger.set(shapes.words.subarray(0, shapes.length));
  shapes.words = larger;
}

/** Adds a word to the sequence being made; room must have been made. */
export function push(shapes: Shapes, word: number): void {
  shapes.words[shapes.length++] = word;
}

/** Ends the sequence being made and gives its number. */
export function finish(shapes: Shapes): number {
  const { words, starts } = shapes;
  const start = starts[shapes.count] as number;
  const length = shapes.length - start;
  let hash = length;
  for (let i = start; i < shapes.length; i++) {
    hash = Math.imul(hash ^ (words[i] as number), HASH_FACTOR);
    hash ^= hash >>> 15;
  }
  const mask = shapes.slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const known = shapes.slots[slot] as number;
    if (known === 0) return shapes.first + add(shapes, hash, slot);
    if (shapes.hashes[known] !== hash || !isSame(shapes, known, start, length)) continue;
    shapes.length = start;
    return shapes.first + known;
  }
}

function isSame({ words, starts }: Shapes, known: number, start: number, length: number): boolean {
  const from = starts[known] as number;
  if ((starts[known + 1] as number) - from !== length) return false;
  for (let i = 0; i < length; i++) {
    if (words[from + i] !== words[start + i]) return false;
  }
  return true;
}

function add(shapes: Shapes, hash: number, slot: number): number {
  const number = shapes.count++;
  shapes.slots[slot] = number;
  shapes.hashes[number] = hash;
  // Room for the next one's start, too.
  if (shapes.count + 1 >= shapes.starts.length) grow(shapes);
  shapes.starts[shapes.count] = shapes.length;
  return number;
}

function grow(shapes: Shapes): void {
  const size = shapes.starts.length * 2;
  const starts = new Int32Array(size);
  const hashes = new Int32Array(size);
  starts.set(shapes.starts);
  hashes.set(shapes.hashes);
  const slots = new Int32Array(size * 2);
  const mask = slots.length - 1;
  for (let number = 1; number < shapes.count; number++) {
    let slot = (hashes[number] as number) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = number;
  }
  shapes.starts = starts;
  shapes.hashes = hashes;
  shapes.slots = slots;
}
