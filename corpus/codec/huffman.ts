/** Canonical Huffman codes, to be read a bit at a time. */
export interface HuffmanTable {
  /** By length: one past the greatest code of that length. */
  readonly limits: Int32Array;
  /** By length: what to subtract from a code to get its symbol's place in `symbols`. */
  readonly bases: Int32Array;
  /** Symbols by length, then by value. */
  readonly symbols: Uint16Array;
}

/** The table for symbols' code lengths (1 to `maxBits`); null where there are more codes than fit. */
export function huffmanTable(lengths: Uint8Array, maxBits: number): HuffmanTable | null {
  const limits = new Int32Array(maxBits + 1);
  const bases = new Int32Array(maxBits + 1);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= maxBits; length++) {
    code <<= 1;
    bases[length] = code - place;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      symbols[place++] = symbol;
      code++;
    }
    limits[length] = code;
    if (code > 1 << length) return null;
  }
  return { limits, bases, symbols };
}
