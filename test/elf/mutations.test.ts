/** Broken ELF files: whatever is wrong with them, the only error is FormatError, and it comes soon. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { btfBytes, readBtfSections } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { isRelocationSection, readRelocations } from "../../lib/elf/relocations.ts";
import { sectionBytes } from "../../lib/elf/section-bytes.ts";
import { readSymbols, symbolName } from "../../lib/elf/symbols.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { concat, elfImage, strings } from "./builder.ts";

const MOST_MILLISECONDS = 2_000;
const fixture = (path: string) => new Uint8Array(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)));
const IMAGES: readonly Uint8Array[] = [
  fixture("objects/exec.o"),
  fixture("objects-be/exec.o"),
  elfImage([{ name: ".text", data: strings("text") }], { is64: false }),
  elfImage([{ name: ".text", data: strings("text") }], { is64: false, littleEndian: false, extended: true }),
];

/** Each of these reads all it can; both outcomes are fine, any other error than FormatError is not. */
const READERS: readonly ((bytes: Uint8Array) => unknown)[] = [
  openElf,
  btfBytes,
  readBtfSections,
  (bytes) => findBpfObjects(concat(strings(""), bytes), "outer"),
  (bytes) => {
    const elf = openElf(bytes);
    return elf.sections.map((section) => sectionBytes(elf, section).length);
  },
  (bytes) => {
    const symbols = readSymbols(openElf(bytes));
    return Array.from({ length: symbols.count }, (_, i) => symbolName(symbols, i));
  },
  (bytes) => {
    const elf = openElf(bytes);
    return elf.sections.filter(isRelocationSection).map((section) => readRelocations(elf, section));
  },
];

/** Positions that matter: the header and the section table, sometimes anywhere. */
function positions(image: Uint8Array): fc.Arbitrary<number> {
  const table = Math.max(0, image.length - 64 * 40);
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 63 }) },
    { weight: 3, arbitrary: fc.integer({ min: table, max: image.length - 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: image.length - 1 }) },
  );
}

const bytes = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 }));

/** Runs a reader; the number of broken files it took and of those it refused. */
function outcome(read: (image: Uint8Array) => unknown, image: Uint8Array): "read" | "refused" {
  const start = cpuMilliseconds();
  try {
    read(image);
    return "read";
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return "refused";
  } finally {
    expect(cpuMilliseconds() - start).toBeLessThan(MOST_MILLISECONDS);
  }
}

describe("a broken ELF file", () => {
  it.each(IMAGES.map((image, i) => [i, image] as const))("image %i is read or refused", (_i, image) => {
    const tally = { read: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(positions(image), bytes), { minLength: 1, maxLength: 6 }),
        fc.oneof({ weight: 4, arbitrary: fc.constant(image.length) }, fc.integer({ min: 0, max: image.length })),
        (changes, length) => {
          const broken = image.slice();
          for (const [at, value] of changes) broken[at] = value;
          for (const read of READERS) tally[outcome(read, broken.subarray(0, length))]++;
        },
      ),
      { numRuns: 500, seed: 247 },
    );
    expect(tally.read).toBeGreaterThan(100);
    expect(tally.refused).toBeGreaterThan(100);
  });
});
