/** Memory that views are put into: what it gives need not be zero. */
export interface ViewMemory {
  /** Room for the words of the types. */
  readonly words: (count: number) => Uint32Array;
  /** Room for as many offsets as there can be types. */
  readonly offsets: (count: number) => Uint32Array;
  /** The first of those offsets, which a view has for as long as it lives. */
  readonly kept: (offsets: Uint32Array, count: number) => Uint32Array;
}

/** New memory for each view, and no more than it needs. */
export const NEW_MEMORY: ViewMemory = {
  words: (count) => new Uint32Array(count),
  offsets: (count) => new Uint32Array(count),
  kept: (offsets, count) => offsets.slice(0, count),
};

/** Grown in steps of so many words, so that a corpus of ever larger kernels does not do it for each. */
const STEP_WORDS = 1 << 20;
/** More than this is let go of. */
const MOST_WORDS = 16 << 20;

/**
 * The same memory for one view after the other: a view is good until the next one is parsed with it. For who parses one
 * kernel after the other and holds none: new memory for each is cleared first, and gone through by the garbage collector
 * (10.7 s for 400 raw kernels, 10.4 so, and 12 MiB less at most; Node 20).
 */
export function viewMemory(): ViewMemory {
  const words = reused();
  const offsets = reused();
  return { words, offsets, kept: (filled, count) => filled.subarray(0, count) };
}

function reused(): (count: number) => Uint32Array {
  let memory = new Uint32Array();
  return (count) => {
    if (count > MOST_WORDS) return new Uint32Array(count);
    if (memory.length < count) memory = new Uint32Array(Math.ceil(count / STEP_WORDS) * STEP_WORDS);
    return memory.subarray(0, count);
  };
}
