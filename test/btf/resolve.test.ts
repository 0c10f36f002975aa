import { describe, expect, it } from "vitest";
import * as format from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import {
  pointerBytes,
  resolveSize,
  SIZE_TOO_BIG,
  SIZE_UNKNOWN,
  skipModifiersAndTypedefs,
} from "../../lib/btf/resolve.ts";
import { blob, formatErrorOf, info, int, type Row } from "./records.ts";

const { KIND_ARRAY, KIND_CONST, KIND_PTR, KIND_TYPEDEF } = format;
const INT = int("int", 4);
const CHAR_ID = 2;
const CHAR = int("char", 1);

function array(element: number, length: number): Row {
  return ["", info(KIND_ARRAY), 0, element, 1, length];
}

/** The size of type 3, behind an int and a char. */
function sizeOfThird(...rows: Row[]): number {
  return resolveSize(parseBtf(blob([INT, CHAR, ...rows])), 3);
}

describe("resolveSize", () => {
  it.each<[string, number, Row]>([
    ["INT", 16, int("__int128", 16)],
    ["FLOAT", 8, ["double", info(format.KIND_FLOAT), 8]],
    ["STRUCT", 12, ["s", info(format.KIND_STRUCT), 12]],
    ["UNION", 6, ["u", info(format.KIND_UNION), 6]],
    ["ENUM of 8 bytes", 8, ["e", info(format.KIND_ENUM), 8]],
    ["ENUM64", 8, ["e", info(format.KIND_ENUM64), 8]],
    ["DATASEC", 40, [".data", info(format.KIND_DATASEC), 40]],
    ["a struct of all 32 bits", 0xffffffff, ["s", info(format.KIND_STRUCT), 0xffffffff]],
    ["PTR", 8, ["", info(KIND_PTR), 0]],
    ["TYPEDEF", 4, ["t", info(KIND_TYPEDEF), 1]],
    ["CONST", 4, ["", info(KIND_CONST), 1]],
    ["VOLATILE", 4, ["", info(format.KIND_VOLATILE), 1]],
    ["RESTRICT", 4, ["", info(format.KIND_RESTRICT), 1]],
    ["TYPE_TAG", 4, ["user", info(format.KIND_TYPE_TAG), 1]],
    ["VAR", 4, ["v", info(format.KIND_VAR), 1, 0]],
    ["DECL_TAG", 4, ["tag", info(format.KIND_DECL_TAG), 1, 0]],
    ["ARRAY", 28, array(1, 7)],
    ["ARRAY of nothing", 0, array(1, 0)],
    ["an array of no void", SIZE_UNKNOWN, array(0, 0)],
    ["FWD", SIZE_UNKNOWN, ["s", info(format.KIND_FWD), 0]],
    ["FUNC", SIZE_UNKNOWN, ["f", info(format.KIND_FUNC), 1]],
    ["FUNC_PROTO", SIZE_UNKNOWN, ["", info(format.KIND_FUNC_PROTO), 1]],
    ["TYPEDEF of void", SIZE_UNKNOWN, ["t", info(KIND_TYPEDEF), 0]],
  ])("%s: %i", (_, expected, row) => {
    expect(sizeOfThird(row)).toBe(expected);
  });

  it("has none for void", () => {
    expect(resolveSize(parseBtf(blob([])), 0)).toBe(SIZE_UNKNOWN);
  });

  it.each([
    [4, 4],
    [8, 8],
  ])("takes pointers of %i bytes where long has as many", (bytes, expected) => {
    const btf = parseBtf(blob([int("long", bytes), ["", info(KIND_PTR), 0], array(2, 3)]));
    expect(pointerBytes(btf)).toBe(expected);
    expect([resolveSize(btf, 2), resolveSize(btf, 3)]).toEqual([expected, 3 * expected]);
  });

  it("multiplies arrays of arrays, through what stands between", () => {
    expect(sizeOfThird(array(4, 3), ["t", info(KIND_TYPEDEF), 5], array(1, 5))).toBe(60);
  });

  it.each([
    ["just fits", 1, 0xffffffff, CHAR_ID, 0xffffffff],
    ["does not fit by its elements' size", 1, 0x40000000, 1, SIZE_TOO_BIG],
    ["does not fit by its lengths", 0x10000, 0x10000, CHAR_ID, SIZE_TOO_BIG],
    ["does not fit by far", 0xffffffff, 0xffffffff, 1, SIZE_TOO_BIG],
    ["has no elements on the outside", 0, 0xffffffff, 1, 0],
    ["has no elements on the inside", 0xffffffff, 0, 1, 0],
  ])("sees that an array %s", (_, outer, inner, element, expected) => {
    expect(sizeOfThird(array(4, outer), array(element, inner))).toBe(expected);
  });

  it.each([
    [31, 4],
    [32, SIZE_UNKNOWN],
  ])("goes through %i typedefs as libbpf does: %i", (depth, expected) => {
    const chain = Array.from({ length: depth }, (_, i): Row => ["t", info(KIND_TYPEDEF), i === depth - 1 ? 1 : i + 4]);
    expect(sizeOfThird(...chain)).toBe(expected);
  });

  it.each<[string, Row[]]>([
    ["a typedef of itself", [["t", info(KIND_TYPEDEF), 3]]],
    [
      "two consts of each other",
      [
        ["", info(KIND_CONST), 4],
        ["", info(KIND_CONST), 3],
      ],
    ],
    ["an array of itself", [array(3, 1)]],
    ["a growing array of itself", [array(3, 2)]],
  ])("ends at %s", (_, rows) => {
    expect([SIZE_UNKNOWN, SIZE_TOO_BIG]).toContain(sizeOfThird(...rows));
  });
});

describe("skipModifiersAndTypedefs", () => {
  const skip = (...rows: Row[]) => skipModifiersAndTypedefs(parseBtf(blob([INT, CHAR, ...rows])), 3);

  it.each<[string, number, Row]>([
    ["TYPEDEF", 1, ["t", info(KIND_TYPEDEF), 1]],
    ["CONST", 1, ["", info(KIND_CONST), 1]],
    ["VOLATILE", 1, ["", info(format.KIND_VOLATILE), 1]],
    ["RESTRICT", 1, ["", info(format.KIND_RESTRICT), 1]],
    ["TYPE_TAG", 1, ["user", info(format.KIND_TYPE_TAG), 1]],
    ["CONST of void", 0, ["", info(KIND_CONST), 0]],
    ["PTR", 3, ["", info(KIND_PTR), 1]],
    ["ARRAY", 3, array(1, 1)],
    ["VAR", 3, ["v", info(format.KIND_VAR), 1, 0]],
    ["DECL_TAG", 3, ["tag", info(format.KIND_DECL_TAG), 1, 0]],
    ["FUNC", 3, ["f", info(format.KIND_FUNC), 1]],
  ])("%s leads to %i", (_, expected, row) => {
    expect(skip(row)).toBe(expected);
  });

  it("goes through a chain longer than libbpf's depth", () => {
    const chain = Array.from({ length: 100 }, (_, i): Row => ["t", info(KIND_TYPEDEF), i === 99 ? 2 : i + 4]);
    expect(skip(...chain)).toBe(2);
  });

  it("leads from a type to itself when it is neither", () => {
    expect(skipModifiersAndTypedefs(parseBtf(blob([INT])), 1)).toBe(1);
    expect(skipModifiersAndTypedefs(parseBtf(blob([INT])), 0)).toBe(0);
  });

  it.each<[string, Row[]]>([
    ["a typedef of itself", [["t", info(KIND_TYPEDEF), 3]]],
    [
      "two that lead to each other",
      [
        ["t", info(KIND_TYPEDEF), 4],
        ["", info(KIND_CONST), 3],
      ],
    ],
    [
      "a way into a circle",
      [
        ["t", info(KIND_TYPEDEF), 4],
        ["", info(KIND_CONST), 5],
        ["", info(KIND_CONST), 4],
      ],
    ],
  ])("refuses %s", (_, rows) => {
    expect(formatErrorOf(() => skip(...rows))).toMatchObject({ code: "type-loop", typeId: 3, section: "BTF types" });
  });
});
