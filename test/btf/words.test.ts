import { describe, expect, it } from "vitest";
import { readWords, writeWords } from "../../lib/btf/words.ts";

const BYTES = Uint8Array.of(0xff, 0x01, 0x02, 0x83, 0x04, 0x85, 0x06, 0x07, 0x08, 0xff);
const LITTLE = [0x04830201, 0x08070685];
const BIG = [0x01028304, 0x85060708];

describe.each([
  ["little-endian", true, LITTLE],
  ["big-endian", false, BIG],
])("words, %s", (_, littleEndian, expected) => {
  it("are read from bytes at any alignment, and nothing else is touched", () => {
    const words = new Uint32Array(4).fill(7);
    readWords(BYTES, 1, 8, littleEndian, words, 1);
    expect([...words]).toEqual([7, ...expected, 7]);
  });

  it("are written to bytes at any alignment, and nothing else is touched", () => {
    const bytes = new Uint8Array(10).fill(0xff);
    const words = Uint32Array.of(1, ...expected, 2);
    writeWords(words, 1, 3, littleEndian, bytes, 1);
    expect([...bytes]).toEqual([...BYTES]);
    expect([...words]).toEqual([1, ...expected, 2]);
  });
});
