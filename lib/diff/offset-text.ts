const BITS_A_BYTE = 8;

/** A place in bits as people say it: bytes, and the bits beyond them, `1248` or `96:3`. */
export function offsetText(bitOffset: number): string {
  const bits = bitOffset % BITS_A_BYTE;
  const bytes = (bitOffset - bits) / BITS_A_BYTE;
  return bits === 0 ? String(bytes) : `${bytes}:${bits}`;
}
