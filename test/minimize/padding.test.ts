import { expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type MinimizeOptions, minimize } from "../../lib/minimize/minimize.ts";
import { array, bitStruct, btf, enumOf, fwd, int, m, proto, ptr, type Row, struct, union } from "../btf/builder.ts";
import { outline } from "./outline.ts";

function padded(rows: readonly Row[], keep: readonly string[], options: MinimizeOptions = {}): string[] {
  const { blobs, keepProblems } = minimize(parseBtf(btf(rows)), [], { ...options, keep, padding: "explicit" });
  expect(keepProblems).toEqual([]);
  expect(lintBtf(blobs[0].bytes, { source: "small" }).filter(({ severity }) => severity === "error")).toEqual([]);
  return outline(parseBtf(blobs[0].bytes));
}

const BYTE = int("unsigned char", 1);
const INT = int("int", 4);
const LONG = int("long", 8);

const cases: [name: string, rows: Row[], keep: string[], lines: string[]][] = [
  [
    "gaps before a member and behind the last",
    [BYTE, INT, struct("s", 16, [m("a", 2, 0), m("b", 2, 32), m("c", 2, 64)])],
    ["s.b"],
    ["struct s 16 {__btfgen_pad0@0 array, b@32 int int, __btfgen_pad1@64 array}"],
  ],
  [
    "a gap of one byte, which needs no array",
    [BYTE, struct("s", 2, [m("a", 1, 0), m("b", 1, 8)])],
    ["s.a"],
    ["struct s 2 {a@0 int unsigned char, __btfgen_pad0@8 int unsigned char}"],
  ],
  [
    "nothing where everything is kept",
    [BYTE, INT, struct("s", 8, [m("a", 2, 0), m("b", 2, 32)])],
    ["s.*"],
    ["struct s 8 {a@0 int int, b@32 int int}"],
  ],
  [
    "types without members",
    [BYTE, struct("s", 64), union("u", 4)],
    ["s", "u"],
    ["struct s 64 {__btfgen_pad0@0 array}", "union u 4 {__btfgen_pad0@0 array}"],
  ],
  ["a type of no size", [BYTE, struct("s", 0)], ["s"], ["struct s 0 {}"]],
  [
    "bits up to a byte, bytes, bits again",
    [BYTE, INT, bitStruct("s", 8, [m("a", 2, 0, 3), m("b", 2, 3, 4), m("c", 2, 30, 2), m("d", 2, 32)])],
    ["s.a", "s.c"],
    [
      "struct s 8 {a@0:3 int int, __btfgen_pad0@3:5 int unsigned char, __btfgen_pad1@8 array, " +
        "__btfgen_pad2@24:6 int unsigned char, c@30:2 int int, __btfgen_pad3@32 array}",
    ],
  ],
  [
    "a union, in front of its members",
    [BYTE, INT, array(1, 1, 40), union("u", 40, [m("a", 2, 0), m("b", 3, 0)])],
    ["u.a"],
    ["union u 40 {__btfgen_pad0@0 array, a@0 int int}"],
  ],
  [
    "a union whose largest member is kept",
    [BYTE, LONG, union("u", 8, [m("a", 1, 0), m("b", 2, 0)])],
    ["u.b"],
    ["union u 8 {b@0 int long}"],
  ],
  [
    "members at odd offsets of a packed struct",
    [BYTE, INT, struct("s", 7, [m("a", 1, 0), m("b", 2, 8), m("c", 1, 40), m("d", 1, 48)])],
    ["s.b"],
    ["struct s 7 {__btfgen_pad0@0 int unsigned char, b@8 int int, __btfgen_pad1@40 array}"],
  ],
  [
    "arrays of structs, by the size of their elements",
    [BYTE, struct("e", 12, [m("x", 1, 0)]), array(2, 1, 3), struct("s", 40, [m("e", 3, 0), m("y", 1, 288)])],
    ["s.e.x"],
    ["struct 12 {x@0 int unsigned char, __btfgen_pad0@8 array}", "struct s 40 {e@0 array, __btfgen_pad0@288 array}"],
  ],
  [
    "nothing behind a flexible array",
    [BYTE, LONG, array(1, 1, 0), struct("s", 16, [m("a", 2, 0), m("b", 1, 64), m("data", 3, 72)])],
    ["s.data"],
    ["struct s 16 {__btfgen_pad0@0 array, data@72 array}"],
  ],
  [
    "anonymous members, whose names are the outer's",
    [
      BYTE,
      INT,
      struct("", 8, [m("a", 2, 32)]),
      struct("", 8, [m("b", 2, 32)]),
      union("", 8, [m("", 3, 0), m("", 4, 0)]),
      struct("s", 16, [m("", 5, 64)]),
    ],
    ["s.a", "s.b"],
    [
      "struct 8 {__btfgen_pad1@0 array, a@32 int int}",
      "struct 8 {__btfgen_pad2@0 array, b@32 int int}",
      "struct s 16 {__btfgen_pad0@0 array, @64 union}",
      "union 8 {@0 struct, @0 struct}",
    ],
  ],
  [
    "one anonymous type in two places",
    [BYTE, INT, struct("", 8, [m("a", 2, 32)]), struct("s", 8, [m("", 3, 0)]), struct("t", 16, [m("", 3, 64)])],
    ["s.a", "t.a"],
    [
      "struct 8 {__btfgen_pad0@0 array, a@32 int int}",
      "struct 8 {__btfgen_pad1@0 array, a@32 int int}",
      "struct s 8 {@0 struct}",
      "struct t 16 {__btfgen_pad0@0 array, @64 struct}",
    ],
  ],
  [
    "around names that are there",
    [BYTE, INT, struct("s", 12, [m("__btfgen_pad0", 2, 32), m("b", 2, 64)])],
    ["s.__btfgen_pad0"],
    ["struct s 12 {__btfgen_pad1@0 array, __btfgen_pad0@32 int int, __btfgen_pad2@64 array}"],
  ],
  [
    "an enum, which has an enumerator in C",
    [BYTE, enumOf("e", 4, { A: 0, B: 1 }), struct("s", 4, [m("e", 2, 0)])],
    ["s.e"],
    ["enum e {A}", "struct s 4 {e@0 enum e}"],
  ],
  [
    "a pointer back to its own struct, which needs a name",
    [BYTE, ptr(3), struct("list", 16, [m("next", 2, 0)]), struct("s", 16, [m("l", 3, 0)])],
    ["s.l.next.next"],
    ["struct list 16 {next@0 struct list *, __btfgen_pad0@64 array}", "struct s 16 {l@0 struct list}"],
  ],
];

it.each(cases)("pads %s", (_, rows, keep, lines) => {
  const shown = padded(rows, keep).map((line) => line.replace(/ (int|struct|union) ?[\w ]*\[\d+\]/g, " array"));
  expect(shown).toEqual(lines);
});

it("names padding after a named struct that is an anonymous member, which any number may share", () => {
  const rows = [BYTE, INT, struct("inner", 8, [m("a", 2, 32)]), struct("s", 16, [m("", 3, 64)])];
  expect(padded(rows, ["s.a", "inner"])).toEqual([
    "struct inner 8 {__btfgen_pad_inner_0@0 int unsigned char[4], a@32 int int}",
    "struct s 16 {__btfgen_pad0@0 int unsigned char[8], @64 struct inner}",
  ]);
});

it("makes its own byte where the target has none", () => {
  expect(padded([INT, struct("s", 8, [m("a", 1, 0)])], ["s.a"])).toEqual([
    "struct s 8 {a@0 int int, __btfgen_pad0@32 int unsigned char[4]}",
  ]);
});

it("leaves offsets to speak for themselves by default", () => {
  const rows = [BYTE, INT, struct("s", 16, [m("b", 2, 32)]), fwd("f"), proto(0)];
  const { blobs } = minimize(parseBtf(btf(rows)), [], { keep: ["s.b"] });
  expect(outline(parseBtf(blobs[0].bytes))).toEqual(["struct s 16 {b@32 int}"]);
});

it("does not lose itself in a struct that contains itself", () => {
  const rows = [BYTE, struct("", 8, [m("", 2, 0), m("", 2, 0)]), struct("s", 8, [m("", 2, 0), m("a", 1, 0)])];
  const { blobs } = minimize(parseBtf(btf(rows)), [], { keep: ["s.*"], padding: "explicit" });
  expect(blobs[0].bytes.length).toBeLessThan(1_000_000);
});
