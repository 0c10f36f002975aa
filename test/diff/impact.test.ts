import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_LSHIFT_U64,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { LIBBPF_RULES } from "../../lib/core/rules.ts";
import { impactOn, type ObjectImpact, type RelocationChange } from "../../lib/diff/impact.ts";
import { bitStruct, btf, enumOf, fwd, int, m, type Row, struct } from "../btf/builder.ts";
import { buildObject, EXIT, type Insn, LDX_W, MOV_K, type Program } from "../core/object-builder.ts";

const INT = int("int", 4, 32, 1);
const UINT = int("unsigned int", 4);
const U64 = int("unsigned long", 8);
/** Id of the first type behind these. */
const OWN = 4;
const rows = (...types: readonly Row[]): Row[] => [INT, UINT, U64, ...types];

/** What the object knows: struct s { int a; unsigned b; unsigned c:3; }, enum e { ONE = 1 }. */
const LOCAL = rows(bitStruct("s", 12, [m("a", 1, 0), m("b", 2, 32), m("c", 2, 64, 3)]), enumOf("e", 4, { ONE: 1 }));
const S = OWN;
const E = OWN + 1;

const indexOf = (types: readonly Row[], littleEndian = true) =>
  indexCandidates(parseBtf(btf(types, { littleEndian }), { source: "kernel" }));

function impactBetween(programs: readonly Program[], old: readonly Row[], now: readonly Row[]): ObjectImpact {
  const object = buildObject({ rows: LOCAL, programs });
  return impactOn(object, { old: indexOf(old), new: indexOf(now), rules: LIBBPF_RULES });
}

interface Asked {
  readonly kind: number;
  readonly access: string;
  readonly root?: number;
  readonly insn?: Insn;
}

function one({ kind, access, root = S, insn = MOV_K }: Asked, old: readonly Row[], now: readonly Row[]) {
  const insns = [{ ...insn, ...ORIGINAL.get(`${kind} ${access}`) }, EXIT];
  const impact = impactBetween([{ name: "prog", insns, relos: [{ kind, typeId: root, access }] }], old, now);
  const [relocation] = impact.programs[0]?.fields[0]?.relocations ?? [];
  if (relocation === undefined) throw new Error("no relocation");
  return { impact, relocation };
}

/** What the compiler writes into the instruction. */
const ORIGINAL: ReadonlyMap<string, Partial<Insn>> = new Map([
  [`${RELO_FIELD_EXISTS} 0:0`, { imm: 1 }],
  [`${RELO_FIELD_EXISTS} 0:1`, { imm: 1 }],
  [`${RELO_TYPE_EXISTS} 0`, { imm: 1 }],
  [`${RELO_TYPE_SIZE} 0`, { imm: 12 }],
  [`${RELO_ENUMVAL_EXISTS} 0`, { imm: 1 }],
  [`${RELO_ENUMVAL_VALUE} 0`, { imm: 1 }],
  [`${RELO_FIELD_BYTE_SIZE} 0:0`, { imm: 4 }],
]);

const LOAD_B: Insn = { ...LDX_W, off: 4 };
const PLAIN = rows(struct("s", 8, [m("a", 1, 0), m("b", 2, 32)]));
const SHIFTED = rows(struct("s", 16, [m("a", 1, 64), m("b", 2, 96)]));
const WIDER = rows(struct("s", 16, [m("a", 1, 0), m("b", 3, 32)]));
const WITHOUT_A = rows(struct("s", 8, [m("b", 2, 32)]));
const WITHOUT_S = rows(struct("other", 4, [m("a", 1, 0)]));
const TWICE = rows(struct("s", 8, [m("a", 1, 0)]), struct("s", 8, [m("a", 1, 32)]));
const BITS = rows(bitStruct("s", 12, [m("c", 2, 64, 3)]));
const OTHER_BITS = rows(bitStruct("s", 12, [m("c", 2, 68, 3)]));
const ENUM = rows(enumOf("e", 4, { ONE: 1 }));
const REVALUED = rows(enumOf("e", 4, { ZERO: 0, ONE: 7 }));
const WITHOUT_ONE = rows(enumOf("e", 4, { ZERO: 0 }));

const A = { kind: RELO_FIELD_BYTE_OFFSET, access: "0:0" };
const HAS_A = { kind: RELO_FIELD_EXISTS, access: "0:0" };

/** Each both ways: [what, asked, old, new, change, change back]. */
const CASES: readonly (readonly [string, Asked, readonly Row[], readonly Row[], RelocationChange, RelocationChange])[] =
  [
    ["the same kernel", A, PLAIN, PLAIN, "same", "same"],
    ["a field at another offset", A, PLAIN, SHIFTED, "moved", "moved"],
    ["a field that goes", A, PLAIN, WITHOUT_A, "newly-poisoned", "newly-resolved"],
    ["a struct that goes", A, PLAIN, WITHOUT_S, "newly-poisoned", "newly-resolved"],
    ["a field that is on neither", A, WITHOUT_A, WITHOUT_S, "same", "same"],
    ["a check of a field that goes", HAS_A, PLAIN, WITHOUT_A, "newly-absent", "newly-resolved"],
    ["a check of a field that moves", HAS_A, PLAIN, SHIFTED, "same", "same"],
    ["a check that is 0 on both", HAS_A, WITHOUT_A, WITHOUT_S, "same", "same"],
    ["two structs of the name", A, PLAIN, TWICE, "newly-ambiguous", "newly-resolved"],
    ["two structs, then none", A, TWICE, WITHOUT_S, "newly-poisoned", "newly-ambiguous"],
    ["an unsigned field that grows, loaded", { ...A, access: "0:1", insn: LOAD_B }, PLAIN, WIDER, "moved", "moved"],
    // r0 = 4, for bpf_probe_read() to read as many bytes as it is told.
    [
      "an unsigned field that grows, of which the address is taken",
      { ...A, access: "0:1", insn: { ...MOV_K, imm: 4 } },
      PLAIN,
      WIDER,
      "same",
      "same",
    ],
    ["a field's size", { kind: RELO_FIELD_BYTE_SIZE, access: "0:0" }, PLAIN, SHIFTED, "same", "same"],
    ["a bitfield's shift", { kind: RELO_FIELD_LSHIFT_U64, access: "0:2" }, BITS, OTHER_BITS, "moved", "moved"],
    ["a type that goes", { kind: RELO_TYPE_EXISTS, access: "0" }, PLAIN, WITHOUT_S, "newly-absent", "newly-resolved"],
    ["a type that grows", { kind: RELO_TYPE_SIZE, access: "0" }, PLAIN, SHIFTED, "moved", "moved"],
    [
      "a type with another id",
      { kind: RELO_TYPE_ID_TARGET, access: "0" },
      PLAIN,
      rows(fwd("x"), PLAIN[3] ?? []),
      "same",
      "same",
    ],
    ["an enumerator's value", { kind: RELO_ENUMVAL_VALUE, access: "0", root: E }, ENUM, REVALUED, "moved", "moved"],
    [
      "an enumerator that goes",
      { kind: RELO_ENUMVAL_VALUE, access: "0", root: E },
      ENUM,
      WITHOUT_ONE,
      "newly-poisoned",
      "newly-resolved",
    ],
    [
      "a check of an enumerator",
      { kind: RELO_ENUMVAL_EXISTS, access: "0", root: E },
      ENUM,
      WITHOUT_ONE,
      "newly-absent",
      "newly-resolved",
    ],
  ];

describe("what a step makes of a relocation", () => {
  it.each(CASES)("%s", (_, asked, old, now, there, back) => {
    expect(one(asked, old, now).relocation.change).toBe(there);
    expect(one(asked, now, old).relocation.change).toBe(back);
  });

  it("has old and new numbers, places and reasons", () => {
    const moved = one(A, PLAIN, SHIFTED).relocation;
    expect(moved.old).toMatchObject({ status: "resolved", value: 0n, place: { bitOffset: 0, bits: 32 }, reason: null });
    expect(moved.new).toMatchObject({ status: "resolved", value: 8n, place: { bitOffset: 64, bits: 32 } });
    const lost = one(A, PLAIN, WITHOUT_A).relocation;
    expect(lost.new).toEqual({
      status: "poisoned",
      value: null,
      loadBytes: null,
      place: null,
      reason: "s has no member a; nearest: b",
    });
    const bits = one({ kind: RELO_FIELD_LSHIFT_U64, access: "0:2" }, BITS, OTHER_BITS).relocation;
    expect([bits.old.place, bits.new.place]).toEqual([
      { bitOffset: 64, bits: 3 },
      { bitOffset: 68, bits: 3 },
    ]);
  });

  it("says that a load moves other bytes where the field has another size", () => {
    const { relocation } = one({ ...A, access: "0:1", insn: LOAD_B }, PLAIN, WIDER);
    expect([relocation.old.loadBytes, relocation.new.loadBytes]).toEqual([4, 8]);
    expect([relocation.old.value, relocation.new.value]).toEqual([4n, 4n]);
  });

  // [what, instruction, bytes it moves on either kernel]
  it.each<[string, Insn, number | null, number | null]>([
    ["a load of the whole field", LOAD_B, 4, 8],
    ["a store", { ...LOAD_B, code: 0x63 }, 4, 8],
    ["a store of a number", { ...LOAD_B, code: 0x62 }, 4, 8],
    ["a number", { ...MOV_K, imm: 4 }, null, null],
  ])("says that %s moves so many bytes", (_what, insn, old, now) => {
    const { relocation } = one({ ...A, access: "0:1", insn }, PLAIN, WIDER);
    expect([relocation.old.loadBytes, relocation.new.loadBytes]).toEqual([old, now]);
  });

  it("says that a load of less than the field moves what it moves", () => {
    const { relocation } = one({ ...A, access: "0:1", insn: { ...LOAD_B, code: 0x69 } }, PLAIN, SHIFTED);
    expect([relocation.old.loadBytes, relocation.new.loadBytes]).toEqual([2, 2]);
  });

  it("is in error where the number does not fit the instruction", () => {
    const far = rows(struct("s", 65_544, [m("b", 2, 65_536 * 8)]));
    const asked = { ...A, access: "0:1", insn: LOAD_B };
    expect(one(asked, PLAIN, far).relocation.change).toBe("newly-error");
    expect(one(asked, far, PLAIN).relocation.change).toBe("newly-resolved");
    expect(one(asked, PLAIN, far).impact).toMatchObject({ worked: true, works: false });
  });
});

describe("a read behind an existence check", () => {
  const exists = { kind: RELO_FIELD_EXISTS, typeId: S, access: "0:0" };
  const read = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:0", insn: 2 };
  /** r0 = does s.a exist; if (r0 == 0) goto end; r0 = s.a; end. */
  const insns: Insn[] = [{ ...MOV_K, imm: 1 }, { code: 0x15, off: 1 }, { ...LDX_W, off: 0 }, EXIT];
  const changes = (impact: ObjectImpact) =>
    impact.programs.flatMap(({ fields }) => fields.map(({ path, change }) => `${path} ${change}`));
  const relocationsOf = (impact: ObjectImpact) =>
    impact.programs.flatMap(({ fields }) => fields.flatMap(({ relocations }) => relocations));

  it("is guarded where the check fails, and the program works", () => {
    const programs = [{ name: "prog", insns, relos: [exists, read] }];
    const impact = impactBetween(programs, PLAIN, WITHOUT_A);
    expect(relocationsOf(impact).map(({ change }) => change)).toEqual(["newly-absent", "newly-guarded"]);
    expect(changes(impact)).toEqual(["s.a newly-guarded"]);
    expect(impact).toMatchObject({ worked: true, works: true });
    expect(relocationsOf(impact)[1]?.new).toMatchObject({ status: "guarded", reason: "s has no member a; nearest: b" });
    const back = impactBetween(programs, WITHOUT_A, PLAIN);
    expect(changes(back)).toEqual(["s.a newly-resolved"]);
    expect(back).toMatchObject({ worked: true, works: true });
    expect(changes(impactBetween(programs, WITHOUT_A, WITHOUT_S))).toEqual(["s.a same"]);
  });

  it("is poisoned where the check is of something else, or has gone", () => {
    const other = { ...exists, access: "0:1" };
    const withoutCheck = [{ name: "prog", insns, relos: [read] }];
    for (const programs of [[{ name: "prog", insns, relos: [other, read] }], withoutCheck]) {
      const impact = impactBetween(programs, PLAIN, WITHOUT_A);
      expect(relocationsOf(impact).at(-1)?.change).toBe("newly-poisoned");
      expect(impact).toMatchObject({ worked: true, works: false });
    }
  });

  it("is newly poisoned where the check newly holds, though it was poisoned before", () => {
    const other = { ...exists, access: "0:1" };
    const neither = rows(struct("s", 8, [m("x", 2, 32)]));
    const impact = impactBetween([{ name: "prog", insns, relos: [other, read] }], neither, WITHOUT_A);
    expect(changes(impact)).toEqual(["s.b newly-resolved", "s.a newly-poisoned"]);
    expect(impact).toMatchObject({ worked: true, works: false });
  });
});

describe("programs", () => {
  const a = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:0" };
  const b = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:1", insn: 1 };
  const load: Insn = { ...LDX_W, off: 0 };

  it("have a verdict each, and group what they ask by field", () => {
    const programs = [
      { name: "first", insns: [load, LOAD_B, load, EXIT], relos: [a, b, { ...a, insn: 2 }] },
      { name: "second", insns: [load, LOAD_B, EXIT], relos: [b] },
    ];
    const impact = impactBetween(programs, PLAIN, WITHOUT_A);
    expect(
      impact.programs.map(({ program, worked, works, change, fields }) => ({
        program,
        worked,
        works,
        change,
        fields: fields.map(({ path, relocations }) => `${path} ${relocations.length}`),
      })),
    ).toEqual([
      { program: "first", worked: true, works: false, change: "newly-poisoned", fields: ["s.a 2", "s.b 1"] },
      { program: "second", worked: true, works: true, change: "same", fields: ["s.b 1"] },
    ]);
    expect(impact).toMatchObject({ worked: true, works: false, skipped: null });
    const back = impactBetween(programs, WITHOUT_A, PLAIN);
    expect(back.programs.map(({ worked, works }) => [worked, works])).toEqual([
      [false, true],
      [true, true],
    ]);
  });

  it("do not work where a subprogram they call does not", () => {
    const call: Insn = { code: 0x85, src: 1, imm: 1 };
    const programs = [
      { name: "caller", section: "socket", insns: [call, EXIT], relos: [] },
      { name: "callee", section: "socket", insns: [load, EXIT], relos: [a] },
      { name: "apart", section: "tp", insns: [LOAD_B, EXIT], relos: [{ ...b, insn: 0 }] },
    ];
    const impact = impactBetween(programs, PLAIN, WITHOUT_A);
    expect(impact.programs.map(({ program, worked, works }) => [program, worked, works])).toEqual([
      ["caller", true, false],
      ["callee", true, false],
      ["apart", true, true],
    ]);
  });

  it("are none where the byte order is another", () => {
    const object = buildObject({ rows: LOCAL, programs: [{ name: "p", insns: [load, EXIT], relos: [a] }] });
    const query = { old: indexOf(PLAIN), new: indexOf(PLAIN, false), rules: LIBBPF_RULES };
    expect(impactOn(object, query)).toMatchObject({
      skipped: "the object is little-endian, the new kernel big-endian",
      programs: [],
    });
    expect(impactOn(object, { ...query, old: query.new, new: query.old }).skipped).toContain("the old kernel");
  });
});
