import { beforeAll, describe, expect, it } from "vitest";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { KIND_CONST, KIND_PTR, KIND_STRUCT, KIND_TYPEDEF } from "../../lib/btf/format.ts";
import { memberName, memberType } from "../../lib/btf/members.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { resolveSize } from "../../lib/btf/resolve.ts";
import { isSortedByName, orderByName, permuteTypes, permuteView, sortTypesByName } from "../../lib/btf/sort.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, kindName, kindOf, targetOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { blob, formatErrorOf, info, int, type Row } from "./records.ts";

const ROWS: Row[] = [
  int("int", 4),
  ["task", info(KIND_STRUCT, 2), 16, "self", 3, 0, "pid", 1, 64],
  ["", info(KIND_PTR), 2],
  ["Task", info(KIND_TYPEDEF), 2],
  ["", info(KIND_CONST), 4],
  ["task", info(KIND_TYPEDEF), 5],
  ["tas", info(KIND_TYPEDEF), 1],
];
const BYTES = blob(ROWS);

function namesOf(btf: Btf, from = 1, to = typeCount(btf)): string[] {
  return Array.from({ length: to - from }, (_, i) => `${kindName(kindOf(btf, from + i))} ${nameOf(btf, from + i)}`);
}

describe("sortTypesByName", () => {
  const sorted = parseBtf(sortTypesByName(parseBtf(BYTES)));

  it("puts anonymous types first, then goes by bytes, and keeps the order of equal names", () => {
    const expected = ["PTR ", "CONST ", "TYPEDEF Task", "INT int", "TYPEDEF tas", "STRUCT task", "TYPEDEF task"];
    expect(namesOf(sorted)).toEqual(expected);
  });

  it("renumbers references, and nothing else", () => {
    const [PTR, CONST, TASK_UPPER, INT, TAS, TASK, TASK_TYPEDEF] = [1, 2, 3, 4, 5, 6, 7];
    expect([PTR, CONST, TASK_UPPER, TAS, TASK_TYPEDEF].map((id) => targetOf(sorted, id as number))).toEqual([
      TASK,
      TASK_UPPER,
      TASK,
      INT,
      CONST,
    ]);
    const members = [0, 1].map((i) => [stringAt(sorted.strings, memberName(sorted, 6, i)), memberType(sorted, 6, i)]);
    expect(members).toEqual([
      ["self", PTR],
      ["pid", INT],
    ]);
  });

  it("takes bytes as unsigned, and a prefix before what it begins", () => {
    const rows = ["é", "z", "ab", "a", "_"].map((name): Row => [name, info(KIND_STRUCT), 0]);
    const names = namesOf(parseBtf(sortTypesByName(parseBtf(blob(rows)))));
    expect(names).toEqual(["_", "a", "ab", "z", "é"].map((name) => `STRUCT ${name}`));
  });

  it("is told from what is not sorted", () => {
    expect(isSortedByName(parseBtf(BYTES))).toBe(false);
    expect(isSortedByName(sorted)).toBe(true);
    expect(isSortedByName(parseBtf(blob([])))).toBe(true);
  });

  it("changes nothing that is sorted", () => {
    const bytes = encodeBtf(sorted);
    expect(sortTypesByName(sorted)).toEqual(bytes);
  });
});

describe("permuteTypes", () => {
  const btf = parseBtf(BYTES);

  it("puts the first of the order first", () => {
    const turned = parseBtf(permuteTypes(btf, [7, 6, 5, 4, 3, 2, 1]));
    expect(namesOf(turned)).toEqual(namesOf(btf).reverse());
    expect(targetOf(turned, 5)).toBe(6);
  });

  it("and back is what it was", () => {
    const order = [3, 1, 7, 2, 6, 4, 5];
    const inverse = order.map((_, i) => order.indexOf(i + 1) + 1);
    const there = permuteTypes(btf, order);
    expect(there).not.toEqual(BYTES);
    expect(permuteTypes(parseBtf(there), inverse)).toEqual(BYTES);
  });

  it("writes what encodeBtf's options ask for", () => {
    const order = [2, 1, 3, 4, 5, 6, 7];
    const other = parseBtf(permuteTypes(btf, order, { littleEndian: false, layout: true }));
    expect(other.segments[0]?.header).toMatchObject({ littleEndian: false, headerLength: 32 });
    expect(encodeBtf(other, { littleEndian: true, layout: false })).toEqual(permuteTypes(btf, order));
  });

  it.each([
    ["too short", [1, 2, 3, 4, 5, 6]],
    ["too long", [1, 2, 3, 4, 5, 6, 7, 7]],
    ["twice the same", [1, 2, 3, 4, 5, 6, 6]],
    ["with void", [0, 1, 2, 3, 4, 5, 6]],
    ["beyond the last", [1, 2, 3, 4, 5, 6, 8]],
    ["of no numbers", [1, 2, 3, 4, 5, 6, Number.NaN]],
  ])("refuses an order that is %s", (_, order) => {
    expect(() => permuteTypes(btf, order)).toThrow(RangeError);
  });

  it("refuses kinds whose references it does not know", () => {
    const layout = new Uint8Array(21 * 4);
    const unknown = parseBtf(blob([int("int", 4), ["", info(20), 1]], { layout }));
    expect(formatErrorOf(() => permuteTypes(unknown, [2, 1]))).toMatchObject({ code: "unknown-kind", typeId: 2 });
  });
});

describe("segments", () => {
  const base = parseBtf(BYTES);
  const module = (name: string) =>
    blob(
      [
        [name, info(KIND_STRUCT, 1), 8, "task", 9, 0],
        ["", info(KIND_PTR), 2],
      ],
      { base },
    );
  const both = parseModules(
    base,
    ["b", "a"].map((name) => ({ source: name, bytes: module(name) })),
  );

  it("are sorted one at a time, references to the base left alone", () => {
    const bytes = sortTypesByName(both, { segment: 2 });
    const sorted = parseModules(base, [{ source: "a", bytes }]);
    expect(namesOf(sorted, 8)).toEqual(["PTR ", "STRUCT a"]);
    expect([targetOf(sorted, 8), memberType(sorted, 9, 0)]).toEqual([2, 8]);
    expect([...orderByName(both, 2)]).toEqual([11, 10]);
  });

  it("follow when the base's types move", () => {
    const moved = permuteView(both, orderByName(both), 0);
    const sortedBase = parseBtf(encodeBtf(moved));
    const again = parseModules(sortedBase, [{ source: "a", bytes: encodeBtf(moved, { segment: 2 }) }]);
    const pointee = targetOf(again, 9);
    expect([nameOf(again, pointee), kindOf(again, pointee)]).toEqual(["task", KIND_STRUCT]);
  });

  it("must be there", () => {
    expect(() => isSortedByName(base, 1)).toThrow(RangeError);
  });
});

describe("a real kernel", () => {
  let btf: Btf;
  let sorted: Btf;
  beforeAll(async () => {
    btf = parseBtf(kernelSample(KERNEL_6_1).bytes);
    sorted = parseBtf(sortTypesByName(btf));
  });

  it("has the same types of the same sizes and members under each name", () => {
    const order = orderByName(btf);
    let differences = 0;
    for (let i = 0; i < order.length; i++) {
      const [before, after] = [order[i] as number, i + 1];
      const same =
        kindOf(btf, before) === kindOf(sorted, after) &&
        nameOf(btf, before) === nameOf(sorted, after) &&
        resolveSize(btf, before) === resolveSize(sorted, after) &&
        sameMembers(before, after);
      if (!same) differences++;
    }
    expect(differences).toBe(0);
    expect(isSortedByName(btf)).toBe(false);
    expect(isSortedByName(sorted)).toBe(true);
  });

  it("comes back by the inverse order", () => {
    const order = orderByName(btf);
    const inverse = new Uint32Array(order.length);
    order.forEach((old, i) => {
      inverse[old - 1] = i + 1;
    });
    expect(Buffer.compare(permuteTypes(sorted, inverse), encodeBtf(btf))).toBe(0);
  });

  function sameMembers(before: number, after: number): boolean {
    if (!isComposite(kindOf(btf, before))) return true;
    for (let i = 0; i < vlenOf(btf, before); i++) {
      const [a, b] = [memberType(btf, before, i), memberType(sorted, after, i)];
      if (memberName(btf, before, i) !== memberName(sorted, after, i) || nameOf(btf, a) !== nameOf(sorted, b))
        return false;
    }
    return true;
  }
});
