import { describe, expect, it } from "vitest";
import { addressText, readAddress, WHOLE } from "../../../cli/diff-page/address.ts";
import { haystackOf, seenTypes, tallyOf, typeOfLink, typeRows } from "../../../cli/diff-page/model.ts";
import { packType, unpackType } from "../../../cli/diff-page/packed.ts";
import { patchOf } from "../../../cli/diff-page/type-lines.ts";
import { parseBtf } from "../../../lib/btf/parse.ts";
import type { TypeChange } from "../../../lib/diff/change.ts";
import { diffTypes } from "../../../lib/diff/diff.ts";
import { offsetText } from "../../../lib/diff/offset-text.ts";
import { bitStruct, btf, enumOf, func, int, m, param, proto, type Row, struct, union } from "../../btf/builder.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample } from "../../samples.ts";

const INT = int("int", 4, 32, 1);
const LONG = int("long", 8, 64, 1);
const kernel = (...types: readonly Row[]) => parseBtf(btf([INT, LONG, ...types]), { source: "kernel" });
const pagesOf = (types: readonly TypeChange[]) =>
  types.map((type) => unpackType(JSON.parse(JSON.stringify(packType(type)))));
const between = (old: readonly Row[], now: readonly Row[]) =>
  pagesOf(diffTypes(kernel(...old), kernel(...now), {}).types);

/** A patch as `-|old|new|text|note`, folds as their summaries. */
const patch = (old: readonly Row[], now: readonly Row[]) => {
  const [type] = between(old, now);
  if (type === undefined) throw new Error("nothing differs");
  return patchOf(type).map((part) =>
    "summary" in part ? part.summary : [part.sign, part.old, part.new, part.text, part.note].join("|"),
  );
};

describe("addresses", () => {
  it.each([
    ["", WHOLE],
    ["#struct-task_struct", { ...WHOLE, open: ["struct-task_struct"] }],
    ["#field-foo.a%5B3%5D", { ...WHOLE, open: ["field-foo.a[3]"] }],
    [
      "#part=types&q=a+b&kind=enum&status=added&status=removed",
      { ...WHOLE, section: "types", query: "a b", kind: "enum", statuses: ["added", "removed"] },
    ],
    ["#part=types", { ...WHOLE, section: "types" }],
    ["#part=programs&open=struct-s", { ...WHOLE, section: "programs", open: ["struct-s"] }],
    ["#part=fields&open=field-a&open=field-b", { ...WHOLE, section: "fields", open: ["field-a", "field-b"] }],
  ] as const)("%s", (hash, address) => {
    expect(readAddress(hash)).toEqual(address);
    expect(addressText(address)).toBe(hash.slice(1));
  });

  it("leaves out a part that is none, and takes what is no escape as it is", () => {
    expect(readAddress("#part=other").section).toBeNull();
    expect(readAddress("#%zz").open).toEqual(["%zz"]);
  });
});

describe("the patch of a type", () => {
  it.each([
    [
      "a member that comes",
      [struct("s", 4, [m("a", 1, 0)])],
      [struct("s", 8, [m("a", 1, 0), m("b", 1, 32)])],
      ["+||4|int b;|"],
    ],
    [
      "one that goes",
      [struct("s", 8, [m("a", 1, 0), m("b", 1, 32)])],
      [struct("s", 4, [m("a", 1, 0)])],
      ["-|4||int b;|"],
    ],
    [
      "another type",
      [struct("s", 8, [m("a", 1, 0)])],
      [struct("s", 8, [m("a", 2, 0)])],
      ["-|0||int a;|", "+||0|long a;|"],
    ],
    [
      "another name",
      [struct("s", 4, [m("a", 1, 0)])],
      [struct("s", 4, [m("b", 1, 0)])],
      ["-|0||int a;|", "+||0|int b;|renamed"],
    ],
    [
      "another width",
      [bitStruct("s", 4, [m("a", 1, 0, 3)])],
      [bitStruct("s", 4, [m("a", 1, 0, 5)])],
      ["-|0||int a: 3;|", "+||0|int a: 5;|"],
    ],
    ["another place", [struct("s", 8, [m("a", 1, 0)])], [struct("s", 8, [m("a", 1, 32)])], ["~|0|4|int a;|"]],
    [
      "a place in bits",
      [bitStruct("s", 4, [m("a", 1, 0, 3)])],
      [bitStruct("s", 4, [m("a", 1, 5, 3)])],
      ["~|0|0:5|int a: 3;|"],
    ],
    [
      "into a union",
      [struct("s", 4, [m("a", 1, 0)])],
      [struct("s", 4, [m("", 4, 0)]), union("", 4, [m("a", 1, 0)])],
      ["~|0|0|int a;|into an anonymous union"],
    ],
    ["a value", [enumOf("e", 4, { A: 1 })], [enumOf("e", 4, { A: 2 })], ["-|||A = 1,|", "+|||A = 2,|"]],
    ["a parameter", [proto(0, []), func("f", 3)], [proto(0, [param("a", 1)]), func("f", 3)], ["+||1|int a|"]],
    ["a type that comes", [], [struct("s", 4, [m("a", 1, 0)])], ["+|||struct s|"]],
  ] as const)("%s", (_, old, now, lines) => {
    expect(patch(old, now)).toEqual(lines);
  });

  it("folds four members and more that move by one distance, and no others", () => {
    const row = (count: number, from: number) => Array.from({ length: count }, (_, i) => m(`m${i}`, 1, from + i * 32));
    expect(patch([struct("s", 64, row(4, 0))], [struct("s", 64, row(4, 64))])).toEqual(["4 members moved by +8 bytes"]);
    expect(patch([struct("s", 64, row(4, 64))], [struct("s", 64, row(4, 0))])).toEqual([
      "4 members moved by \u22128 bytes",
    ]);
    expect(patch([struct("s", 64, row(3, 0))], [struct("s", 64, row(3, 64))])).toHaveLength(3);
    const split = [...row(4, 0), m("n0", 1, 128), m("n1", 1, 160)];
    const apart = [...row(4, 32), m("n0", 1, 192), m("n1", 1, 224)];
    expect(patch([struct("s", 64, split)], [struct("s", 64, apart)])).toEqual([
      "4 members moved by +4 bytes",
      "~|16|24|int n0;|",
      "~|20|28|int n1;|",
    ]);
  });

  it("folds four enumerators and more whose values changed by as much", () => {
    const row = (count: number, from: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`E${i}`, from + i]));
    const gone = (values: Record<string, number>) => ({ GONE: 1, ...values });
    expect(patch([enumOf("e", 4, gone(row(4, 2)))], [enumOf("e", 4, row(4, 1))])).toEqual([
      "-|||GONE = 1,|",
      "4 enumerators changed by \u22121",
    ]);
    expect(patch([enumOf("e", 4, row(4, 1))], [enumOf("e", 4, row(4, 5))])).toEqual(["4 enumerators changed by +4"]);
    expect(patch([enumOf("e", 4, row(3, 1))], [enumOf("e", 4, row(3, 5))])).toHaveLength(6);
  });

  it("has offsets in bytes, and the bits beyond them", () => {
    expect([0, 8, 13, 4096].map(offsetText)).toEqual(["0", "1", "1:5", "512"]);
  });
});

describe("the list of types", () => {
  const rows = typeRows(
    between(
      [struct("a", 4, [m("x", 1, 0)]), struct("b", 4, [m("needle", 1, 0)]), enumOf("c", 4, { ONE: 1 })],
      [struct("a", 8, [m("x", 1, 0), m("y", 2, 0)]), enumOf("c", 4, { ONE: 1, TWO: 2 }), struct("d", 4, [])],
    ),
  );
  const seen = (view: Partial<Parameters<typeof seenTypes>[1]>) =>
    seenTypes(rows, { query: "", kind: "", statuses: new Set(), ...view }, () => haystackOf(rows)).map(
      ({ key }) => key,
    );

  it("is filtered by words, kind and status", () => {
    expect(seen({})).toEqual(["struct-a", "struct-b", "struct-d", "enum-c"]);
    expect(seen({ query: "LONG y" })).toEqual(["struct-a"]);
    expect(seen({ query: "two enum" })).toEqual(["enum-c"]);
    expect(seen({ query: "nothing" })).toEqual([]);
    expect(seen({ kind: "enum" })).toEqual(["enum-c"]);
    expect(seen({ statuses: new Set(["added", "removed"]) })).toEqual(["struct-b", "struct-d"]);
  });

  it("is not searched where nothing is looked for", () => {
    const never = () => {
      throw new Error("asked for");
    };
    expect(seenTypes(rows, { query: " ", kind: "", statuses: new Set() }, never)).toHaveLength(4);
  });

  it("knows links by kind and without, and what has come and gone", () => {
    expect(typeOfLink(rows, "enum-c")?.key).toBe("enum-c");
    expect(typeOfLink(rows, "type-c")?.key).toBe("enum-c");
    expect(typeOfLink(rows, "enum-a")).toBeUndefined();
    expect(rows.map(({ type }) => tallyOf(type)).slice(0, 2)).toEqual([
      { added: 1, removed: 0, other: 0 },
      { added: 0, removed: 0, other: 0 },
    ]);
  });
});

it("packs a whole kernel's diff without losing what the page shows", async () => {
  const [old, now] = [KERNEL_6_1, KERNEL_OF_MODULES].map(kernelSample);
  if (old === undefined || now === undefined) throw new Error("two kernels");
  const { types } = diffTypes(parseBtf(old.bytes), parseBtf(now.bytes), { reached: true, bodies: true });
  const pages = pagesOf(types);
  expect(pages.length).toBeGreaterThan(5000);
  const shownOf = (change: TypeChange["changes"][number]) => {
    const side = (one: object | null) =>
      one === null
        ? null
        : JSON.parse(
            JSON.stringify(one, (key, value) =>
              ["path", "bitfieldSize", "type"].includes(key) && change.what === "member"
                ? undefined
                : typeof value === "bigint"
                  ? String(value)
                  : value,
            ),
          );
    return "status" in change && "old" in change ? { ...change, old: side(change.old), new: side(change.new) } : change;
  };
  types.forEach((type, i) => {
    // Comparing all of them takes longer than all else.
    if (i % 10 !== 0) return;
    const { kind, name, status, modules, definitions, isConsequence, reachedFrom, changes } = type;
    const side = (one: TypeChange["old"]) => (one === null ? null : { declaration: one.declaration, size: one.size });
    const wanted = {
      kind,
      name,
      status,
      modules,
      isConsequence,
      reachedFrom,
      old: side(type.old),
      new: side(type.new),
      changes: changes.map(shownOf),
    };
    const { definitions: shown, ...rest } = pages[i] ?? { definitions: null };
    if (definitions.old > 1 || definitions.new > 1) expect(shown).toEqual(definitions);
    expect(rest).toEqual(wanted);
  });
});
