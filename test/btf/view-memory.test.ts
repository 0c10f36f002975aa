import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { viewMemory } from "../../lib/btf/view-memory.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import * as make from "./builder.ts";

const KERNELS: readonly Uint8Array[] = [
  kernelSample(KERNEL_6_1).bytes,
  make.btf([make.int("int", 4), make.ptr(1)]),
  kernelSample(KERNEL_OF_MODULES).bytes,
  make.btf([]),
];

/** All that a view says, without the memory behind it. */
const said = ({ words, offsets, roots, pointerSize }: Btf) => [
  Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString("latin1"),
  Buffer.from(offsets.buffer, offsets.byteOffset, offsets.byteLength).toString("latin1"),
  roots,
  pointerSize,
];

describe("viewMemory", () => {
  it("leaves nothing of one view in the next, larger or smaller", () => {
    const memory = viewMemory();
    for (const bytes of [...KERNELS, ...KERNELS.toReversed()]) {
      // toEqual on millions of numbers takes seconds.
      expect(JSON.stringify(said(parseBtf(bytes, { memory }))) === JSON.stringify(said(parseBtf(bytes)))).toBe(true);
    }
  });

  it("leaves nothing of a damaged one either", () => {
    const memory = viewMemory();
    const [kernel = new Uint8Array(), small = new Uint8Array()] = KERNELS;
    expect(() => parseBtf(kernel.subarray(0, kernel.length >> 1), { memory })).toThrow();
    const damaged = new Uint8Array(kernel);
    // The type section's first word: a name far behind the strings' end.
    damaged.fill(0x7f, 24, 28);
    expect(() => parseBtf(damaged, { memory })).toThrow();
    expect(said(parseBtf(small, { memory }))).toEqual(said(parseBtf(small)));
  });

  it("is the same memory, but for what is too large to keep", () => {
    const memory = viewMemory();
    const first = memory.words(10);
    expect(memory.words(20).buffer).toBe(first.buffer);
    expect(memory.offsets(10).buffer).not.toBe(first.buffer);
    const huge = memory.words((16 << 20) + 1);
    expect(huge.buffer).not.toBe(first.buffer);
    expect(memory.words(10).buffer).toBe(first.buffer);
  });
});
