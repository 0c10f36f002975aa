import { describe, expect, it } from "vitest";
import { HEADER_BYTES, INT_SIGNED, KIND_DECL_TAG, KIND_ENUM, KIND_PTR } from "../../lib/btf/format.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { hasErrors, type LintOptions, lintBtf } from "../../lib/btf/lint.ts";
import { formatFinding } from "../../lib/btf/lint-finding.ts";
import { LINT_RULES, type LintRule } from "../../lib/btf/lint-rules.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import {
  array,
  bitStruct,
  btf,
  constOf,
  datasec,
  declTag,
  enum64,
  enumOf,
  float,
  func,
  fwd,
  int,
  m,
  param,
  patch,
  place,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  typeTag,
  union,
  variable,
  volatileOf,
} from "./builder.ts";
import { info, NO_TYPE } from "./records.ts";
import { inOrder, LAYOUT_ORDERS } from "./section-order.ts";

const INT = int("int", 4);
const CHAR = int("char", 1);

/** A row of the table: types that break a rule, types next to them that do not. */
type Case = readonly [rule: LintRule, bad: readonly Row[], good: readonly Row[]];

const chainTo = (links: number): Row[] => [...Array.from({ length: links }, (_, i) => constOf(i + 2)), INT];
const nested = (levels: number): Row[] => [
  ...Array.from({ length: levels }, (_, i) => struct(`s${i}`, 4, [m("a", i + 2, 0)])),
  INT,
];
const longName = (bytes: number): Row => typedef("n".repeat(bytes), 1);

const CASES: readonly Case[] = [
  ["unknown-kind", [NO_TYPE], [INT]],
  ["unknown-kind", [INT, ["", info(20), 0]], [INT, ["", info(19), 4]]],
  ["truncated-record", [INT, ["s", info(4, 1), 4]], [INT, struct("s", 4, [m("a", 1, 0)])]],
  ["truncated-record", [INT, ["cut", info(KIND_PTR)]], [INT, ptr(1)]],
  ["vlen-forbidden", [INT, ["", info(KIND_PTR, 1), 1]], [INT, ["", info(KIND_PTR), 1]]],
  [
    "vlen-forbidden",
    [INT, variable("v", 1), patch(declTag("t", 2), 1, info(KIND_DECL_TAG, 1))],
    [INT, variable("v", 1), declTag("t", 2)],
  ],
  ["kind-flag-forbidden", [INT, ["", info(KIND_PTR, 0, 1), 1]], [INT, fwd("u", 1), typeTag("t", 1, 1)]],
  ["name-offset", [patch(INT, 0, 5)], [patch(INT, 0, 1), typedef("int", 1)]],
  ["name-offset", [INT, struct("s", 4, [patch(m("", 1, 0), 0, 99)])], [INT, struct("s", 4, [m("", 1, 0)])]],
  ["name-required", [INT, typedef("", 1)], [INT, typedef("t", 1)]],
  ["name-required", [INT, typeTag("", 1)], [INT, typeTag("a b", 1)]],
  ["name-required", [enumOf("e", 4, { "": 0 })], [enumOf("", 4, { A: 0 })]],
  ["name-required", [datasec("", 4)], [datasec(".data..x y", 4)]],
  ["name-forbidden", [INT, patch(ptr(1), 0, "p")], [INT, ptr(1)]],
  ["name-forbidden", [INT, patch(array(1, 1, 2), 0, "a")], [INT, array(1, 1, 2)]],
  ["name-forbidden", [patch(proto(0), 0, "f")], [proto(0)]],
  ["name-invalid", [INT, typedef("1st", 1)], [INT, typedef("_1.st", 1)]],
  ["name-invalid", [struct("a-b", 0)], [struct("a.b", 0), int("long unsigned int", 8)]],
  ["name-invalid", [INT, struct("s", 4, [m("a b", 1, 0)])], [INT, struct("s", 4, [m("a_b", 1, 0)])]],
  ["name-invalid", [enumOf("e", 4, { "A+": 0 })], [enumOf("e", 4, { A1: 0 })]],
  ["name-invalid", [INT, proto(0, [param("?", 1)])], [INT, proto(0, [param("", 1)])]],
  ["name-invalid", [INT, longName(513)], [INT, longName(512)]],
  ["name-invalid", [datasec("\t", 4)], [datasec("~", 4)]],
  ["type-id-range", [INT, ptr(3)], [INT, ptr(2 - 1)]],
  ["type-id-range", [INT, struct("s", 4, [m("a", 9, 0)])], [INT, struct("s", 4, [m("a", 1, 0)])]],
  ["int-data", [int("i", 4, 32, 8)], [int("i", 4, 32, 4)]],
  ["int-data", [int("i", 4, 32, 3)], [int("i", 4, 32, INT_SIGNED)]],
  ["int-data", [patch(int("i", 4), 3, 0x1000_0020)], [patch(int("i", 4), 3, 0x0100_0020)]],
  ["int-bits", [int("i", 4, 33)], [int("i", 4, 31)]],
  ["int-bits", [int("i", 1, 4, 0, 5)], [int("i", 1, 4, 0, 4)]],
  ["int-bits", [int("i", 32, 129)], [int("i", 16, 128)]],
  ["float-size", [float("f", 10)], [float("f", 12)]],
  ["enum-size", [enumOf("e", 3, {})], [enumOf("e", 1, {})]],
  ["enum-size", [enum64("e", 16, { A: 1n })], [enum64("e", 8, { A: -1n }, 1)]],
  ["array-size-word", [INT, patch(array(1, 1, 2), 2, 8)], [INT, array(1, 1, 2)]],
  ["fwd-type-word", [INT, patch(fwd("f"), 2, 1)], [INT, fwd("f")]],
  ["func-linkage", [proto(0), func("f", 1, 2)], [proto(0), func("f", 1, 1)]],
  ["var-linkage", [INT, variable("v", 1, 2)], [INT, variable("v", 1, 0)]],
  ["void-forbidden", [INT, struct("s", 4, [m("a", 0, 0)])], [INT, struct("s", 4, [m("a", 1, 0)])]],
  ["void-forbidden", [INT, array(0, 1, 2)], [INT, array(1, 1, 0)]],
  ["void-forbidden", [INT, variable("v", 0)], [INT, variable("v", 1)]],
  [
    "member-order",
    [INT, struct("s", 8, [m("a", 1, 32), m("b", 1, 0)])],
    [INT, struct("s", 8, [m("a", 1, 0), m("b", 1, 0)])],
  ],
  ["member-order", [INT, union("u", 8, [m("a", 1, 32)])], [INT, union("u", 8, [m("a", 1, 0)])]],
  [
    "member-offset",
    [INT, struct("s", 4, [m("a", 3, 33)]), array(1, 1, 0)],
    [INT, struct("s", 4, [m("a", 3, 32)]), array(1, 1, 0)],
  ],
  ["member-bounds", [INT, struct("s", 4, [m("a", 1, 8)])], [INT, struct("s", 5, [m("a", 1, 8)])]],
  ["member-bounds", [INT, ptr(0), struct("s", 8, [m("a", 2, 8)])], [INT, ptr(0), struct("s", 9, [m("a", 2, 8)])]],
  [
    "member-bounds",
    [INT, array(1, 1, 3), struct("s", 8, [m("a", 2, 0)])],
    [INT, array(1, 1, 2), struct("s", 8, [m("a", 2, 0)])],
  ],
  [
    "member-bounds",
    [enumOf("e", 1, {}), bitStruct("s", 1, [m("a", 1, 0)])],
    [enumOf("e", 1, {}), struct("s", 1, [m("a", 1, 0)])],
  ],
  [
    "member-bounds-hidden",
    [ptr(2), constOf(4), struct("s", 4, [m("a", 2, 0)]), array(5, 5, 4), INT],
    [ptr(2), constOf(4), struct("s", 4, [m("a", 2, 0)]), array(5, 5, 1), INT],
  ],
  ["member-alignment", [INT, ptr(0), struct("s", 16, [m("a", 2, 4)])], [INT, ptr(0), struct("s", 16, [m("a", 2, 24)])]],
  ["member-alignment", [INT, bitStruct("s", 8, [m("a", 1, 4)])], [INT, bitStruct("s", 8, [m("a", 1, 4, 32)])]],
  [
    "member-alignment",
    [float("f", 8), struct("s", 16, [m("a", 1, 32)])],
    [float("f", 8), struct("s", 16, [m("a", 1, 64)])],
  ],
  ["member-bitfield", [CHAR, bitStruct("s", 8, [m("a", 1, 0, 9)])], [CHAR, bitStruct("s", 8, [m("a", 1, 0, 8)])]],
  [
    "member-bitfield",
    [int("i", 4, 3), bitStruct("s", 8, [m("a", 1, 0)])],
    [int("i", 4, 3), struct("s", 8, [m("a", 1, 5)])],
  ],
  [
    "member-bitfield",
    [INT, ptr(0), bitStruct("s", 8, [m("a", 2, 0, 8)])],
    [INT, ptr(0), bitStruct("s", 8, [m("a", 2, 0)])],
  ],
  [
    "member-bitfield",
    [enumOf("e", 8, {}), bitStruct("s", 8, [m("a", 1, 0, 33)])],
    [enumOf("e", 8, {}), bitStruct("s", 8, [m("a", 1, 0, 32)])],
  ],
  ["member-type", [fwd("f"), struct("s", 8, [m("a", 1, 0)])], [fwd("f"), ptr(1), struct("s", 8, [m("a", 2, 0)])]],
  [
    "member-type",
    [fwd("f"), typedef("t", 1), struct("s", 8, [m("a", 2, 0)])],
    [struct("f", 8), typedef("t", 1), struct("s", 8, [m("a", 2, 0)])],
  ],
  ["member-type", [INT, variable("v", 1), struct("s", 8, [m("a", 2, 0)])], [INT, struct("s", 8, [m("a", 1, 0)])]],
  ["datasec-size", [datasec(".d", 0)], [datasec(".d", 1)]],
  [
    "datasec-order",
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 0, 5), place(2, 4, 4)])],
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 0, 4), place(2, 4, 4)])],
  ],
  [
    "datasec-order",
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 6, 4)])],
    [INT, variable("v", 1), datasec(".d", 10, [place(2, 6, 4)])],
  ],
  [
    "datasec-variable",
    [INT, datasec(".d", 8, [place(1, 0, 4)])],
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 0, 4)])],
  ],
  [
    "datasec-variable",
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 0, 3)])],
    [INT, variable("v", 1), datasec(".d", 8, [place(2, 0, 8)])],
  ],
  [
    "decl-tag-component",
    [struct("s", 4), declTag("t", 1, 0)],
    [INT, struct("s", 4, [m("a", 1, 0)]), declTag("t", 2, 0)],
  ],
  ["decl-tag-component", [INT, typedef("t", 1), declTag("t", 2, 0)], [INT, typedef("t", 1), declTag("t", 2)]],
  ["decl-tag-component", [struct("s", 4), declTag("t", 1, -2)], [struct("s", 4), declTag("t", 1, -1)]],
  ["decl-tag-target", [INT, declTag("t", 1)], [proto(0), func("f", 1), declTag("t", 2)]],
  ["type-loop", [typedef("t", 1)], [INT, typedef("t", 1)]],
  ["type-loop", [constOf(2), volatileOf(1)], [constOf(2), volatileOf(3), INT]],
  ["type-loop", [ptr(2), ptr(1)], [ptr(2), ptr(3), struct("s", 8, [m("a", 1, 0)])]],
  ["type-loop", [struct("s", 8, [m("a", 1, 0)])], [struct("s", 8, [m("a", 2, 0)]), ptr(1)]],
  ["type-loop", [INT, array(2, 1, 1)], [INT, array(3, 1, 1), array(1, 1, 1)]],
  ["type-loop", [INT, array(1, 2, 1)], [INT, array(1, 3, 1), typedef("index", 1)]],
  ["resolve-depth", nested(33), nested(32)],
  ["modifier-chain", [int("i", 4), ...manyPieces()], chainTo(32)],
  ["reference-kind", [INT, variable("v", 1), ptr(2)], [INT, variable("v", 1), ptr(1)]],
  ["reference-kind", [proto(0), ptr(3), func("f", 1)], [proto(0), func("f", 1), ptr(1)]],
  ["array-index", [ptr(0), INT, array(2, 1, 1)], [typedef("i", 2), INT, array(2, 1, 1)]],
  ["array-index", [int("i", 4, 7), INT, array(2, 1, 1)], [INT, INT, array(2, 1, 1)]],
  ["array-element", [INT, fwd("f"), array(2, 1, 1)], [INT, struct("f", 1), array(2, 1, 1)]],
  ["array-element", [INT, int("i", 4, 7), array(2, 1, 1)], [INT, int("i", 4, 8), array(2, 1, 1)]],
  ["array-element", [INT, constOf(0), array(2, 1, 1)], [INT, constOf(1), array(2, 1, 1)]],
  ["array-overflow", [INT, array(1, 1, 0x4000_0000)], [INT, array(1, 1, 0x3fff_ffff)]],
  ["var-type", [fwd("f"), variable("v", 1)], [struct("f", 1), variable("v", 1)]],
  ["var-type", [constOf(0), variable("v", 1)], [ptr(0), variable("v", 1)]],
  ["func-prototype", [INT, func("f", 1)], [proto(0), func("f", 1)]],
  [
    "func-param-name",
    [INT, proto(0, [param("", 1)]), func("f", 2)],
    [INT, proto(0, [param("a", 1), param("", 0)]), func("f", 2)],
  ],
  ["proto-return", [fwd("f"), proto(1)], [fwd("f"), ptr(1), proto(2)]],
  ["proto-return", [typedef("nothing", 0), proto(1)], [proto(0)]],
  ["proto-param", [INT, proto(0, [param("", 0), param("a", 1)])], [INT, proto(0, [param("a", 1), param("", 0)])]],
  ["proto-param", [INT, proto(0, [param("a", 0)])], [INT, proto(0, [param("", 0)])]],
  ["proto-param", [fwd("f"), proto(0, [param("a", 1)])], [struct("f", 1), proto(0, [param("a", 1)])]],
  ["type-tag-order", [INT, constOf(3), typeTag("user", 1)], [INT, typeTag("user", 3), constOf(1)]],
  [
    "type-tag-order",
    [INT, typedef("t", 3), typeTag("user", 1)],
    [INT, typeTag("user", 3), typeTag("rcu", 4), typedef("t", 1)],
  ],
  ["unreferenced-types", [INT, constOf(1)], [INT, constOf(1), typedef("t", 2)]],
];

/** A chain of 33 links that is settled in two pieces: the walk is never deep, the chain is too long. */
function manyPieces(): Row[] {
  const first = 3;
  const links = Array.from({ length: 33 }, (_, i) => (i === 32 ? constOf(1) : constOf(first + i + 1)));
  return [struct("s", 8, [m("late", first + 16, 0), m("early", first, 32)]), ...links];
}

const rulesOf = (bytes: Uint8Array, options: LintOptions = {}): LintRule[] =>
  lintBtf(bytes, options).map(({ rule }) => rule);

describe("rules about types", () => {
  it.each(CASES)("%s", (rule, bad, good) => {
    expect(rulesOf(btf(bad))).toContain(rule);
    expect(rulesOf(btf(good))).not.toContain(rule);
    expect(lintBtf(btf(good)).filter(({ severity }) => severity === "error")).toEqual([]);
    // The other byte order is checked alike.
    expect(rulesOf(btf(bad, { littleEndian: false }))).toEqual(rulesOf(btf(bad)));
  });
});

/** A right blob of one INT with a header field changed: byte offset in the header, new value. */
function withHeader(...changes: readonly (readonly [at: number, value: number])[]): Uint8Array {
  const bytes = btf([INT]);
  const view = new DataView(bytes.buffer);
  for (const [at, value] of changes) view.setUint32(at, value, true);
  return bytes;
}

const TYPES = 16;
const STRINGS = 5;
const grown = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, 0]);
const header32 = (...extra: readonly number[]): Uint8Array => {
  const bytes = btf([INT]);
  const long = Uint8Array.from([...bytes.subarray(0, HEADER_BYTES), ...extra, ...bytes.subarray(HEADER_BYTES)]);
  new DataView(long.buffer).setUint32(4, HEADER_BYTES + extra.length, true);
  return long;
};

const FILES: readonly (readonly [rule: LintRule, bytes: () => Uint8Array])[] = [
  ["header-magic", () => Uint8Array.from(btf([INT]), (byte, i) => (i === 0 ? 0 : byte))],
  ["header-version", () => withHeader([0, 0x0002_eb9f])],
  ["header-flags", () => withHeader([0, 0x0101_eb9f])],
  ["header-length", () => btf([INT]).subarray(0, 23)],
  ["header-length", () => withHeader([4, 23])],
  ["header-length", () => withHeader([4, 1000])],
  ["header-unknown-fields", () => header32(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)],
  ["header-layout", () => btf([INT], { layout: layoutOfKnownKinds() })],
  ["section-bounds", () => withHeader([20, STRINGS + 1])],
  ["section-gap", () => withHeader([16, TYPES + 1], [20, STRINGS - 1])],
  ["section-gap", () => grown(btf([INT]))],
  ["section-overlap", () => withHeader([12, TYPES + 1])],
  ["section-order", () => inOrder(24, "strings", "types")],
  ["section-order", () => inOrder(28, "strings", "types")],
  ["section-sequence", () => inOrder(32, "strings", "types")],
  ["section-sequence", () => inOrder(32, "layout", "types", "strings")],
  ["section-alignment", () => withHeader([8, STRINGS], [16, 0])],
  ["no-types", () => btf([])],
  ["layout-section", () => btf([INT], { layout: new Uint8Array(6) })],
  ["layout-section", () => btf([INT], { layout: Uint8Array.from({ length: 84 }, (_, i) => (i === 80 ? 2 : 0)) })],
  ["string-section", () => btf([patch(INT, 0, 0)], { strings: new Uint8Array(0) })],
  ["string-section", () => btf([patch(INT, 0, 0)], { strings: Uint8Array.of(0, 65) })],
  ["string-section", () => btf([patch(INT, 0, 0)], { strings: Uint8Array.of(65, 0) })],
  ["file-size", () => btf([patch(INT, 0, 0)], { strings: new Uint8Array(16 << 20) })],
  [
    "wide-vlen",
    () => btf([["e", info(KIND_ENUM, 0x1_0000), 4, ...Array.from({ length: 0x1_0000 }, () => ["A", 0]).flat()]]),
  ],
  ["unused-strings", () => btf([patch(INT, 0, 1)], { strings: Buffer.from("\0int\0unused\0") })],
  ["duplicate-strings", () => btf([patch(INT, 0, 1), patch(CHAR, 0, 5)], { strings: Buffer.from("\0int\0int\0") })],
  ["findings-cut", () => btf(Array.from({ length: 2000 }, () => typedef("", 0)))],
];

describe("rules about the file", () => {
  it("takes right ones without a word", () => {
    expect(lintBtf(btf([INT]))).toEqual([]);
    expect(lintBtf(header32(0, 0, 0, 0))).toEqual([]);
    expect(lintBtf(header32(...new Uint8Array(16)))).toEqual([]);
    expect(hasErrors(lintBtf(btf([INT], { layout: layoutOfKnownKinds() })))).toBe(false);
  });

  it.each(FILES)("%s", (rule, bytes) => {
    expect(rulesOf(bytes())).toContain(rule);
  });

  it("has a row that breaks each rule", () => {
    // "too-many-types" has a test of its own below.
    const broken = new Set<string>(["too-many-types", ...CASES.map(([rule]) => rule), ...FILES.map(([rule]) => rule)]);
    expect(Object.keys(LINT_RULES).filter((rule) => !broken.has(rule))).toEqual([]);
  });

  it("wants the strings last of short headers alone", () => {
    const found = (bytes: Uint8Array) => lintBtf(bytes).map(({ rule, severity }) => [rule, severity]);
    const [short, layout, long] = [
      ["section-order", "error"],
      ["header-layout", "warning"],
      ["section-sequence", "warning"],
    ];
    for (const length of [24, 28, 32]) expect(found(inOrder(length, "types", "strings"))).toEqual([]);
    for (const length of [24, 28]) expect(found(inOrder(length, "strings", "types"))).toEqual([short]);
    expect(found(inOrder(32, "strings", "types"))).toEqual([long]);
    expect(found(inOrder(32, "types", "layout", "strings"))).toEqual([layout]);
    for (const order of LAYOUT_ORDERS) expect(found(inOrder(32, ...order))).toEqual([layout, long]);
    expect(lintBtf(inOrder(32, "strings", "types"))).toMatchObject([
      {
        message: "strings, types, an order that libbpf and kernels before 7.1 refuse",
        refusedBefore: "7.1",
      },
    ]);
  });

  it("says what only newer kernels take", () => {
    expect(lintBtf(btf([INT], { layout: layoutOfKnownKinds() }))).toMatchObject([
      { rule: "header-layout", severity: "warning", refusedBefore: "7.1" },
    ]);
  });

  it("does not count strings as unused when a .BTF.ext may name them", () => {
    const bytes = btf([patch(INT, 0, 1)], { strings: Buffer.from("\0int\0a.c:1\0") });
    expect(rulesOf(bytes)).toEqual(["unused-strings"]);
    expect(rulesOf(bytes, { hasExt: true })).toEqual([]);
  });
});

describe("a finding", () => {
  it("says what is where, and all that is wrong at once", () => {
    const bytes = btf([
      INT,
      struct("task", 4, [m("a", 1, 0), m("x", 1, 8)]),
      typedef("bad\nname", 1),
      struct("", 4, [m("", 4, 0)]),
    ]);
    const findings = lintBtf(bytes);
    expect(findings.map(formatFinding)).toEqual([
      "TYPEDEF [3] bad\\u{a}name: the name is no identifier",
      "STRUCT [2] task: member 1 'x' ends at bit 40, behind the struct's 32",
      "STRUCT [4] (anon): leads back to itself directly",
    ]);
    expect(findings[1]).toEqual({
      rule: "member-bounds",
      severity: "error",
      kind: "STRUCT",
      typeId: 2,
      name: "task",
      memberIndex: 1,
      offset: 16,
      message: "member 1 'x' ends at bit 40, behind the struct's 32",
    });
    expect(formatFinding(lintBtf(new Uint8Array(3))[0] as never)).toBe(
      "HEADER: 3 bytes, but a header takes at least 24",
    );
  });

  it("stands for itself: what rests on a broken type is not reported again", () => {
    const types = [
      typedef("loop", 1),
      constOf(1),
      struct("s", 4, [m("a", 2, 0)]),
      proto(1),
      variable("v", 2),
      func("f", 4),
    ];
    expect(rulesOf(btf(types))).toEqual(["type-loop"]);
  });
});

describe("split BTF", () => {
  const base = parseBtf(btf([INT, struct("s", 4, [m("a", 1, 0)]), constOf(2), array(1, 1, 4)]));

  it("continues its base's ids, names and sizes", () => {
    const good = [struct("t", 20, [m("c", 3, 0), m("d", 4, 32)]), ptr(5), typedef("p", 6)];
    expect(lintBtf(btf(good, { base }), { base })).toEqual([]);
    const bad = [struct("t", 19, [m("c", 3, 0), m("d", 4, 32)]), ptr(8)];
    const findings = lintBtf(btf(bad, { base }), { base });
    expect(findings.map(formatFinding)).toEqual([
      "PTR [6] (anon): refers to type id 8, but the last one is 6",
      "STRUCT [5] t: member 1 'd' ends at bit 160, behind the struct's 152",
      "PTR [6] (anon): has no name and nothing refers to it",
    ]);
    expect(findings[1]?.offset).toBe(0);
  });

  it("counts its base's types towards the most that there may be", () => {
    const offsets = new Uint32Array(0x0f_ffff + 1);
    const full = { ...base, offsets, segments: base.segments.map((segment) => ({ ...segment, endId: 0x0f_ffff })) };
    const one = btf([float("f", 4)], { base });
    const two = btf([float("f", 4), float("g", 4)], { base });
    expect(rulesOf(one, { base: full })).toEqual([]);
    expect(rulesOf(two, { base: full })).toEqual(["too-many-types"]);
  });

  it("may be empty, and needs its base", () => {
    expect(lintBtf(btf([], { base }), { base })).toEqual([]);
    expect(rulesOf(btf([typedef("p", 1)], { base }))).toContain("string-section");
  });
});
