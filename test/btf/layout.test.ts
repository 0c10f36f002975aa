import { describe, expect, it } from "vitest";
import { KIND_MAX } from "../../lib/btf/format.ts";
import { ELEMENT_WORDS, FIXED_WORDS } from "../../lib/btf/kind-table.ts";
import { applyLayout, layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { formatErrorOf } from "./records.ts";

const KNOWN = { fixedWords: FIXED_WORDS, elementWords: ELEMENT_WORDS };

describe("layoutOfKnownKinds", () => {
  /** Linux include/uapi/linux/btf.h: sizes in bytes of what follows `struct btf_type`, and of each element. */
  it.each([
    ["void", 0, 0, 0],
    ["INT", 1, 4, 0],
    ["PTR", 2, 0, 0],
    ["ARRAY", 3, 12, 0],
    ["STRUCT", 4, 0, 12],
    ["UNION", 5, 0, 12],
    ["ENUM", 6, 0, 8],
    ["FWD", 7, 0, 0],
    ["TYPEDEF", 8, 0, 0],
    ["VOLATILE", 9, 0, 0],
    ["CONST", 10, 0, 0],
    ["RESTRICT", 11, 0, 0],
    ["FUNC", 12, 0, 0],
    ["FUNC_PROTO", 13, 0, 8],
    ["VAR", 14, 4, 0],
    ["DATASEC", 15, 0, 12],
    ["FLOAT", 16, 0, 0],
    ["DECL_TAG", 17, 4, 0],
    ["TYPE_TAG", 18, 0, 0],
    ["ENUM64", 19, 0, 12],
  ])("%s (kind %i): %i and %i bytes, no flags", (_, kind, infoBytes, elementBytes) => {
    expect([...layoutOfKnownKinds().subarray(kind * 4, kind * 4 + 4)]).toEqual([infoBytes, elementBytes, 0, 0]);
  });

  it("ends with the last known kind", () => {
    expect(layoutOfKnownKinds()).toHaveLength((KIND_MAX + 1) * 4);
  });
});

describe("applyLayout", () => {
  it("adds kinds above the known ones and leaves those alone", () => {
    const layout = new Uint8Array(22 * 4).fill(4);
    const { fixedWords, elementWords } = applyLayout(layout, "x", KNOWN);
    expect([...fixedWords.subarray(0, 24)]).toEqual([...FIXED_WORDS.subarray(0, 20), 4, 4, 0, 0]);
    expect([...elementWords.subarray(0, 24)]).toEqual([...ELEMENT_WORDS.subarray(0, 20), 1, 1, 0, 0]);
    expect(FIXED_WORDS[20]).toBe(0);
  });

  it("stops at the 128 kinds a record can name, and at the last whole entry", () => {
    expect(applyLayout(new Uint8Array(200 * 4).fill(8), "x", KNOWN).fixedWords).toHaveLength(128);
    expect(applyLayout(new Uint8Array(20 * 4 + 3).fill(8), "x", KNOWN).fixedWords[20]).toBe(0);
  });

  it.each([
    ["info", [6, 8]],
    ["element", [8, 6]],
  ])("refuses a size of an %s that is no multiple of 4", (_, sizes) => {
    const layout = new Uint8Array(21 * 4);
    layout.set(sizes, 20 * 4);
    const place = { code: "bad-layout", offset: 80, source: "x", section: "BTF layout" };
    expect(formatErrorOf(() => applyLayout(layout, "x", KNOWN))).toMatchObject(place);
  });
});
