import { describe, expect, it } from "vitest";
import { KIND_ENUM, KIND_ENUM64, KIND_FUNC, KIND_FUNC_PROTO, KIND_STRUCT, KIND_UNION } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { findCandidates, indexCandidates } from "../../lib/core/candidates.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import { KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";

const struct = (name: string): Row => [name, info(KIND_STRUCT), 4];
const ROOT = 2;

/** A last type with so long a name that the names before it are not at the end of the strings, which is read otherwise. */
const TAIL = struct("z".repeat(100));

/** Ids of the candidates that `local` has among `target`; the first of those is 2. */
function candidates(local: Row, target: readonly Row[], rules = LIBBPF_RULES): number[] {
  const localBtf = parseBtf(blob([int("int", 4), local]));
  const find = (rows: readonly Row[]) =>
    findCandidates(indexCandidates(parseBtf(blob([int("int", 4), ...rows]))), localBtf, ROOT, rules);
  const found = find([...target, TAIL]);
  expect(find(target)).toEqual(found);
  return found;
}

const LONG = "a_name_of_just_32_characters_all";
const FLAVOURS: [local: string, target: string, found: boolean][] = [
  ["s", "s", true],
  ["s___x", "s", true],
  ["s", "s___x", true],
  ["s___x", "s___y", true],
  ["s___x___y", "s___x", false],
  ["s___x___y", "s___x___z", true],
  ["s__x", "s", false],
  ["s___", "s", false],
  ["s___", "s___", true],
  ["s____x", "s", false],
  ["s____x", "s_", false],
  ["___s", "___s", true],
  ["___s", "___t", false],
  ["s", "S", false],
  ["s", "st", false],
  ["st", "s", false],
  // Around the length that the index looks at.
  [LONG, LONG, true],
  [`${LONG}x`, `${LONG}y`, false],
  [`${LONG}___x`, LONG, true],
  [LONG, `${LONG}___x`, true],
  [`${LONG.slice(1)}___x`, LONG.slice(1), true],
  [`${LONG.slice(2)}___x`, `${LONG.slice(2)}___y`, true],
  [`${LONG.slice(3)}___x`, LONG.slice(3), true],
  [`${LONG}xy___x`, `${LONG}xy`, true],
  [`${LONG}xy___x`, `${LONG}x`, false],
  [`s___${LONG}`, "s", true],
];

describe("names", () => {
  it.each(FLAVOURS)("%s and %s: %s", (local, target, found) => {
    expect(candidates(struct(local), [struct(target)])).toEqual(found ? [ROOT] : []);
  });
  it("an anonymous root has none", () => {
    expect(candidates(struct(""), [struct("")])).toEqual([]);
  });
  it("all of them, in ascending order", () => {
    expect(candidates(struct("s"), [struct("s___b"), struct("t"), struct("s"), struct("s___a")])).toEqual([2, 4, 5]);
  });
});

const rows: [name: string, kind: number, words: Row][] = [
  ["int", 1, [4, 32]],
  ["pointer, with a name", 2, [0]],
  ["struct", 4, [4]],
  ["union", 5, [4]],
  ["enum", 6, [4]],
  ["fwd", 7, [0]],
  ["typedef", 8, [1]],
  ["const, with a name", 10, [1]],
  ["float", 16, [8]],
  ["enum64", 19, [8]],
  ["type tag", 18, [1]],
];
const ofKind = ([, kind, words]: (typeof rows)[number]): Row => ["s", info(kind), ...words];

describe("names of every length", () => {
  const lengths = Array.from({ length: 40 }, (_, i) => i + 1);
  it.each(lengths)("%i", (length) => {
    const name = "abcdefgh_".repeat(5).slice(0, length);
    expect(candidates(struct(name), [struct(name)])).toEqual([ROOT]);
    expect(candidates(struct(`${name}x___y`), [struct(`${name}x`)])).toEqual([ROOT]);
    expect(candidates(struct(`${name}x`), [struct(`${name}x___y`)])).toEqual([ROOT]);
    expect(candidates(struct(`${name}x`), [struct(`${name}y`)])).toEqual([]);
  });
});

describe("kinds", () => {
  it.each(rows)("%s", (...local) => {
    const found = candidates(ofKind(local), rows.map(ofKind)).map((id) => rows[id - ROOT]?.[0]);
    const isEnum = local[0].startsWith("enum");
    expect(found).toEqual(isEnum ? ["enum", "enum64"] : [local[0]]);
    const ofKernel = candidates(ofKind(local), rows.map(ofKind), KERNEL_RULES);
    expect(ofKernel.map((id) => rows[id - ROOT]?.[0])).toEqual([local[0]]);
  });
  it("functions, which are in no index", () => {
    const proto: Row = ["", info(KIND_FUNC_PROTO), 0];
    const target = [
      proto,
      ["f", info(KIND_FUNC), 2],
      ["g", info(KIND_FUNC), 2],
      ["f___x", info(KIND_FUNC), 2],
    ] as Row[];
    const index = indexCandidates(parseBtf(blob([int("int", 4), ...target])));
    const local = parseBtf(blob([proto, ["f", info(KIND_FUNC), 1]]));
    expect(findCandidates(index, local, ROOT)).toEqual([3, 5]);
  });
});

describe("modules", () => {
  const base = parseBtf(
    blob([int("int", 4), struct("of_base"), ["shared", info(KIND_UNION), 8], ["wide", info(KIND_ENUM64), 8]]),
  );
  const module = (...types: Row[]) => ({ source: "module", bytes: blob(types, { base }) });
  const index = indexCandidates(
    parseModules(base, [
      module(struct("of_base"), struct("of_both"), struct("shared")),
      module(struct("of_both"), struct("other"), ["of_base", info(KIND_UNION), 8], ["wide", info(KIND_ENUM), 4]),
    ]),
  );
  const find = (row: Row, rules = LIBBPF_RULES): number[] =>
    findCandidates(index, parseBtf(blob([int("int", 4), row])), ROOT, rules);

  it("are not looked at when the base has one, matching or not", () => {
    expect(find(struct("of_base"))).toEqual([2]);
  });
  it("are looked at when the base has one of another kind", () => {
    expect(find(struct("shared"))).toEqual([7]);
    expect(find(["of_base", info(KIND_UNION), 8])).toEqual([10]);
  });
  it("are looked at by the kernel when the base has an enum of other width", () => {
    const narrow: Row = ["wide", info(KIND_ENUM), 4];
    expect([find(narrow, LIBBPF_RULES), find(narrow, KERNEL_RULES)]).toEqual([[4], [11]]);
  });
  it("are all looked at, in the order they were given", () => {
    expect(find(struct("of_both"))).toEqual([6, 8]);
  });
  it("of a real kernel", async () => {
    const kernel = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    const samples = moduleSamples();
    const all = indexCandidates(
      parseModules(
        kernel,
        samples.map(({ name, bytes }) => ({ source: name, bytes })),
      ),
    );
    const local = parseBtf(blob([struct("task_struct"), struct("veth_priv"), struct("no_such_type")]));
    const counts = [1, 2, 3].map((id) => findCandidates(all, local, id).length);
    expect(counts).toEqual([1, 1, 0]);
    expect(findCandidates(indexCandidates(kernel), local, 2)).toEqual([]);
  });
});
