/** Token of a sequence (lz4_Block_format.md): lengths of literals and of the match in 4 bits each. */
const LITERALS_SHIFT = 4;
const LENGTH_MASK = 0x0f;
const LENGTH_MORE = 0x0f;
const MIN_MATCH = 4;

/**
 * Decodes an LZ4 block into `out` from `start` on; matches may reach back into what lies before, down to `lowest`.
 * Returns one past the last byte written, or -1 for a block that is damaged or does not fit: every read and write is
 * checked.
 */
export function decodeLz4Block(source: Uint8Array, out: Uint8Array, start: number, lowest: number): number {
  const end = source.length;
  const room = out.length;
  let from = 0;
  let to = start;
  while (from < end) {
    const token = source[from++] as number;
    let literals = token >> LITERALS_SHIFT;
    if (literals === LENGTH_MORE) {
      for (let byte = 255; byte === 255; ) {
        if (from >= end) return -1;
        byte = source[from++] as number;
        literals += byte;
      }
    }
    if (from + literals > end || to + literals > room) return -1;
    // Short copies are faster by hand than by a call.
    if (literals < 32) for (let i = 0; i < literals; i++) out[to + i] = source[from + i] as number;
    else out.set(source.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence is literals only.
    if (from === end) return to;
    if (from + 2 > end) return -1;
    const distance = (source[from] as number) | ((source[from + 1] as number) << 8);
    from += 2;
    let length = token & LENGTH_MASK;
    if (length === LENGTH_MORE) {
      for (let byte = 255; byte === 255; ) {
        if (from >= end) return -1;
        byte = source[from++] as number;
        length += byte;
      }
    }
    length += MIN_MATCH;
    if (distance === 0 || to - distance < lowest || to + length > room) return -1;
    copyMatch(out, to, distance, length);
    to += length;
  }
  // A block ends behind literals, not behind a match.
  return -1;
}

/** Copies from `distance` before; overlapping repeats what was just written. */
export function copyMatch(out: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length && length >= 32) out.copyWithin(to, to - distance, to - distance + length);
  else for (let i = 0; i < length; i++) out[to + i] = out[to - distance + i] as number;
}
