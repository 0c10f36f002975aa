/** True when this machine keeps the low byte first. */
const HOST_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Copies bytes into 32-bit words of the host's byte order; the one place where byte order is swapped on reading.
 * `byteLength` must be a multiple of 4; `from` need not be aligned.
 */
export function readWords(
  bytes: Uint8Array,
  from: number,
  byteLength: number,
  littleEndian: boolean,
  into: Uint32Array,
  at: number,
): void {
  const target = new Uint8Array(into.buffer, into.byteOffset + at * 4, byteLength);
  target.set(bytes.subarray(from, from + byteLength));
  if (littleEndian !== HOST_LITTLE_ENDIAN) swapWords(into, at, at + byteLength / 4);
}

/** Copies words into bytes of the given byte order; the one place where byte order is swapped on writing. */
export function writeWords(
  words: Uint32Array,
  from: number,
  to: number,
  littleEndian: boolean,
  into: Uint8Array,
  at: number,
): void {
  let source = words.subarray(from, to);
  if (littleEndian !== HOST_LITTLE_ENDIAN) {
    source = source.slice();
    swapWords(source, 0, source.length);
  }
  into.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), at);
}

function swapWords(words: Uint32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const word = words[i] as number;
    words[i] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
  }
}
