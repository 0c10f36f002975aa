import { describe, expect, it } from "vitest";
import { looksLikeBtf, parseHeader } from "../../lib/btf/header.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { blob, formatErrorOf, int } from "./records.ts";

const ROWS = [int("int", 4)];
const LAYOUT = layoutOfKnownKinds();
/** Header fields by byte position. */
const HEADER_LENGTH = 4;
const TYPE_OFFSET = 8;
const TYPE_LENGTH = 12;
const STRING_OFFSET = 16;
const STRING_LENGTH = 20;
const LAYOUT_OFFSET = 24;
const LAYOUT_LENGTH = 28;

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(at, value, true);
  return copy;
}

describe("parseHeader", () => {
  it.each([
    ["little-endian", true],
    ["big-endian", false],
  ])("reads 24 bytes, %s", (_, littleEndian) => {
    expect(parseHeader(blob(ROWS, { littleEndian }), "x")).toEqual({
      littleEndian,
      flags: 0,
      headerLength: 24,
      typeOffset: 0,
      typeLength: 16,
      stringOffset: 16,
      stringLength: 5,
      layoutOffset: 0,
      layoutLength: 0,
    });
  });

  it.each([
    ["little-endian", true],
    ["big-endian", false],
  ])("reads 32 bytes with a layout section, %s", (_, littleEndian) => {
    expect(parseHeader(blob(ROWS, { littleEndian, layout: LAYOUT }), "x")).toMatchObject({
      littleEndian,
      headerLength: 32,
      typeLength: 16,
      layoutOffset: 16,
      layoutLength: LAYOUT.length,
      stringOffset: 16 + LAYOUT.length,
      stringLength: 5,
    });
  });

  it("takes a longer header of a later version for what it knows of it", () => {
    const bytes = blob(ROWS, { layout: LAYOUT });
    const longer = new Uint8Array(bytes.length + 8);
    longer.set(bytes.subarray(0, 32));
    longer.set(bytes.subarray(32), 40);
    expect(parseHeader(patched(longer, HEADER_LENGTH, 40), "x")).toMatchObject({ headerLength: 40, layoutOffset: 16 });
  });

  it("reads no layout out of a header of 28 bytes", () => {
    const bytes = blob(ROWS);
    const longer = new Uint8Array(bytes.length + 4);
    longer.set(bytes.subarray(0, 24));
    longer.fill(0xff, 24, 28);
    longer.set(bytes.subarray(24), 28);
    expect(parseHeader(patched(longer, HEADER_LENGTH, 28), "x")).toMatchObject({ headerLength: 28, layoutLength: 0 });
  });

  it("keeps flags", () => {
    const bytes = blob(ROWS);
    bytes[3] = 0x81;
    expect(parseHeader(bytes, "x").flags).toBe(0x81);
  });

  it("reads from a view that does not start at its buffer's start", () => {
    const bytes = blob(ROWS);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(parseHeader(shifted.subarray(3), "x")).toEqual(parseHeader(bytes, "x"));
  });

  const plain = blob(ROWS);
  const withLayout = blob(ROWS, { layout: LAYOUT });
  const version2 = plain.slice();
  version2[2] = 2;
  it.each([
    ["nothing", new Uint8Array(0), "truncated", 0, "0 bytes"],
    ["23 bytes", plain.subarray(0, 23), "truncated", 0, "at least 24"],
    ["another magic", patched(plain, 0, 0x464c457f), "bad-magic", 0, "0x457f"],
    ["another version", version2, "bad-version", 2, "version 2"],
    ["a short header", patched(plain, HEADER_LENGTH, 20), "bad-header", HEADER_LENGTH, "20"],
    ["a header longer than the file", patched(plain, HEADER_LENGTH, 46), "bad-header", HEADER_LENGTH, "45 bytes"],
    ["strings past the end", patched(plain, STRING_LENGTH, 6), "truncated", STRING_OFFSET, "16 + 6"],
    [
      "strings whose end overflows",
      patched(plain, STRING_LENGTH, 0xffffffff),
      "truncated",
      STRING_OFFSET,
      "4294967295",
    ],
    ["strings before the types' end", patched(plain, TYPE_LENGTH, 20), "bad-header", TYPE_OFFSET, "overlap"],
    ["types that overflow", patched(plain, TYPE_OFFSET, 0xfffffffc), "bad-header", TYPE_OFFSET, "overlap"],
    [
      "types off their alignment",
      patched(patched(plain, TYPE_OFFSET, 2), TYPE_LENGTH, 12),
      "bad-header",
      TYPE_OFFSET,
      "4",
    ],
    ["half a word of types", patched(plain, TYPE_LENGTH, 14), "bad-header", TYPE_LENGTH, "14 bytes"],
    ["a layout off its alignment", patched(withLayout, LAYOUT_OFFSET, 18), "bad-header", LAYOUT_OFFSET, "18"],
    ["half a word of layout", patched(withLayout, LAYOUT_LENGTH, 78), "bad-header", LAYOUT_OFFSET, "78"],
    ["a layout inside the types", patched(withLayout, LAYOUT_OFFSET, 12), "bad-header", LAYOUT_OFFSET, "between"],
    ["a layout inside the strings", patched(withLayout, LAYOUT_LENGTH, 84), "bad-header", LAYOUT_OFFSET, "between"],
  ])("refuses %s", (_, bytes, code, offset, said) => {
    const error = formatErrorOf(() => parseHeader(bytes, "file.btf"));
    expect(error).toMatchObject({ code, offset, section: "BTF header", source: "file.btf" });
    expect(error.message).toContain(said);
    expect(error.message).toMatch(/^file\.btf: BTF header, offset 0x[0-9a-f]+: /);
  });

  it("does not mind where an empty layout is said to be", () => {
    const bytes = patched(patched(withLayout, LAYOUT_LENGTH, 0), LAYOUT_OFFSET, 0xffffffff);
    expect(parseHeader(bytes, "x").layoutLength).toBe(0);
  });
});

describe("looksLikeBtf", () => {
  it.each([
    ["little-endian BTF", [0x9f, 0xeb, 1, 0], true],
    ["big-endian BTF", [0xeb, 0x9f, 1, 0], true],
    ["three bytes", [0x9f, 0xeb, 1], false],
    ["ELF", [0x7f, 0x45, 0x4c, 0x46], false],
    ["nothing", [], false],
  ])("%s", (_, bytes, expected) => {
    expect(looksLikeBtf(Uint8Array.from(bytes))).toBe(expected);
  });
});
