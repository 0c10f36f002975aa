/** Levels `instructions` and `libbpf`, the latter with a loader made up from our own results, changed here and there. */
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { applyRecords } from "../../lib/core/apply.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { RELO_FIELD_BYTE_OFFSET, RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { resolveSets } from "../../lib/core/resolve-sets.ts";
import { LIBBPF_RULES } from "../../lib/core/rules.ts";
import { compareInstructions } from "../../lib/verify/instructions.ts";
import { compareLoaderCode } from "../../lib/verify/loader-code.ts";
import type { BtfSide, LoadRun } from "../../lib/verify/loader-run.ts";
import { blob, int, type Row } from "../btf/records.ts";
import { struct } from "../core/case.ts";
import { buildObject, EXIT, LDX_W, type Program } from "../core/object-builder.ts";

const S = (x: number, y: number, name = "y"): Row =>
  struct("s", [
    ["x", 1, x * 8],
    [name, 1, y * 8],
  ]);
const MOV_IMM = { code: 0xb7, dst: 1, src: 0, off: 0, imm: 2 };
const PROGRAMS: Program[] = [
  {
    name: "a",
    section: "socket",
    insns: [LDX_W, { ...LDX_W, off: 4 }, MOV_IMM, EXIT],
    relos: [
      { kind: RELO_FIELD_BYTE_OFFSET, typeId: 2, access: "0:0", insn: 0 },
      { kind: RELO_FIELD_BYTE_OFFSET, typeId: 2, access: "0:1", insn: 1 },
      { kind: RELO_TYPE_ID_TARGET, typeId: 2, access: "0", insn: 2 },
    ],
  },
];
const OBJECT = buildObject({ rows: [int("int", 4, 1), S(0, 4)], programs: PROGRAMS });
const target = (...rows: Row[]) => indexCandidates(parseBtf(blob(rows)));
const FULL = target(int("int", 4, 1), int("char", 1, 1), S(16, 24));
const SMALL = target(int("int", 4, 1), S(16, 24));

const compare = (small: typeof SMALL) =>
  compareInstructions(
    [OBJECT],
    resolveSets([OBJECT], FULL, [LIBBPF_RULES], false),
    resolveSets([OBJECT], small, [LIBBPF_RULES], false),
  );

describe("compareInstructions", () => {
  it("finds the same code, and the type id apart", () => {
    expect(compare(SMALL)).toMatchObject({
      holds: true,
      programs: 1,
      instructions: 4,
      applied: 3,
      differences: [],
      typeIds: [{ relocation: { index: 2 } }],
    });
  });

  it.each<[string, Row[], number[]]>([
    ["a shifted offset", [int("int", 4, 1), S(16, 28)], [1]],
    ["a dropped member", [int("int", 4, 1), S(16, 24, "z")], [1]],
    ["a dropped type", [int("int", 4, 1)], [0, 1, 2]],
  ])("finds %s", (_, rows, indexes) => {
    const { holds, differences, typeIds } = compare(target(...rows));
    expect(holds).toBe(false);
    expect(differences.map(({ record }) => record.relocation.index)).toEqual(indexes);
    expect(typeIds).toHaveLength(indexes.includes(2) ? 0 : 1);
  });

  it("takes a refusal for the same where only the candidates' ids differ", () => {
    const twice = [S(16, 24), S(16, 28)];
    const ambiguous = (...rows: Row[]) =>
      resolveSets([OBJECT], target(int("int", 4, 1), ...rows), [LIBBPF_RULES], false);
    const full = ambiguous(int("char", 1, 1), ...twice);
    expect(full[0]?.records.some(({ reason }) => reason?.includes("candidates [3] and [4]"))).toBe(true);
    expect(compareInstructions([OBJECT], full, ambiguous(...twice))).toMatchObject({ holds: true, differences: [] });
    const other = ambiguous(S(16, 24), S(16, 32));
    expect(compareInstructions([OBJECT], full, other).differences.length).toBeGreaterThan(0);
  });

  it("takes only pairs of the same relocations", () => {
    const sets = resolveSets([OBJECT], FULL, [LIBBPF_RULES], false);
    const fewer = sets.map(({ rules, records }) => ({ rules, records: records.slice(1) }));
    expect(() => compareInstructions([OBJECT], sets, fewer)).toThrow(RangeError);
  });
});

/** What libbpf would give: our own code, changed. */
function run(side: BtfSide, change: (code: Uint8Array) => void = () => {}, part: Partial<LoadRun> = {}): LoadRun {
  const index = side === "full" ? FULL : SMALL;
  const [applied] = applyRecords(OBJECT, resolveObject(OBJECT, index));
  const code = applied?.instructions ?? new Uint8Array();
  change(code);
  return {
    object: 0,
    side,
    pass: "relocate",
    program: null,
    ok: true,
    errno: 0,
    weakened: false,
    warnings: [],
    verifierLog: "",
    programs: [{ name: "a", section: "socket", code, appended: [], loaded: null }],
    mapChanges: [],
    ...part,
  };
}

const refused = (warning: string): Partial<LoadRun> => ({
  ok: false,
  errno: 22,
  warnings: [warning],
  programs: [{ name: "a", section: "socket", code: null, appended: [], loaded: null }],
});
const CORE_REFUSAL = "failed to perform CO-RE relocations: -22";
const loader = (runs: LoadRun[], object: BpfObject = OBJECT) =>
  compareLoaderCode(object, runs, { full: FULL, small: SMALL });

describe("compareLoaderCode", () => {
  it("finds code as ours on both sides, type ids among it", () => {
    expect(loader([run("full"), run("small")])).toEqual({
      programs: 1,
      relocations: 3,
      differences: [],
      notCompared: [],
      withTypeIds: new Set(["a"]),
    });
  });

  it.each<[string, (code: Uint8Array) => void, (code: Uint8Array) => void, [string, number | null][]]>([
    [
      "a relocated offset",
      () => {},
      (code) => code.set([25], 10),
      [
        ["full-small", 1],
        ["ours", 1],
      ],
    ],
    ["an instruction without a relocation", () => {}, (code) => code.set([9], 28), [["full-small", 3]]],
    [
      "the same wrong offset on both sides",
      (code) => code.set([25], 10),
      (code) => code.set([25], 10),
      [
        ["ours", 1],
        ["ours", 1],
      ],
    ],
    ["a wrong type id", () => {}, (code) => code.set([9], 20), [["ours", 2]]],
    [
      "no type id",
      () => {},
      (code) => code.set([0], 20),
      [
        ["full-small", 2],
        ["ours", 2],
      ],
    ],
  ])("finds %s", (_, inFull, inSmall, expected) => {
    const { differences } = loader([run("full", inFull), run("small", inSmall)]);
    expect(differences.map(({ what, slot }) => [what, slot])).toEqual(expected);
    for (const { slot, record } of differences) expect(record?.relocation.index ?? null).toBe(slot === 3 ? null : slot);
  });

  it("finds other lengths", () => {
    const longer = run("small");
    const programs = longer.programs.map((one) => ({ ...one, code: new Uint8Array(40) }));
    expect(loader([run("full"), { ...longer, programs }]).differences[0]).toMatchObject({
      what: "full-small",
      slot: null,
      full: "4 instructions",
      small: "5 instructions",
    });
  });

  it("finds an object that is refused with small BTF only", () => {
    const { differences, notCompared } = loader([run("full"), run("small", undefined, refused(CORE_REFUSAL))]);
    expect(differences).toMatchObject([{ what: "full-small", full: "relocated", small: CORE_REFUSAL }]);
    expect(notCompared).toEqual([]);
  });

  it("does not take a refusal on both sides for equality", () => {
    const both = (warning: string) =>
      loader([run("full", undefined, refused(warning)), run("small", undefined, refused(warning))]);
    expect(both("extern 'f' (strong): not resolved")).toMatchObject({
      programs: 0,
      differences: [],
      notCompared: [{ program: null, reason: "extern 'f' (strong): not resolved" }],
    });
    // We could apply all of its relocations.
    expect(both(CORE_REFUSAL).differences).toMatchObject([{ what: "ours", slot: null }]);
  });

  it("says that an answer is missing", () => {
    expect(loader([run("full")]).notCompared).toEqual([{ program: null, reason: "libbpf did not come to its end" }]);
  });

  it("looks for subprograms behind the program", () => {
    const [applied] = applyRecords(OBJECT, resolveObject(OBJECT, FULL));
    const own = applied?.instructions ?? new Uint8Array();
    const caller = { name: "main", section: "xdp", insns: [EXIT], relos: [] };
    const object = buildObject({ rows: [int("int", 4, 1), S(0, 4)], programs: [...PROGRAMS, caller] });
    const exit = Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0);
    const behind = (code: Uint8Array, part: Partial<LoadRun>) => ({
      ...run("full"),
      ...part,
      programs: [
        {
          name: "main",
          section: "xdp",
          code: Buffer.concat([exit, code]),
          appended: [{ name: "a", slots: 4 }],
          loaded: null,
        },
      ],
    });
    const [smaller] = applyRecords(object, resolveObject(object, SMALL));
    const right = loader([behind(own, {}), behind(smaller?.instructions ?? own, { side: "small" })], object);
    expect(right).toMatchObject({ programs: 1, relocations: 3, differences: [] });
    expect(right.withTypeIds).toEqual(new Set(["main"]));
    const wrong = loader([behind(own, {}), behind(exit, { side: "small" })], object);
    expect(wrong.differences.length).toBeGreaterThan(0);
  });
});
