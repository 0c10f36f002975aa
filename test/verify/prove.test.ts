/** A small BTF that is wrong in one place is caught, and the place is named. */
import { describe, expect, it } from "vitest";
import { INT_SIGNED } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_SIGNED,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_MATCHES,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { type Proof, prove, resolveFull } from "../../lib/verify/prove.ts";
import { array, btf, enum64, enumOf, float, int, m, patch, ptr, type Row, struct, union } from "../btf/builder.ts";
import { type Asked, objectOf } from "../minimize/scene.ts";

const RULES = [LIBBPF_RULES, KERNEL_RULES];

function proofOf(full: readonly Row[], small: readonly Row[], local: readonly Row[], asked: readonly Asked[]): Proof {
  const object = objectOf(local, asked);
  const target = parseBtf(btf(full), { source: "kernel" });
  return prove([object], resolveFull(target, [object], RULES, false), [{ bytes: btf(small), source: "small" }]);
}

const INT = int("int", 4, 32, INT_SIGNED);
/** Rows 1 to 10 of the kernel; each mutation changes one. */
const KERNEL: readonly Row[] = [
  INT,
  ptr(0),
  array(1, 1, 4),
  enumOf("mode", 4, { OFF: 3, ON: 5 }),
  union("", 8, [m("u", 2, 0), m("v", 1, 0)]),
  struct("inner", 8, [m("x", 1, 0), m("y", 1, 32)]),
  struct("s", 64, [m("a", 1, 0), m("p", 2, 64), m("list", 3, 128), m("", 5, 256), m("in", 6, 320), m("e", 4, 384)]),
  struct("s___old", 64, [m("a", 1, 0), m("old", 1, 32)]),
  struct("q", 16, [m("a", 1, 0), m("k", 2, 64)]),
  ptr(6),
  struct("t", 16, [m("to", 10, 0), m("n", 1, 64)]),
];
const LOCAL: readonly Row[] = [
  INT,
  ptr(0),
  array(1, 1, 4),
  enumOf("mode", 4, { OFF: 0, ON: 1 }),
  struct("i", 8, [m("x", 1, 0), m("y", 1, 32)]),
  struct("s", 64, [m("a", 1, 0), m("p", 2, 64), m("list", 3, 128), m("v", 1, 256), m("in", 5, 320), m("e", 4, 384)]),
  struct("s", 8, [m("old", 1, 0)]),
  struct("q", 8, [m("a", 1, 0), m("k", 1, 32)]),
  struct("inner", 8, [m("x", 1, 0)]),
  ptr(9),
  struct("t", 16, [m("to", 10, 0), m("n", 1, 64)]),
];
const ASKED: readonly Asked[] = [
  [RELO_FIELD_BYTE_OFFSET, 6, "0:0"],
  [RELO_FIELD_SIGNED, 6, "0:0"],
  [RELO_FIELD_BYTE_OFFSET, 6, "0:1"],
  [RELO_FIELD_BYTE_OFFSET, 6, "0:2:3"],
  [RELO_FIELD_BYTE_SIZE, 6, "0:2"],
  [RELO_FIELD_BYTE_OFFSET, 6, "0:3"],
  [RELO_FIELD_BYTE_OFFSET, 6, "0:4:1"],
  [RELO_ENUMVAL_VALUE, 4, "1"],
  [RELO_TYPE_SIZE, 6, "0"],
  [RELO_FIELD_EXISTS, 7, "0:0"],
  [RELO_FIELD_BYTE_OFFSET, 8, "0:0"],
  [RELO_FIELD_EXISTS, 8, "0:1"],
  [RELO_TYPE_MATCHES, 11, "0"],
];

const replaced = (id: number, row: Row): Row[] => KERNEL.map((old, i) => (i === id - 1 ? row : old));
const patched = (id: number, word: number, value: number | string): Row[] =>
  replaced(id, patch(KERNEL[id - 1] as Row, word, value));
/** Word of a struct's member, counted from 0: 0 name, 1 type, 2 offset. */
const member = (index: number, word: number): number => 3 + index * 3 + word;

/** Each row: what is broken, the broken BTF, which of ASKED must be named, and by what. */
const mutations: [name: string, rows: Row[], named: number[], what?: string][] = [
  [
    "a member is dropped",
    replaced(7, struct("s", 64, [m("p", 2, 64), m("list", 3, 128), m("", 5, 256), m("in", 6, 320), m("e", 4, 384)])),
    [0],
  ],
  ["a member is renamed", patched(7, member(0, 0), "b"), [0]],
  ["a member's offset is shifted", patched(7, member(1, 2), 72), [2]],
  ["an inner member's offset is shifted", patched(6, member(1, 2), 40), [6]],
  ["an anonymous member is moved", patched(7, member(3, 2), 264), [5]],
  ["an anonymous member gets a name", patched(7, member(3, 0), "named"), [5]],
  ["an enumerator's value is changed", patched(4, 6, 6), [7]],
  ["an enumerator is dropped", replaced(4, enumOf("mode", 4, { OFF: 3 })), [7]],
  ["an enumerator is renamed", patched(4, 5, "UP"), [7]],
  ["a pointer becomes a number", patched(7, member(1, 1), 1), [2]],
  ["a number becomes a pointer", patched(7, member(0, 1), 2), [0]],
  ["a pointer points to another struct", patched(10, 2, 8), [12]],
  ["the name behind a pointer changes", patched(6, 0, "outer"), [12]],
  ["a candidate is dropped", patched(8, 0, "gone"), [9]],
  ["a candidate with another offset is added", [...KERNEL, struct("s", 64, [m("a", 1, 8)])], [0]],
  ["a name's flavour becomes part of it", patched(8, 0, "s__old"), [9]],
  ["an array gets shorter", patched(3, 5, 3), [3, 4]],
  ["an array gets longer", patched(3, 5, 5), [4]],
  ["an integer's sign is flipped", patched(1, 3, 32), [1, 12]],
  ["an integer shrinks", replaced(1, int("int", 2, 16, INT_SIGNED)), [0, 3]],
  ["a struct's size changes", patched(7, 2, 60), [8]],
  ["a struct becomes a union", replaced(6, union("inner", 8, [m("x", 1, 0), m("y", 1, 32)])), [12]],
  [
    "the member that blocks is dropped and another of its name is let in",
    replaced(9, struct("q", 16, [m("a", 1, 0), m("k", 1, 64)])),
    [11],
  ],
];

describe("a broken small BTF", () => {
  it("is no broken one when nothing is", () => {
    const proof = proofOf(KERNEL, KERNEL, LOCAL, ASKED);
    expect(proof).toMatchObject({ holds: true, differences: [], malformed: [], relocations: ASKED.length });
    expect(proof.pairs).toBeGreaterThan(ASKED.length);
  });

  it.each(mutations)("is caught when %s", (_name, rows, named) => {
    const { holds, differences } = proofOf(KERNEL, rows, LOCAL, ASKED);
    expect(holds).toBe(false);
    const found = new Set(differences.map(({ record }) => record.relocation.index));
    for (const index of named) expect(found, `relocation ${index}`).toContain(index);
    for (const { record, full, small } of differences) {
      expect(full).not.toBe(small);
      expect(record.object.programs[record.relocation.program]?.name).toBe(`program${record.relocation.index}`);
    }
  });

  it("is caught when two members stand in the other order: which is last, which comes first", () => {
    const list: Row[] = [INT, array(1, 1, 0), struct("s", 4, [m("n", 1, 0), m("list", 2, 32)])];
    const turned: Row[] = [INT, array(1, 1, 0), struct("s", 4, [m("list", 2, 32), m("n", 1, 0)])];
    expect(proofOf(list, turned, list, [[RELO_FIELD_BYTE_OFFSET, 3, "0:1:2"]]).holds).toBe(false);
    const twice: Row[] = [INT, struct("s", 8, [m("a", 1, 0), m("a", 1, 32)])];
    const backwards: Row[] = [INT, struct("s", 8, [m("a", 1, 32), m("a", 1, 0)])];
    expect(proofOf(twice, backwards, twice, [[RELO_FIELD_BYTE_OFFSET, 2, "0:0"]]).holds).toBe(false);
  });

  it("is caught when two candidates have changed places in part: pairing", () => {
    const both = (x: string, y: string): Row[] => [
      INT,
      struct("s", 8, [m("a", 1, 0), m(x, 1, 32)]),
      struct("s", 8, [m("b", 1, 0), m(y, 1, 32)]),
    ];
    const local: Row[] = [
      INT,
      struct(
        "s",
        16,
        ["a", "b", "c", "d"].map((name, i) => m(name, 1, i * 32)),
      ),
    ];
    const asked: Asked[] = [0, 1, 2, 3].map((i) => [RELO_FIELD_EXISTS, 2, `0:${i}`]);
    expect(proofOf(both("c", "d"), both("c", "d"), local, asked).holds).toBe(true);
    const { holds, differences } = proofOf(both("c", "d"), both("d", "c"), local, asked);
    expect(holds).toBe(false);
    const pairing = differences.find(({ what }) => what === "pairing");
    expect(pairing?.full).toMatch(/^a candidate with 0:0: .*\.a .*; 0:1: no match; 0:2: .*\.c /);
    expect(pairing?.small).toMatch(/^a candidate with 0:0: .*\.a .*; 0:1: no match; 0:2: no match; 0:3: .*\.d /);
  });

  it("may have candidates in another order, or one for two that are alike", () => {
    const [a, b] = [struct("s", 8, [m("a", 1, 0)]), struct("s", 8, [m("b", 1, 0)])];
    const local: Row[] = [INT, struct("s", 8, [m("a", 1, 0), m("b", 1, 32)])];
    const asked: Asked[] = [
      [RELO_FIELD_EXISTS, 2, "0:0"],
      [RELO_FIELD_EXISTS, 2, "0:1"],
    ];
    expect(proofOf([INT, a, b], [INT, b, a], local, asked).holds).toBe(true);
    expect(proofOf([INT, a, a, b], [INT, a, b], local, asked).holds).toBe(true);
    expect(proofOf([INT, a, b], [INT, a], local, asked).holds).toBe(false);
  });

  it("is caught when two types of one make become one, where their ids are asked for", () => {
    const twin = struct("s", 4, [m("a", 1, 0)]);
    const local: Row[] = [INT, struct("s", 4, [m("a", 1, 0), m("gone", 1, 32)])];
    const exists: Asked[] = [[RELO_TYPE_EXISTS, 2, "0"]];
    expect(proofOf([INT, twin, twin], [INT, twin], local, exists).holds).toBe(true);
    // In the object's order the loader strikes no candidate here, so its decision differs.
    const id: Asked[] = [[RELO_TYPE_ID_TARGET, 2, "0"]];
    expect(proofOf([INT, twin, twin], [INT, twin], local, id).holds).toBe(false);
    expect(proofOf([INT, twin, twin], [INT, twin, twin], local, id).holds).toBe(true);
    // Here it does not: only a third, with another member, is left when the second relocation is reached.
    const third = struct("s", 8, [m("a", 1, 0), m("gone", 1, 32)]);
    const pruned: Asked[] = [[RELO_FIELD_BYTE_OFFSET, 2, "0:1"], ...id];
    const { differences } = proofOf([INT, twin, twin, third], [INT, twin, third], local, pruned);
    expect(differences.map(({ what }) => what)).toEqual(["pairing"]);
    expect(differences[0]?.full).toMatch(/^two candidates with /);
    expect(differences[0]?.small).toBe("no such candidate");
  });

  it("is caught when it is malformed, though every outcome is right", () => {
    const { holds, differences, malformed } = proofOf(KERNEL, [...KERNEL, float("odd", 3)], LOCAL, ASKED);
    expect([holds, differences]).toEqual([false, []]);
    expect(malformed.map(({ source, finding }) => [source, finding.rule])).toEqual([["small", "float-size"]]);
  });

  it("is caught under the rules by which it is wrong, and those are named", () => {
    const { differences } = proofOf(KERNEL, patched(10, 2, 8), LOCAL, ASKED);
    expect(new Set(differences.map(({ rules }) => rules))).toEqual(new Set(["libbpf", "kernel"]));
    // A field is matched alike by both, and told once: one of two candidates, and one of a single candidate.
    for (const broken of [patched(7, member(1, 2), 72), patched(9, member(0, 2), 32)]) {
      const field = proofOf(KERNEL, broken, LOCAL, ASKED).differences;
      expect(new Set(field.map(({ rules }) => rules))).toEqual(new Set(["libbpf"]));
    }
  });

  it("is caught when only the kernel, which drops no candidate, comes to another decision", () => {
    const both = struct("s", 8, [m("x", 1, 0), m("y", 1, 32)]);
    const other = struct("s", 12, [m("y", 1, 64)]);
    const asked: Asked[] = [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:0"],
      [RELO_FIELD_BYTE_OFFSET, 2, "0:1"],
    ];
    const { differences } = proofOf([INT, both, other], [INT, both], [INT, both], asked);
    const decisions = differences.filter(({ what }) => what === "decision");
    expect(decisions.map(({ rules, record }) => [rules, record.relocation.index])).toEqual([["kernel", 1]]);
  });

  it("is caught when only the kernel minds the width of an enum", () => {
    const [narrow, wide] = [enumOf("e", 4, { A: 1 }), enum64("e", 8, { A: 1n })];
    const asked: Asked[] = [
      [RELO_ENUMVAL_EXISTS, 2, "0"],
      [RELO_TYPE_EXISTS, 2, "0"],
    ];
    const { differences } = proofOf([INT, narrow], [INT, wide], [INT, narrow], asked);
    expect(new Set(differences.map(({ rules }) => rules))).toEqual(new Set(["kernel"]));
    expect(new Set(differences.map(({ record }) => record.relocation.index))).toEqual(new Set([0, 1]));
  });
});

describe("a broken small BTF with modules", () => {
  const base: Row[] = [INT, struct("s", 4, [m("b", 1, 0)])];
  const parsed = parseBtf(btf(base), { source: "kernel" });
  const module = btf([struct("s", 8, [m("a", 1, 32)])], { base: parsed });
  const target = parseModules(parsed, [{ bytes: module, source: "module" }]);
  const object = objectOf([INT, struct("s", 4, [m("a", 1, 0)])], [[RELO_FIELD_EXISTS, 2, "0:0"]]);
  const full = resolveFull(target, [object], RULES, false);

  it("is caught when the base's candidate is dropped, so that the module is looked into", () => {
    const smaller = parseBtf(btf([INT, struct("x", 4, [])]));
    const split = { bytes: btf([struct("s", 8, [m("a", 1, 32)])], { base: smaller }), source: "module" };
    expect(
      prove([object], full, [
        { bytes: btf(base), source: "kernel" },
        { bytes: module, source: "module" },
      ]).holds,
    ).toBe(true);
    const broken = prove([object], full, [{ bytes: btf([INT, struct("x", 4, [])]), source: "kernel" }, split]);
    expect(broken.holds).toBe(false);
    expect(broken.differences[0]?.record.relocation.accessString).toBe("0:0");
  });

  it("is caught when a module is malformed", () => {
    const odd = { bytes: btf([float("odd", 3)], { base: parsed }), source: "module" };
    const { malformed } = prove([object], full, [{ bytes: btf(base), source: "kernel" }, odd]);
    expect(malformed.map(({ source }) => source)).toEqual(["module"]);
  });
});
