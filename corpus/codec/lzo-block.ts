import { copyMatch } from "./lz4-block.ts";

/**
 * Decodes a block of LZO1X into exactly `size` bytes, or returns null: it is damaged, cut, or not that long. Every read
 * and write is checked. The byte codes are those of the kernel's Documentation/staging/lzo.rst.
 */
export function decodeLzoBlock(source: Uint8Array, size: number): Uint8Array | null {
  const out = new Uint8Array(size);
  const end = source.length;
  let from = 0;
  let to = 0;
  /** Literals the last instruction left behind it: 0, 1 to 3, or 4 for "a run of literals came last". */
  let state = 0;

  /** A length that goes on: zeros count 255 each, the first other byte ends it. -1 where the input does. */
  const longer = (base: number): number => {
    let length = base;
    while (from < end && source[from] === 0) {
      length += 255;
      from++;
    }
    if (from >= end) return -1;
    return length + (source[from++] as number);
  };
  const literals = (count: number): boolean => {
    if (count < 0 || from + count > end || to + count > size) return false;
    out.set(source.subarray(from, from + count), to);
    from += count;
    to += count;
    return true;
  };

  const first = source[0] ?? 0;
  if (first > 17) {
    from = 1;
    if (!literals(first - 17)) return null;
    // Up to three of them leave the state of as many literals, more that of a run.
    state = Math.min(first - 17, 4);
  }
  while (from < end) {
    const code = source[from++] as number;
    let length: number;
    let distance: number;
    let next: number;
    if (code < 16) {
      if (state === 0) {
        const run = code === 0 ? longer(18) : code + 3;
        if (!literals(run)) return null;
        state = 4;
        continue;
      }
      if (from >= end) return null;
      const high = source[from++] as number;
      next = code & 3;
      // Behind a run the distance starts where the short one ends: 2 KiB.
      length = state === 4 ? 3 : 2;
      distance = (high << 2) + (code >> 2) + (state === 4 ? 2049 : 1);
    } else if (code >= 64) {
      if (from >= end) return null;
      const high = source[from++] as number;
      next = code & 3;
      length = (code >> 5) + 1;
      distance = (high << 3) + ((code >> 2) & 7) + 1;
    } else {
      const isNear = code >= 32;
      const short = isNear ? code & 31 : code & 7;
      length = (short === 0 ? longer(isNear ? 31 : 7) : short) + 2;
      if (length < 2 || from + 2 > end) return null;
      const low = (source[from] as number) | ((source[from + 1] as number) << 8);
      from += 2;
      next = low & 3;
      distance = low >> 2;
      if (isNear) {
        distance += 1;
      } else {
        distance += (code & 8) << 11;
        // Distance 16384 of this code is the end of the block.
        if (distance === 0) return from === end && to === size && length === 3 ? out : null;
        distance += 16384;
      }
    }
    if (distance > to || to + length > size) return null;
    copyMatch(out, to, distance, length);
    to += length;
    if (!literals(next)) return null;
    state = next;
  }
  return null;
}
