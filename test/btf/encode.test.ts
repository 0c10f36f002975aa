import { beforeAll, describe, expect, it } from "vitest";
import { assembleBtf, encodeBtf } from "../../lib/btf/encode.ts";
import { KIND_PTR, KIND_STRUCT } from "../../lib/btf/format.ts";
import { parseHeader } from "../../lib/btf/header.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { type BtfInput, parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import {
  KERNEL_6_1,
  KERNEL_BIG_ENDIAN,
  KERNEL_NAMES,
  KERNEL_OF_MODULES,
  kernelSample,
  moduleSamples,
} from "../samples.ts";
import { blob, info, int, type Row } from "./records.ts";

/** Byte equality of large arrays, without the time a deep comparison takes. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe("every sample kernel", () => {
  it.each(KERNEL_NAMES)("comes back byte for byte: %s", async (name) => {
    const { bytes } = kernelSample(name);
    expect(sameBytes(encodeBtf(parseBtf(bytes)), bytes)).toBe(true);
  });

  it("is among them that is big-endian", async () => {
    expect(parseBtf(kernelSample(KERNEL_BIG_ENDIAN).bytes).segments[0]?.header.littleEndian).toBe(false);
  });
});

describe.each([KERNEL_6_1, KERNEL_BIG_ENDIAN])("variants of %s", (name) => {
  let bytes: Uint8Array;
  let btf: Btf;
  beforeAll(async () => {
    bytes = kernelSample(name).bytes;
    btf = parseBtf(bytes);
  });

  it("have the same types in the other byte order, and come back from it", () => {
    const { littleEndian } = parseHeader(bytes, name);
    const swapped = encodeBtf(btf, { littleEndian: !littleEndian });
    expect(sameBytes(swapped, bytes)).toBe(false);
    const other = parseBtf(swapped);
    expect(other.segments[0]?.header.littleEndian).toBe(!littleEndian);
    expect(Buffer.from(other.words.buffer).equals(Buffer.from(btf.words.buffer))).toBe(true);
    expect(sameBytes(encodeBtf(other, { littleEndian }), bytes)).toBe(true);
  });

  it("have the same types with a layout section, and come back from it", () => {
    const longer = encodeBtf(btf, { layout: true });
    expect(longer.length).toBe(bytes.length + 8 + layoutOfKnownKinds().length);
    const other = parseBtf(longer);
    expect(other.segments[0]?.header).toMatchObject({ headerLength: 32, layoutLength: 80 });
    expect(sameBytes(encodeBtf(other), longer)).toBe(true);
    expect(sameBytes(encodeBtf(other, { layout: false }), bytes)).toBe(true);
  });

  it("are as they were when asked for no layout", () => {
    expect(sameBytes(encodeBtf(btf, { layout: false }), bytes)).toBe(true);
  });
});

describe("modules", () => {
  let base: Btf;
  let modules: BtfInput[];
  beforeAll(async () => {
    base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    modules = moduleSamples().map(({ name, bytes }) => ({ source: name, bytes }));
  });

  it("come back byte for byte, each alone behind the base", () => {
    expect(modules.length).toBeGreaterThanOrEqual(9);
    for (const module of modules) {
      const btf = parseModules(base, [module]);
      expect(sameBytes(encodeBtf(btf, { segment: 1 }), module.bytes), module.source).toBe(true);
    }
  });

  it("come back byte for byte, all behind the base", () => {
    const btf = parseModules(base, modules);
    modules.forEach((module, i) => {
      expect(sameBytes(encodeBtf(btf, { segment: i + 1 }), module.bytes), module.source).toBe(true);
    });
    expect(sameBytes(encodeBtf(btf), encodeBtf(base))).toBe(true);
  });

  it("come back from the other byte order", () => {
    const swap = (btf: Btf, segment: number) => encodeBtf(btf, { segment, littleEndian: false });
    const otherBase = parseBtf(swap(base, 0));
    const module = modules[0] as BtfInput;
    const other = parseModules(otherBase, [{ source: "x", bytes: swap(parseModules(base, [module]), 1) }]);
    expect(sameBytes(encodeBtf(other, { segment: 1, littleEndian: true }), module.bytes)).toBe(true);
  });
});

describe("encodeBtf", () => {
  const NEW_KIND = 20;
  const LAYOUT = new Uint8Array((NEW_KIND + 1) * 4);
  LAYOUT.set([4, 0, 0x34, 0x12], NEW_KIND * 4);
  const ROWS: Row[] = [int("int", 4), ["new", info(NEW_KIND), 7, 8], ["", info(KIND_PTR), 2]];

  it("keeps a layout that describes kinds which are not known here", () => {
    const bytes = blob(ROWS, { layout: LAYOUT });
    const btf = parseBtf(bytes);
    expect(encodeBtf(btf)).toEqual(bytes);
    expect(encodeBtf(btf, { layout: true })).toEqual(bytes);
  });

  it("swaps a layout's flags, which are 16 bits wide", () => {
    const swapped = encodeBtf(parseBtf(blob(ROWS, { layout: LAYOUT })), { littleEndian: false });
    const { headerLength, layoutOffset } = parseHeader(swapped, "x");
    const at = headerLength + layoutOffset + NEW_KIND * 4;
    expect([...swapped.subarray(at, at + 4)]).toEqual([4, 0, 0x12, 0x34]);
  });

  it("leaves the bytes it was parsed from as they are, also those of a Buffer, whose slice() is a view", () => {
    const bytes = Buffer.from(blob(ROWS, { layout: LAYOUT }));
    const before = Buffer.from(bytes);
    encodeBtf(parseBtf(bytes), { littleEndian: false });
    expect(bytes.equals(before)).toBe(true);
  });

  it("keeps flags and the length of a longer header", () => {
    const bytes = assembleBtf({
      words: Uint32Array.of(0, info(KIND_STRUCT), 0),
      strings: new Uint8Array(1),
      littleEndian: true,
      flags: 0x40,
      headerLength: 40,
    });
    expect(parseHeader(bytes, "x")).toMatchObject({ flags: 0x40, headerLength: 40 });
    expect(encodeBtf(parseBtf(bytes))).toEqual(bytes);
  });

  it("closes gaps between sections", () => {
    const bytes = blob([int("int", 4)]);
    const gap = new Uint8Array(bytes.length + 4);
    gap.set(bytes.subarray(0, 40));
    gap.set(bytes.subarray(40), 44);
    new DataView(gap.buffer).setUint32(16, 20, true);
    expect(encodeBtf(parseBtf(gap))).toEqual(bytes);
  });

  it("has no segment that was not parsed", () => {
    expect(() => encodeBtf(parseBtf(blob([])), { segment: 1 })).toThrow(RangeError);
  });
});
