import { describe, expect, it } from "vitest";
import { dumpJson } from "../../lib/btf/dump-json.ts";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import { type DumpSelection, matchesGlob } from "../../lib/btf/dump-select.ts";
import type { ChunkWriter } from "../../lib/btf/dump-sink.ts";
import * as format from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { blob, info, int, type Row } from "./records.ts";

type Dump = (btf: Btf, write: ChunkWriter, selection?: DumpSelection) => void;

function textOf(dump: Dump, btf: Btf, selection?: DumpSelection): string {
  const chunks: Buffer[] = [];
  dump(btf, (chunk) => chunks.push(Buffer.from(chunk)), selection);
  return Buffer.concat(chunks).toString("utf8");
}

const INT = int("int", 4, format.INT_SIGNED);

/** Type 2's row, its text, and its fields as JSON after id, kind and name. */
const CASES: readonly (readonly [row: Row, text: string, json: object])[] = [
  [
    int("bool", 1, format.INT_BOOL),
    "INT 'bool' size=1 bits_offset=0 nr_bits=8 encoding=BOOL",
    { size: 1, bits_offset: 0, nr_bits: 8, encoding: "BOOL" },
  ],
  [
    int("c", 1, format.INT_CHAR),
    "INT 'c' size=1 bits_offset=0 nr_bits=8 encoding=CHAR",
    { size: 1, bits_offset: 0, nr_bits: 8, encoding: "CHAR" },
  ],
  [
    ["odd", info(format.KIND_INT), 4, (3 << 24) | (9 << 16) | 5],
    "INT 'odd' size=4 bits_offset=9 nr_bits=5 encoding=UNKN",
    { size: 4, bits_offset: 9, nr_bits: 5, encoding: "UNKN" },
  ],
  [["", info(format.KIND_PTR), 0], "PTR '(anon)' type_id=0", { type_id: 0 }],
  [["t", info(format.KIND_TYPEDEF), 1], "TYPEDEF 't' type_id=1", { type_id: 1 }],
  [["", info(format.KIND_VOLATILE), 1], "VOLATILE '(anon)' type_id=1", { type_id: 1 }],
  [["", info(format.KIND_CONST), 1], "CONST '(anon)' type_id=1", { type_id: 1 }],
  [["", info(format.KIND_RESTRICT), 1], "RESTRICT '(anon)' type_id=1", { type_id: 1 }],
  [["user", info(format.KIND_TYPE_TAG), 1], "TYPE_TAG 'user' type_id=1", { type_id: 1 }],
  [["attr", info(format.KIND_TYPE_TAG, 0, 1), 1], "TYPE_TAG 'attr' type_id=1", { type_id: 1 }],
  [
    ["", info(format.KIND_ARRAY), 0, 1, 1, 0xffffffff],
    "ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=4294967295",
    { type_id: 1, index_type_id: 1, nr_elems: 0xffffffff },
  ],
  [["s", info(format.KIND_STRUCT), 0], "STRUCT 's' size=0 vlen=0", { size: 0, vlen: 0, members: [] }],
  [
    ["s", info(format.KIND_STRUCT, 2), 8, "a", 1, 0, "", 1, 0x01000020],
    "STRUCT 's' size=8 vlen=2\n\t'a' type_id=1 bits_offset=0\n\t'(anon)' type_id=1 bits_offset=16777248",
    {
      size: 8,
      vlen: 2,
      members: [
        { name: "a", type_id: 1, bits_offset: 0 },
        { name: "(anon)", type_id: 1, bits_offset: 0x01000020 },
      ],
    },
  ],
  [
    ["u", info(format.KIND_UNION, 2, 1), 4, "a", 1, 3 << 24, "b", 1, 32],
    "UNION 'u' size=4 vlen=2\n\t'a' type_id=1 bits_offset=0 bitfield_size=3\n\t'b' type_id=1 bits_offset=32",
    {
      size: 4,
      vlen: 2,
      members: [
        { name: "a", type_id: 1, bits_offset: 0, bitfield_size: 3 },
        { name: "b", type_id: 1, bits_offset: 32 },
      ],
    },
  ],
  [
    ["e", info(format.KIND_ENUM, 2), 4, "A", 0, "B", 0xffffffff],
    "ENUM 'e' encoding=UNSIGNED size=4 vlen=2\n\t'A' val=0\n\t'B' val=4294967295",
    {
      encoding: "UNSIGNED",
      size: 4,
      vlen: 2,
      values: [
        { name: "A", val: 0 },
        { name: "B", val: 4294967295 },
      ],
    },
  ],
  [
    ["e", info(format.KIND_ENUM, 2, 1), 4, "A", 0x80000000, "B", 0x7fffffff],
    "ENUM 'e' encoding=SIGNED size=4 vlen=2\n\t'A' val=-2147483648\n\t'B' val=2147483647",
    {
      encoding: "SIGNED",
      size: 4,
      vlen: 2,
      values: [
        { name: "A", val: -2147483648 },
        { name: "B", val: 2147483647 },
      ],
    },
  ],
  [
    ["e", info(format.KIND_ENUM64, 2), 8, "A", 9, 0, "B", 0, 0x80000000],
    "ENUM64 'e' encoding=UNSIGNED size=8 vlen=2\n\t'A' val=9ULL\n\t'B' val=9223372036854775808ULL",
    {
      encoding: "UNSIGNED",
      size: 8,
      vlen: 2,
      values: [
        { name: "A", val: 9 },
        { name: "B", val: 2 ** 63 },
      ],
    },
  ],
  [
    ["e", info(format.KIND_ENUM64, 2, 1), 8, "A", 0xfffffff7, 0xffffffff, "B", 0, 0x80000000],
    "ENUM64 'e' encoding=SIGNED size=8 vlen=2\n\t'A' val=-9LL\n\t'B' val=-9223372036854775808LL",
    {
      encoding: "SIGNED",
      size: 8,
      vlen: 2,
      values: [
        { name: "A", val: -9 },
        { name: "B", val: -(2 ** 63) },
      ],
    },
  ],
  [["f", info(format.KIND_FWD), 0], "FWD 'f' fwd_kind=struct", { fwd_kind: "struct" }],
  [["f", info(format.KIND_FWD, 0, 1), 0], "FWD 'f' fwd_kind=union", { fwd_kind: "union" }],
  [["f", info(format.KIND_FUNC, 0), 1], "FUNC 'f' type_id=1 linkage=static", { type_id: 1, linkage: "static" }],
  [["f", info(format.KIND_FUNC, 2), 1], "FUNC 'f' type_id=1 linkage=extern", { type_id: 1, linkage: "extern" }],
  [["f", info(format.KIND_FUNC, 3), 1], "FUNC 'f' type_id=1 linkage=(unknown)", { type_id: 1, linkage: "(unknown)" }],
  [
    ["", info(format.KIND_FUNC_PROTO, 2), 1, "p", 1, "", 0],
    "FUNC_PROTO '(anon)' ret_type_id=1 vlen=2\n\t'p' type_id=1\n\t'(anon)' type_id=0",
    {
      ret_type_id: 1,
      vlen: 2,
      params: [
        { name: "p", type_id: 1 },
        { name: "(anon)", type_id: 0 },
      ],
    },
  ],
  [["v", info(format.KIND_VAR), 1, 1], "VAR 'v' type_id=1, linkage=global", { type_id: 1, linkage: "global" }],
  [["v", info(format.KIND_VAR), 1, 9], "VAR 'v' type_id=1, linkage=(unknown)", { type_id: 1, linkage: "(unknown)" }],
  [
    [".data", info(format.KIND_DATASEC, 2), 8, 1, 0, 4, 0, 4, 4],
    "DATASEC '.data' size=8 vlen=2\n\ttype_id=1 offset=0 size=4 (INT 'int')\n\ttype_id=0 offset=4 size=4 (UNKNOWN '(anon)')",
    {
      size: 8,
      vlen: 2,
      vars: [
        { type_id: 1, offset: 0, size: 4 },
        { type_id: 0, offset: 4, size: 4 },
      ],
    },
  ],
  [["double", info(format.KIND_FLOAT), 8], "FLOAT 'double' size=8", { size: 8 }],
  [
    ["tag", info(format.KIND_DECL_TAG), 1, 0xffffffff],
    "DECL_TAG 'tag' type_id=1 component_idx=-1",
    { type_id: 1, component_idx: -1 },
  ],
  [
    ["tag", info(format.KIND_DECL_TAG, 0, 1), 1, 2],
    "DECL_TAG 'tag' type_id=1 component_idx=2",
    { type_id: 1, component_idx: 2 },
  ],
];

describe.each([
  ["little-endian", true],
  ["big-endian", false],
])("one type, %s", (_, littleEndian) => {
  it.each(CASES.map(([row, text, json]) => ({ row, text, json })))("$text", ({ row, text, json }) => {
    const btf = parseBtf(blob([INT, row], { littleEndian }));
    const only = { ids: [{ first: 2, last: 2 }] };
    expect(textOf(dumpRaw, btf, only)).toBe(`[2] ${text}\n`);
    const [kind] = text.split(" ");
    const name = row[0] === "" ? "(anon)" : row[0];
    expect(JSON.parse(textOf(dumpJson, btf, only))).toEqual({ types: [{ id: 2, kind, name, ...json }] });
  });
});

describe("a whole dump", () => {
  const btf = parseBtf(blob([INT, ["", info(format.KIND_PTR), 1]]));

  it("has a line for each type", () => {
    const lines = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n[2] PTR '(anon)' type_id=1\n";
    expect(textOf(dumpRaw, btf)).toBe(lines);
  });

  it("is one JSON document on one line", () => {
    const text = textOf(dumpJson, btf);
    expect(text.endsWith("]}\n")).toBe(true);
    expect(JSON.parse(text).types.map(({ id }: { id: number }) => id)).toEqual([1, 2]);
  });

  it("of nothing is empty, or an empty list", () => {
    const empty = parseBtf(blob([]));
    expect(textOf(dumpRaw, empty)).toBe("");
    expect(textOf(dumpJson, empty)).toBe('{"types":[]}\n');
  });

  it("writes 64-bit values in full", () => {
    const wide = parseBtf(blob([["e", info(format.KIND_ENUM64, 1), 8, "A", 0xffffffff, 0xffffffff]]));
    expect(textOf(dumpJson, wide)).toContain('"val":18446744073709551615}');
  });

  it("prints a kind that only the layout describes as UNKNOWN", () => {
    const layout = new Uint8Array(21 * 4);
    layout[80] = 4;
    const unknown = parseBtf(blob([["new", info(20), 5, 6]], { layout }));
    expect(textOf(dumpRaw, unknown)).toBe("[1] UNKNOWN 'new'\n");
    expect(JSON.parse(textOf(dumpJson, unknown))).toEqual({ types: [{ id: 1, kind: "UNKNOWN", name: "new" }] });
  });
});

describe("names", () => {
  const named = (name: string) => parseBtf(blob([[name, info(format.KIND_STRUCT), 0]]));

  it.each(["plain", "grün", 'a"b', "a\\b", "a\tb\nc", "\u0001", "'", "日本"])("%j is the same in both", (name) => {
    expect(textOf(dumpRaw, named(name))).toBe(`[1] STRUCT '${name}' size=0 vlen=0\n`);
    expect(JSON.parse(textOf(dumpJson, named(name))).types[0].name).toBe(name);
  });

  it("longer than a chunk come whole", () => {
    const name = `start${"x".repeat(200_000)}end`;
    expect(textOf(dumpRaw, named(name))).toBe(`[1] STRUCT '${name}' size=0 vlen=0\n`);
    const escaped = `"${name}`;
    expect(JSON.parse(textOf(dumpJson, named(escaped))).types[0].name).toBe(escaped);
  });

  it("that are no UTF-8 are copied as they are in text, and JSON stays JSON", () => {
    const btf = parseBtf(blob([[1, info(format.KIND_STRUCT), 0]], { strings: Uint8Array.of(0, 0xff, 0) }));
    const chunks: number[] = [];
    dumpRaw(btf, (chunk) => chunks.push(...chunk));
    expect(chunks.indexOf(0xff)).toBe("[1] STRUCT '".length);
    expect(JSON.parse(textOf(dumpJson, btf)).types[0].name).toBe("\ufffd");
  });

  it("that are empty but not at 0 are empty, as bpftool has them", () => {
    const btf = parseBtf(blob([[1, info(format.KIND_STRUCT), 0]], { strings: new Uint8Array(2) }));
    expect(textOf(dumpRaw, btf)).toBe("[1] STRUCT '' size=0 vlen=0\n");
  });
});

describe("chunks", () => {
  it("are of bounded size, whatever falls on their ends", () => {
    const vlen = 10_000;
    const values = Array.from({ length: vlen }, (_, i) => [`E${i}`, i * 429_496]).flat();
    for (let pad = 0; pad < 40; pad++) {
      const btf = parseBtf(blob([["x".repeat(pad + 1), info(format.KIND_ENUM, vlen), 4, ...values]]));
      const sizes: number[] = [];
      let text = "";
      dumpRaw(btf, (chunk) => {
        sizes.push(chunk.length);
        text += Buffer.from(chunk).toString("latin1");
      });
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1 << 16);
      expect(sizes.length).toBeGreaterThan(2);
      const expected = Array.from({ length: vlen }, (_, i) => `\n\t'E${i}' val=${i * 429_496}`).join("");
      expect(text.slice(text.indexOf("\n"))).toBe(`${expected}\n`);
    }
  });
});

describe("a selection", () => {
  const btf = parseBtf(
    blob([
      INT,
      ["task_struct", info(format.KIND_STRUCT), 0],
      ["task_state", info(format.KIND_ENUM), 4],
      ["", info(format.KIND_PTR), 2],
      ["task_struct", info(format.KIND_TYPEDEF), 2],
    ]),
  );
  it.each<[DumpSelection, number[]]>([
    [{}, [1, 2, 3, 4, 5]],
    [{ names: [], kinds: [], ids: [] }, [1, 2, 3, 4, 5]],
    [{ names: ["task_struct"] }, [2, 5]],
    [{ names: ["task"] }, []],
    [{ names: ["task*"] }, [2, 3, 5]],
    [{ names: ["*st*e"] }, [3]],
    [{ names: ["*"] }, [1, 2, 3, 4, 5]],
    [{ names: [""] }, [4]],
    [{ names: ["int", "*state"] }, [1, 3]],
    [{ kinds: [format.KIND_STRUCT] }, [2]],
    [{ kinds: [format.KIND_STRUCT, format.KIND_PTR] }, [2, 4]],
    [{ kinds: [format.KIND_TYPEDEF], names: ["task*"] }, [5]],
    [{ ids: [{ first: 2, last: 3 }] }, [2, 3]],
    [
      {
        ids: [
          { first: 1, last: 1 },
          { first: 4, last: 99 },
        ],
      },
      [1, 4, 5],
    ],
    [{ ids: [{ first: 3, last: 2 }] }, []],
    [{ ids: [{ first: 1, last: 3 }], kinds: [format.KIND_ENUM], names: ["task*"] }, [3]],
  ])("%j: %j", (selection, ids) => {
    const inText = [...textOf(dumpRaw, btf, selection).matchAll(/^\[(\d+)\]/gm)].map(([, id]) => Number(id));
    expect(inText).toEqual(ids);
    expect(JSON.parse(textOf(dumpJson, btf, selection)).types.map((type: { id: number }) => type.id)).toEqual(ids);
  });
});

describe("matchesGlob", () => {
  it.each([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["**", "abc", true],
    ["a*", "a", true],
    ["a*", "ba", false],
    ["*a", "ba", true],
    ["*a", "ab", false],
    ["a*b*c", "a_b_b_c", true],
    ["a*b*c", "a_c_b", false],
    ["*ab", "aab", true],
    ["*aab*", "aaaab", true],
    ["abc", "ab", false],
    ["ab", "abc", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["abc?", "abc", false],
    ["?*?", "ab", true],
    ["?*?", "a", false],
    ["gr*n", "grün", true],
  ])("%j on %j: %j", (pattern, name, expected) => {
    const strings = Buffer.from(`\0x\0${name}\0a\0`, "utf8");
    expect(matchesGlob(Buffer.from(pattern, "utf8"), strings, 3)).toBe(expected);
  });

  it("takes bounded time on a pattern of many stars", () => {
    const strings = Buffer.from(`${"a".repeat(20_000)}\0`);
    expect(matchesGlob(Buffer.from(`${"a*".repeat(200)}b`), strings, 0)).toBe(false);
  });
});

describe("modules", () => {
  const base = parseBtf(blob([INT]));
  const module = (name: string) =>
    blob(
      [
        [name, info(format.KIND_STRUCT, 1), 8, "next", 3, 0],
        ["", info(format.KIND_PTR), 2],
      ],
      { base },
    );
  const both = parseModules(
    base,
    ["a", "b"].map((name) => ({ source: name, bytes: module(name) })),
  );
  const expected = (name: string) =>
    `[2] STRUCT '${name}' size=8 vlen=1\n\t'next' type_id=3 bits_offset=0\n[3] PTR '(anon)' type_id=2\n`;

  it.each([
    ["the last by default", {}, expected("b")],
    ["one by its index, in its file's numbering", { segment: 1 }, expected("a")],
    ["ids are the file's", { segment: 2, ids: [{ first: 3, last: 3 }] }, "[3] PTR '(anon)' type_id=2\n"],
    ["the base", { segment: 0, kinds: [format.KIND_STRUCT] }, ""],
  ])("%s", (_, selection, text) => {
    expect(textOf(dumpRaw, both, selection)).toBe(text);
  });

  it("must be there", () => {
    expect(() => textOf(dumpRaw, both, { segment: 3 })).toThrow(RangeError);
  });
});
