import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { flavourlessLength } from "../../lib/btf/strings.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { linkedPrograms } from "../../lib/core/linked-programs.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { CILIUM_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { type Case, resolveCase, sceneObject, sceneTarget, summary } from "./case.ts";
import { CILIUM_ANSWERS, CILIUM_CASES, CILIUM_SCENES } from "./cilium-cases.ts";
import { FIELD_CASES } from "./field-cases.ts";
import { buildObject } from "./object-builder.ts";
import { TYPE_CASES } from "./type-cases.ts";
import { VALUE_CASES } from "./value-cases.ts";

const LIBBPF_CASES: readonly Case[] = [...FIELD_CASES, ...TYPE_CASES, ...VALUE_CASES];

describe("cilium/ebpf's rules", () => {
  it.each(LIBBPF_CASES)("$name", (row) => {
    expect(summary(resolveCase(row, CILIUM_RULES))).toBe(CILIUM_ANSWERS.get(row.name) ?? row.expect);
  });

  it("differ in cases that there are, and differ there", () => {
    const expected = new Map(LIBBPF_CASES.map(({ name, expect }) => [name, expect]));
    const wrong = [...CILIUM_ANSWERS].filter(([name, answer]) => [undefined, answer].includes(expected.get(name)));
    expect(wrong).toEqual([]);
  });

  it.each(CILIUM_CASES)("$name: $expect with libbpf, $cilium", (row) => {
    expect(summary(resolveCase(row, LIBBPF_RULES))).toBe(row.expect);
    expect(summary(resolveCase(row, CILIUM_RULES))).toBe(row.cilium);
  });

  it.each(CILIUM_SCENES)("$name", (scene) => {
    const index = indexCandidates(parseBtf(sceneTarget(scene)));
    const records = resolveObject(buildObject(sceneObject(scene)), index, { rules: CILIUM_RULES });
    expect(records.map(summary)).toEqual(scene.expect);
  });
});

describe("flavourlessLength", () => {
  it.each([
    ["task_struct", 11],
    ["s___old", 1],
    ["s___a___b", 5],
    ["s___", 1],
    ["s____f", 2],
    ["___s", 4],
    ["____s", 1],
    ["__s", 3],
    ["", 0],
  ])("%s: %i", (name, length) => {
    expect(flavourlessLength(new TextEncoder().encode(`\0${name}\0`), 1)).toBe(length);
  });
});

describe("linkedPrograms", () => {
  const call = (imm: number) => ({ code: 0x85, src: 1, imm });
  const exit = { code: 0x95 };
  const program = (name: string, section: string, ...insns: { code: number }[]) => ({
    name,
    section,
    insns: [...insns, exit],
    relos: [],
  });
  it.each([
    ["no calls", [program("a", "socket"), program("b", "socket")], [[0], [1]]],
    ["a call", [program("a", "socket", call(1)), program("b", "socket")], [[0, 1], [1]]],
    ["a helper's call", [program("a", "socket", { code: 0x85 }), program("b", "socket")], [[0], [1]]],
    [
      "calls of calls",
      [program("a", "s", call(1)), program("b", "s", call(1)), program("c", "s")],
      [[0, 1, 2], [1, 2], [2]],
    ],
    [
      "a circle",
      [program("a", "s", call(1)), program("b", "s", call(-3))],
      [
        [0, 1],
        [1, 0],
      ],
    ],
    ["functions nobody calls", [program("a", "socket"), program("b", ".text")], [[0], [1]]],
    ["a call of nothing", [program("a", "socket", call(7)), program("b", "socket")], [[0], [1]]],
  ])("%s", (_, programs, expected) => {
    expect(linkedPrograms(buildObject({ rows: [], programs }))).toEqual(expected);
  });
});
