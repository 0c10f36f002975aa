import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import {
  equalBytes,
  equalEssentialNames,
  equalStrings,
  essentialLength,
  isLongName,
  nameOf,
  stringAt,
  stringEnd,
} from "../../lib/btf/strings.ts";
import { blob, int } from "./records.ts";

/** Bytes of a string in the middle of others, and where it starts. */
function embedded(text: string): [Uint8Array, number] {
  return [Buffer.from(`\0before___x\0${text}\0___after\0`, "utf8"), 12];
}

describe("essentialLength", () => {
  it.each([
    ["task_struct", "task_struct"],
    ["a___b", "a"],
    ["a___b___c", "a___b"],
    ["task_struct___old", "task_struct"],
    ["task___old_", "task"],
    ["a____b", "a____b"],
    ["a_____b", "a_____b"],
    ["___b", "___b"],
    ["____b", "____b"],
    ["a___", "a___"],
    ["a___b___", "a"],
    ["a____", "a____"],
    ["a___b____c", "a"],
    ["a____b___c", "a____b"],
    ["_a___b", "_a"],
    ["a_b__c", "a_b__c"],
    ["___", "___"],
    ["_____", "_____"],
    ["", ""],
    ["a", "a"],
    ["å___ß", "å"],
  ])("%j is %j", (name, essential) => {
    const [bytes, at] = embedded(name);
    expect(Buffer.from(bytes.subarray(at, at + essentialLength(bytes, at))).toString("utf8")).toBe(essential);
  });
});

describe("equalEssentialNames", () => {
  it.each([
    ["a", "a", true],
    ["a___x", "a", true],
    ["a", "a___x", true],
    ["a___x", "a___y", true],
    ["a___x___y", "a", false],
    ["a___x___y", "a___x___z", true],
    ["a", "b", false],
    ["a___x", "b___x", false],
    ["ab", "a", false],
    ["a", "ab", false],
    ["a____x", "a", false],
    ["", "", true],
    ["", "a", false],
  ])("%j and %j: %j", (a, b, expected) => {
    expect(equalEssentialNames(...embedded(a), ...embedded(b))).toBe(expected);
    expect(equalEssentialNames(...embedded(b), ...embedded(a))).toBe(expected);
  });
});

describe("equalStrings", () => {
  it.each([
    ["same", "same", true],
    ["same", "sam", false],
    ["sam", "same", false],
    ["same", "some", false],
    ["", "", true],
    ["a___x", "a___y", false],
  ])("%j and %j: %j", (a, b, expected) => {
    expect(equalStrings(...embedded(a), ...embedded(b))).toBe(expected);
  });

  it("reads a string that the end of the bytes ends", () => {
    expect(equalStrings(Buffer.from("abc"), 0, Buffer.from("abc\0"), 0)).toBe(true);
    expect(equalStrings(Buffer.from("abc"), 0, Buffer.from("abcd"), 0)).toBe(false);
  });
});

describe("equalBytes", () => {
  it.each([
    ["abcd", "abce", 3, true],
    ["abcd", "abce", 4, false],
    ["abcd", "xbcd", 0, true],
  ])("%j and %j over %i bytes: %j", (a, b, length, expected) => {
    expect(equalBytes(Buffer.from(a), 0, Buffer.from(b), 0, length)).toBe(expected);
  });
});

describe("stringAt", () => {
  const strings = Buffer.from("\0int\0grün\0", "utf8");
  it.each([
    [0, ""],
    [1, "int"],
    [2, "nt"],
    [4, ""],
    [5, "grün"],
    [strings.length, ""],
  ])("at %i: %j", (offset, expected) => {
    expect(stringAt(strings, offset)).toBe(expected);
  });

  it("ends where the bytes end, without a NUL", () => {
    expect(stringEnd(Buffer.from("ab"), 0)).toBe(2);
  });

  it("serves a type's name", () => {
    const btf = parseBtf(blob([int("u8", 1)]));
    expect([nameOf(btf, 0), nameOf(btf, 1)]).toEqual(["", "u8"]);
  });
});

describe("isLongName", () => {
  const yes =
    "long,long int,int long,unsigned long,long unsigned,unsigned long int,unsigned int long,long unsigned int," +
    "long int unsigned,int unsigned long,int long unsigned";
  const no = "long long,long long int,int,unsigned int,long_int,along,longer,,long unsigned int ,Long";
  it.each(yes.split(","))("takes %j", (name) => {
    expect(isLongName(...embedded(name))).toBe(true);
  });
  it.each(no.split(","))("leaves %j", (name) => {
    expect(isLongName(...embedded(name))).toBe(false);
  });
});
