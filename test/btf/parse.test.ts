import { describe, expect, it } from "vitest";
import * as format from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindFlagOf, kindName, kindOf, segmentOf, sizeOf, targetOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { blob, formatErrorOf, info, int, NO_TYPE, type Row } from "./records.ts";

const {
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_TYPE_TAG,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
} = format;

const INT = int("int", 4, format.INT_SIGNED);
/** One row of every kind, most of them about type 1, an int; both kind_flag forms where a kind has two. */
const EVERY_KIND: readonly (readonly [kind: number, kindFlag: number, vlen: number, row: Row])[] = [
  [KIND_INT, 0, 0, int("char", 1, format.INT_CHAR)],
  [KIND_PTR, 0, 0, ["", info(KIND_PTR), 0]],
  [KIND_ARRAY, 0, 0, ["", info(KIND_ARRAY), 0, 1, 1, 7]],
  [KIND_STRUCT, 0, 2, ["s", info(KIND_STRUCT, 2), 8, "a", 1, 0, "b", 1, 32]],
  [KIND_STRUCT, 1, 2, ["f", info(KIND_STRUCT, 2, 1), 4, "a", 1, 3 << 24, "b", 1, (5 << 24) | 3]],
  [KIND_UNION, 0, 1, ["u", info(KIND_UNION, 1), 4, "a", 1, 0]],
  [KIND_UNION, 1, 1, ["v", info(KIND_UNION, 1, 1), 4, "a", 1, 7 << 24]],
  [KIND_ENUM, 0, 2, ["e", info(KIND_ENUM, 2), 4, "A", 0, "B", 0xffffffff]],
  [KIND_ENUM, 1, 1, ["se", info(KIND_ENUM, 1, 1), 4, "C", 0xffffffff]],
  [KIND_FWD, 0, 0, ["fs", info(KIND_FWD), 0]],
  [KIND_FWD, 1, 0, ["fu", info(KIND_FWD, 0, 1), 0]],
  [KIND_TYPEDEF, 0, 0, ["t", info(KIND_TYPEDEF), 1]],
  [KIND_VOLATILE, 0, 0, ["", info(KIND_VOLATILE), 1]],
  [KIND_CONST, 0, 0, ["", info(KIND_CONST), 1]],
  [KIND_RESTRICT, 0, 0, ["", info(KIND_RESTRICT), 1]],
  [KIND_FUNC_PROTO, 0, 2, ["", info(KIND_FUNC_PROTO, 2), 1, "p", 1, "", 0]],
  [KIND_FUNC, 0, 1, ["fn", info(KIND_FUNC, 1), 17]],
  [KIND_VAR, 0, 0, ["var", info(KIND_VAR), 1, 1]],
  [KIND_DATASEC, 0, 1, [".data", info(KIND_DATASEC, 1), 4, 19, 0, 4]],
  [KIND_FLOAT, 0, 0, ["double", info(KIND_FLOAT), 8]],
  [KIND_DECL_TAG, 0, 0, ["tag", info(KIND_DECL_TAG), 5, 0xffffffff]],
  [KIND_DECL_TAG, 1, 0, ["attr", info(KIND_DECL_TAG, 0, 1), 5, 1]],
  [KIND_TYPE_TAG, 0, 0, ["user", info(KIND_TYPE_TAG), 1]],
  [KIND_TYPE_TAG, 1, 0, ["attr", info(KIND_TYPE_TAG, 0, 1), 1]],
  [KIND_ENUM64, 0, 1, ["e64", info(KIND_ENUM64, 1), 8, "D", 1, 2]],
  [KIND_ENUM64, 1, 1, ["se64", info(KIND_ENUM64, 1, 1), 8, "E", 0xffffffff, 0xffffffff]],
];
const ALL_ROWS = [INT, ...EVERY_KIND.map(([, , , row]) => row)];

describe.each([
  ["little-endian", true],
  ["big-endian", false],
])("parseBtf, %s", (_, littleEndian) => {
  const btf = parseBtf(blob(ALL_ROWS, { littleEndian }));

  it("finds every type", () => {
    expect(typeCount(btf)).toBe(ALL_ROWS.length + 1);
    expect(new Set(EVERY_KIND.map(([kind]) => kind)).size).toBe(format.KIND_MAX);
  });

  it.each(
    EVERY_KIND.map(([kind, kindFlag, vlen, row], i) => ({
      name: kindName(kind),
      kind,
      kindFlag,
      vlen,
      row,
      id: i + 2,
    })),
  )("reads $name with kind_flag $kindFlag", ({ id, kind, kindFlag, vlen, row }) => {
    expect(kindOf(btf, id)).toBe(kind);
    expect(kindFlagOf(btf, id)).toBe(kindFlag);
    expect(vlenOf(btf, id)).toBe(vlen);
    expect(nameOf(btf, id)).toBe(row[0]);
    expect(sizeOf(btf, id)).toBe(row[2]);
    expect(targetOf(btf, id)).toBe(row[2]);
    const from = btf.offsets[id] as number;
    expect((btf.offsets[id + 1] as number) - from).toBe(row.length);
    const numbers = row.map((word, i) => (typeof word === "number" ? word >>> 0 : (btf.words[from + i] as number)));
    expect([...btf.words.subarray(from, from + row.length)]).toEqual(numbers);
  });
});

describe("parseBtf", () => {
  it("has void at id 0", () => {
    const btf = parseBtf(blob([INT]));
    expect([kindOf(btf, 0), vlenOf(btf, 0), nameOf(btf, 0)]).toEqual([0, 0, ""]);
  });

  it("reads a BTF without types", () => {
    const btf = parseBtf(blob([]));
    expect(typeCount(btf)).toBe(1);
    expect(btf.pointerSize).toBe(0);
  });

  it("reads a vlen of more than 16 bits", () => {
    const vlen = 70_000;
    const btf = parseBtf(blob([["e", info(KIND_ENUM, vlen), 4, ...new Array<number>(vlen * 2).fill(0)]]));
    expect(vlenOf(btf, 1)).toBe(vlen);
  });

  it.each([
    ["long", 8, 8],
    ["long unsigned int", 4, 4],
    ["unsigned long", 8, 8],
    ["long int", 2, 0],
    ["long long", 8, 0],
    ["longer", 8, 0],
    ["int", 4, 0],
    [`long${" ".repeat(50)}`, 8, 0],
  ])("reads the pointer size off %j of %i bytes: %i", (name, size, expected) => {
    expect(parseBtf(blob([INT, int(name, size)])).pointerSize).toBe(expected);
    expect(parseBtf(blob([INT, int(name, size)]), { pointerSize: 8 }).pointerSize).toBe(8);
  });

  it("takes the first long", () => {
    expect(parseBtf(blob([int("long", 4), int("unsigned long", 8)])).pointerSize).toBe(4);
  });

  it("takes bounded time where a hundred thousand INTs have one name of a megabyte", () => {
    const count = 100_000;
    const strings = new Uint8Array(1_000_002).fill(0x6c);
    strings[0] = strings[strings.length - 1] = 0;
    const bytes = blob(new Array<Row>(count).fill([1, info(KIND_INT), 8, 64]), { strings });
    const start = cpuMilliseconds();
    expect(parseBtf(bytes).pointerSize).toBe(0);
    expect(cpuMilliseconds() - start).toBeLessThan(5000);
  });

  const END = ALL_ROWS.length + 1;
  /** A reference to a type that is not there, in every place that holds one; `word` is its index in the record. */
  it.each<[string, Row, number]>([
    ["PTR", ["", info(KIND_PTR), END + 1], 2],
    ["an array's element", ["", info(KIND_ARRAY), 0, END + 1, 1, 7], 3],
    ["an array's index", ["", info(KIND_ARRAY), 0, 1, END + 1, 7], 4],
    ["a member", ["s", info(KIND_STRUCT, 2), 8, "a", 1, 0, "b", END + 1, 32], 7],
    ["a union's member", ["s", info(KIND_UNION, 1), 8, "a", END + 1, 0], 4],
    ["TYPEDEF", ["t", info(KIND_TYPEDEF), END + 1], 2],
    ["VOLATILE", ["", info(KIND_VOLATILE), END + 1], 2],
    ["CONST", ["", info(KIND_CONST), END + 1], 2],
    ["RESTRICT", ["", info(KIND_RESTRICT), END + 1], 2],
    ["FUNC", ["f", info(KIND_FUNC), END + 1], 2],
    ["a return type", ["", info(KIND_FUNC_PROTO), END + 1], 2],
    ["a parameter", ["", info(KIND_FUNC_PROTO, 1), 0, "p", END + 1], 4],
    ["VAR", ["v", info(KIND_VAR), END + 1, 0], 2],
    ["a DATASEC's entry", [".bss", info(KIND_DATASEC, 1), 4, END + 1, 0, 4], 3],
    ["DECL_TAG", ["t", info(KIND_DECL_TAG), END + 1, 0], 2],
    ["TYPE_TAG", ["t", info(KIND_TYPE_TAG), END + 1], 2],
    ["a huge id", ["", info(KIND_PTR), 0x80000000], 2],
  ])("refuses a type id out of range: %s", (_, row, word) => {
    const bytes = blob([...ALL_ROWS, row]);
    const error = formatErrorOf(() => parseBtf(bytes, { source: "f" }));
    const before = ALL_ROWS.reduce((words, { length }) => words + length, 0);
    expect(error).toMatchObject({
      code: "bad-type-id",
      section: "BTF types",
      typeId: END,
      offset: (before + word) * 4,
    });
    expect(error.message).toContain(`but the last one is ${END}`);
  });

  const STRINGS = Buffer.from("\0a\0", "latin1");
  it.each<[string, Row, number]>([
    ["a type's", [3, info(KIND_STRUCT), 0], 0],
    ["a member's", [1, info(KIND_STRUCT, 2), 8, 1, 1, 0, 3, 1, 0], 6],
    ["an enumerator's", [1, info(KIND_ENUM, 1), 4, 3, 0], 3],
    ["a 64-bit enumerator's", [1, info(KIND_ENUM64, 2), 4, 1, 9, 9, 3, 0, 0], 6],
    ["a parameter's", [0, info(KIND_FUNC_PROTO, 1), 0, 3, 0], 3],
    ["a huge offset as", [0xffffffff, info(KIND_STRUCT), 0], 0],
  ])("refuses %s name out of range", (_, row, word) => {
    const bytes = blob([[0, info(KIND_PTR), 0], row], { strings: STRINGS });
    const error = formatErrorOf(() => parseBtf(bytes));
    expect(error).toMatchObject({ code: "bad-name-offset", typeId: 2, offset: (3 + word) * 4, section: "BTF types" });
    expect(error.message).toContain("the strings end at 3");
  });

  it.each<[string, Row[], string, number, number]>([
    ["kind 0", [INT, NO_TYPE], "unknown-kind", 2, 16],
    ["a kind to come, without a layout", [INT, ["", info(20), 0]], "unknown-kind", 2, 16],
    ["the highest kind, without a layout", [INT, ["", info(127), 0]], "unknown-kind", 2, 16],
    ["half a record", [INT, [0, info(KIND_PTR)]], "truncated", 2, 16],
    ["an INT without its data", [["", info(KIND_INT), 4]], "truncated", 1, 0],
    ["a member cut off", [INT, ["", info(KIND_STRUCT, 2), 4, 0, 1, 0, 0, 1]], "truncated", 2, 16],
    ["more members than bytes", [INT, ["", info(KIND_STRUCT, 0xffffff), 4, 0, 1, 0]], "truncated", 2, 16],
  ])("refuses %s", (_, rows, code, typeId, offset) => {
    expect(formatErrorOf(() => parseBtf(blob(rows)))).toMatchObject({ code, typeId, offset, section: "BTF types" });
  });

  it("names the first fault when there are two", () => {
    const rows: Row[] = [INT, ["", info(KIND_PTR), 9], NO_TYPE];
    expect(formatErrorOf(() => parseBtf(blob(rows)))).toMatchObject({ code: "bad-type-id", typeId: 2 });
  });

  it.each([
    ["none at all", "", "missing-base"],
    ["no NUL at the end", "\0int", "bad-section"],
    ["no empty string at the start", "int\0", "missing-base"],
  ])("refuses strings with %s", (_, text, code) => {
    const bytes = blob([["", info(KIND_PTR), 0].map(() => 0)].slice(1), { strings: Buffer.from(text, "latin1") });
    expect(formatErrorOf(() => parseBtf(bytes))).toMatchObject({ code, section: "BTF strings" });
  });
});

describe("unknown kinds with a layout section", () => {
  const NEW_KIND = 20;
  function layoutWith(kind: number, infoBytes: number, elementBytes: number): Uint8Array {
    const layout = new Uint8Array((kind + 1) * 4);
    layout[kind * 4] = infoBytes;
    layout[kind * 4 + 1] = elementBytes;
    return layout;
  }

  it("are skipped by the sizes it gives", () => {
    const rows: Row[] = [INT, ["new", info(NEW_KIND, 2), 999_999, 7, 1, 2, 3, 4], ["p", info(KIND_PTR), 2]];
    const btf = parseBtf(blob(rows, { layout: layoutWith(NEW_KIND, 4, 8) }));
    expect([1, 2, 3].map((id) => kindOf(btf, id))).toEqual([KIND_INT, NEW_KIND, KIND_PTR]);
    expect(kindName(kindOf(btf, 2))).toBe("KIND20");
    expect(nameOf(btf, 2)).toBe("new");
    expect(targetOf(btf, 3)).toBe(2);
  });

  it("still have their names checked", () => {
    const bytes = blob([[99, info(NEW_KIND), 0]], { layout: layoutWith(NEW_KIND, 0, 0), strings: new Uint8Array(1) });
    expect(formatErrorOf(() => parseBtf(bytes))).toMatchObject({ code: "bad-name-offset", typeId: 1, offset: 0 });
  });

  it("are refused when the layout ends before them", () => {
    const bytes = blob([["", info(NEW_KIND + 1), 0]], { layout: layoutWith(NEW_KIND, 4, 8) });
    expect(formatErrorOf(() => parseBtf(bytes))).toMatchObject({ code: "unknown-kind", typeId: 1 });
  });

  it("do not change the sizes of known kinds", () => {
    const btf = parseBtf(blob([INT, ["", info(KIND_PTR), 1]], { layout: layoutWith(KIND_INT, 12, 0) }));
    expect(kindOf(btf, 2)).toBe(KIND_PTR);
  });

  it("must have sizes in whole words", () => {
    const bytes = blob([INT], { layout: layoutWith(NEW_KIND, 6, 0) });
    const place = { code: "bad-layout", section: "BTF layout", offset: NEW_KIND * 4 };
    expect(formatErrorOf(() => parseBtf(bytes))).toMatchObject(place);
  });
});

describe("parseModules", () => {
  const base = parseBtf(blob([INT, ["task", info(KIND_STRUCT, 1), 4, "pid", 1, 0]]), { source: "vmlinux" });
  const [ID, TASK] = [1, 2];
  /** Both modules number their own types from 3 on. */
  const first = blob(
    [
      ["", info(KIND_PTR), TASK],
      ["own", info(KIND_STRUCT, 1), 8, "task", 3, 0],
    ],
    { base },
  );
  const second = blob(
    [
      ["", info(KIND_PTR), 4],
      ["other", info(KIND_STRUCT, 1), 4, "pid", ID, 0],
    ],
    { base },
  );

  it("reads one behind its base", () => {
    const btf = parseModules(base, [{ bytes: first, source: "mod" }]);
    expect(typeCount(btf)).toBe(5);
    expect([nameOf(btf, 2), nameOf(btf, 4)]).toEqual(["task", "own"]);
    expect(targetOf(btf, 3)).toBe(TASK);
    expect(btf.segments[1]).toMatchObject({ source: "mod", startId: 3, endId: 5, idShift: 0, stringShift: 0 });
    expect(btf.source).toBe("vmlinux");
  });

  it("gives several modules ids of their own and moves their references", () => {
    const btf = parseModules(base, [
      { bytes: first, source: "mod" },
      { bytes: second, source: "other" },
    ]);
    expect(typeCount(btf)).toBe(7);
    expect(btf.segments[2]).toMatchObject({ startId: 5, endId: 7, idShift: 2 });
    expect([3, 4, 5, 6].map((id) => nameOf(btf, id))).toEqual(["", "own", "", "other"]);
    expect([targetOf(btf, 3), targetOf(btf, 5)]).toEqual([TASK, 6]);
    expect([0, 1, 2, 3, 4, 5, 6].map((id) => segmentOf(btf, id))).toEqual([0, 0, 0, 1, 1, 2, 2]);
    const [member] = [btf.offsets[6] as number].map((at) => btf.words.subarray(at + 3, at + 6));
    expect(member?.[1]).toBe(ID);
  });

  it("leaves the base as it was", () => {
    parseModules(base, [{ bytes: first, source: "mod" }]);
    expect(typeCount(base)).toBe(3);
    expect(base.segments).toHaveLength(1);
  });

  it("takes a module without strings or types of its own", () => {
    const empty = blob([], { base });
    const btf = parseModules(base, [
      { bytes: empty, source: "empty" },
      { bytes: first, source: "mod" },
    ]);
    expect([nameOf(btf, 4), btf.segments[1]?.endId]).toEqual(["own", 3]);
  });

  it("refuses ids beyond the module's own, also those of another module, in the file's numbering", () => {
    const bad = blob([["", info(KIND_PTR), 4]], { base });
    const parse = () =>
      parseModules(base, [
        { bytes: first, source: "mod" },
        { bytes: bad, source: "bad" },
      ]);
    expect(formatErrorOf(parse)).toMatchObject({ code: "bad-type-id", source: "bad", typeId: 3, offset: 8 });
  });

  it("refuses names beyond the module's own", () => {
    const bad = blob([[base.strings.length + 2, info(KIND_PTR), 0]], { base, strings: Buffer.from("x\0") });
    const error = formatErrorOf(() => parseModules(base, [{ bytes: bad, source: "bad" }]));
    expect(error).toMatchObject({ code: "bad-name-offset", typeId: 3, offset: 0 });
  });

  it("refuses another byte order than the base's", () => {
    const bytes = blob([], { base, littleEndian: false });
    expect(formatErrorOf(() => parseModules(base, [{ bytes, source: "bad" }]))).toMatchObject({ source: "bad" });
  });

  it("refuses a base that has modules already", () => {
    const both = parseModules(base, [{ bytes: first, source: "mod" }]);
    expect(() => parseModules(both, [{ bytes: second, source: "other" }])).toThrow(RangeError);
  });

  it("is asked for where a module is parsed alone", () => {
    const error = formatErrorOf(() => parseBtf(first, { source: "mod.btf" }));
    expect(error).toMatchObject({ code: "missing-base", source: "mod.btf" });
    expect(error.message).toContain("needs its base");
  });

  it("says so too for a module whose strings are all its base's", () => {
    const bytes = blob([["", info(KIND_PTR), TASK]], { base });
    expect(formatErrorOf(() => parseBtf(bytes))).toMatchObject({ code: "missing-base" });
  });
});
