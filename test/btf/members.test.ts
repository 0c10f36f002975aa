import { describe, expect, it } from "vitest";
import {
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC_PROTO,
  KIND_STRUCT,
  KIND_UNION,
} from "../../lib/btf/format.ts";
import * as members from "../../lib/btf/members.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { stringAt } from "../../lib/btf/strings.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { blob, info, int, type Row } from "./records.ts";

function single(row: Row): Btf {
  return parseBtf(blob([int("int", 4), row]));
}
const ID = 2;

describe("members of structs and unions", () => {
  const WORD = ((5 << 24) | 0x000103) >>> 0;
  it.each([
    ["STRUCT", KIND_STRUCT, 0, 0x05000103, 0],
    ["STRUCT", KIND_STRUCT, 1, 0x000103, 5],
    ["UNION", KIND_UNION, 0, 0x05000103, 0],
    ["UNION", KIND_UNION, 1, 0x000103, 5],
  ])("%s (kind %i) with kind_flag %i: the offset is %i, the bitfield's size %i", (_, kind, flag, offset, size) => {
    const btf = single(["s", info(kind, 2, flag), 8, "first", 1, 0, "second", 1, WORD]);
    expect(members.memberBitOffset(btf, ID, 1)).toBe(offset);
    expect(members.memberBitfieldSize(btf, ID, 1)).toBe(size);
    expect([members.memberBitOffset(btf, ID, 0), members.memberBitfieldSize(btf, ID, 0)]).toEqual([0, 0]);
    expect(stringAt(btf.strings, members.memberName(btf, ID, 1))).toBe("second");
    expect(members.memberType(btf, ID, 1)).toBe(1);
  });

  it("takes all 32 bits of an offset without kind_flag, 24 and 8 with it", () => {
    const plain = single(["s", info(KIND_STRUCT, 1), 8, "m", 1, 0xffffffff]);
    expect(members.memberBitOffset(plain, ID, 0)).toBe(0xffffffff);
    const flagged = single(["s", info(KIND_STRUCT, 1, 1), 8, "m", 1, 0xffffffff]);
    expect(members.memberBitOffset(flagged, ID, 0)).toBe(0xffffff);
    expect(members.memberBitfieldSize(flagged, ID, 0)).toBe(0xff);
  });
});

describe("enumerators", () => {
  /** kind, kind_flag, low word, high word, libbpf's 64 bits, C's value */
  it.each<[string, number, number, number, number, bigint, bigint]>([
    ["ENUM", KIND_ENUM, 0, 1, 0, 1n, 1n],
    ["ENUM", KIND_ENUM, 0, 0x80000000, 0, 0xffffffff80000000n, 0x80000000n],
    ["ENUM", KIND_ENUM, 0, 0xffffffff, 0, 0xffffffffffffffffn, 0xffffffffn],
    ["ENUM", KIND_ENUM, 1, 0x7fffffff, 0, 0x7fffffffn, 0x7fffffffn],
    ["ENUM", KIND_ENUM, 1, 0xffffffff, 0, 0xffffffffffffffffn, -1n],
    ["ENUM64", KIND_ENUM64, 0, 0xffffffff, 0, 0xffffffffn, 0xffffffffn],
    ["ENUM64", KIND_ENUM64, 0, 1, 0x80000000, 0x8000000000000001n, 0x8000000000000001n],
    ["ENUM64", KIND_ENUM64, 1, 0xfffffffe, 0xffffffff, 0xfffffffffffffffen, -2n],
    ["ENUM64", KIND_ENUM64, 1, 0, 0x80000000, 0x8000000000000000n, -(1n << 63n)],
    ["ENUM64", KIND_ENUM64, 1, 0xffffffff, 0x7fffffff, 0x7fffffffffffffffn, (1n << 63n) - 1n],
  ])("%s (kind %i), kind_flag %i, words %i and %i", (_, kind, flag, low, high, bits, value) => {
    const element = (name: string, words: number[]) => [name, ...words.slice(0, kind === KIND_ENUM ? 1 : 2)];
    const btf = single(["e", info(kind, 2, flag), 8, ...element("ZERO", [0, 0]), ...element("IT", [low, high])]);
    expect(stringAt(btf.strings, members.enumeratorName(btf, ID, 1))).toBe("IT");
    expect(members.enumeratorBits(btf, ID, 1)).toBe(bits);
    expect(members.enumeratorValue(btf, ID, 1)).toBe(value);
    expect(members.enumeratorValue(btf, ID, 0)).toBe(0n);
  });
});

describe("what an INT's word holds", () => {
  it.each([
    ["unsigned", 0, 0, 32],
    ["signed", INT_SIGNED, 0, 32],
    ["char", INT_CHAR, 0, 8],
    ["bool", INT_BOOL, 3, 1],
    ["everything", 0xf, 0xff, 0xff],
  ])("%s: encoding %i, offset %i, bits %i", (_, encoding, offset, bits) => {
    const btf = single(["i", int("i", 4)[1] as number, 4, ((0xf0 | encoding) << 24) | (offset << 16) | 0xab00 | bits]);
    expect(members.intEncoding(btf, ID)).toBe(encoding);
    expect(members.intOffset(btf, ID)).toBe(offset);
    expect(members.intBits(btf, ID)).toBe(bits);
  });
});

describe("arrays and parameters", () => {
  it("reads an array's element, index and length", () => {
    const btf = single(["", info(KIND_ARRAY), 0, 2, 1, 0xffffffff]);
    const { arrayElement, arrayIndex, arrayLength } = members;
    expect([arrayElement, arrayIndex, arrayLength].map((of) => of(btf, ID))).toEqual([2, 1, 0xffffffff]);
  });

  it("reads parameters and the mark of a variadic function", () => {
    const btf = single(["", info(KIND_FUNC_PROTO, 2), 0, "p", 1, "", 0]);
    const read = (i: number) => [stringAt(btf.strings, members.paramName(btf, ID, i)), members.paramType(btf, ID, i)];
    expect([read(0), read(1)]).toEqual([
      ["p", 1],
      ["", 0],
    ]);
  });
});
