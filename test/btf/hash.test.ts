import { describe, expect, it } from "vitest";
import { HASH_SEED, hashName, randomWord } from "../../lib/btf/hash.ts";

describe("hashes of names", () => {
  const strings = new TextEncoder().encode("\0task\0sub_task\0mask\0");

  it("are the same for the same bytes up to a NUL, wherever they stand", () => {
    expect(hashName(strings, 1)).toBe(hashName(strings, 10));
    expect(hashName(strings, 1)).not.toBe(hashName(strings, 15));
    expect(hashName(strings, 0)).toBe(HASH_SEED);
  });

  it("begin with a number that nobody can know", () => {
    const words = Array.from({ length: 4 }, randomWord);
    // Two of four are the same once in 700 million runs.
    expect(new Set(words).size).toBe(4);
    for (const word of [...words, HASH_SEED]) expect(word).toBe(word | 0);
  });
});
