import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import {
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_RSHIFT_U64,
  RELO_FIELD_SIGNED,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { LIBBPF_RULES } from "../../lib/core/rules.ts";
import { type History, historyBuilder } from "../../lib/diff/history.ts";
import { bitStruct, btf, enumOf, int, m, type Row, struct } from "../btf/builder.ts";
import { buildObject, EXIT, type Insn, LDX_W, MOV_K, type Relo } from "../core/object-builder.ts";

const INT = int("int", 4, 32, 1);
const UINT = int("unsigned int", 4);
const S = 3;
const E = 4;
const local = (...types: readonly Row[]): Row[] => [INT, UINT, ...types];
const LOCAL = local(bitStruct("s", 12, [m("a", 1, 0), m("c", 2, 64, 3), m("u", 2, 32)]), enumOf("e", 4, { ONE: 1 }));

const index = (types: readonly Row[], littleEndian = true): CandidateIndex =>
  indexCandidates(parseBtf(btf(types, { littleEndian }), { source: "kernel" }));
const WITH = (offset: number) =>
  index(local(bitStruct("s", 16, [m("a", 1, offset), m("c", 2, 96, 3)]), enumOf("e", 4, { ONE: offset })));
const WITHOUT = index(local(struct("t", 4, [m("a", 1, 0)])));

function object(relos: readonly (Relo & { readonly insnCode?: Insn })[], source: string) {
  const insns = [...relos.map(({ insnCode }) => insnCode ?? { ...LDX_W, off: 0 }), EXIT];
  const placed = relos.map((relo, insn) => ({ ...relo, insn }));
  return { ...buildObject({ rows: LOCAL, programs: [{ name: "prog", insns, relos: placed }] }), source };
}

const OFFSET_A: Relo = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:0" };
const VALUE_ONE = { kind: RELO_ENUMVAL_VALUE, typeId: E, access: "0", insnCode: { ...MOV_K, imm: 1 } };
const HAS_A = { kind: RELO_FIELD_EXISTS, typeId: S, access: "0:0", insnCode: { ...MOV_K, imm: 1 } };

/** A kind, and what the compiler has put into the instruction. */
type Asked = readonly [kind: number, imm: number];
const [INT_ID, UINT_ID, U16_ID] = [1, 2, 3];
const kernelWith = (member: Row) => local(int("unsigned short", 2), bitStruct("s", 16, [member]));

function statesOf(history: History<string>, path: string): string[] {
  const row = history.rows.find((candidate) => candidate.path === path);
  if (row === undefined) throw new Error(`no row ${path}`);
  return row.cells.map((cell) => {
    const { status, bitOffset, bits, value } = history.states[cell] ?? { status: "none" };
    return [status, bitOffset ?? "-", bits ?? "-", value ?? "-"].join(" ");
  });
}

describe("the history of what objects ask", () => {
  it("has each field on every kernel, in any order", () => {
    const builder = historyBuilder<string>([object([OFFSET_A], "x.o")], LIBBPF_RULES);
    builder.add("b", WITH(32));
    builder.add("a", WITH(0));
    builder.add("c", WITHOUT);
    expect(statesOf(builder.finish(), "s.a")).toEqual(["resolved 32 32 -", "resolved 0 32 -", "poisoned - - -"]);
    const sorted = builder.finish([1, 0, 2]);
    expect(sorted.kernels).toEqual(["a", "b", "c"]);
    expect(statesOf(sorted, "s.a")).toEqual(["resolved 0 32 -", "resolved 32 32 -", "poisoned - - -"]);
    expect(sorted.rows[0]).toMatchObject({ what: "field", kinds: ["byte_off"], changes: 2 });
    expect(sorted.states.at(-1)?.reason).toBe("no struct s");
  });

  it("has bitfields in bits, values of enumerators, sizes of types, and whether there is one", () => {
    const relos = [
      { kind: RELO_FIELD_RSHIFT_U64, typeId: S, access: "0:1", insnCode: { ...MOV_K, imm: 61 } },
      VALUE_ONE,
      { kind: RELO_TYPE_SIZE, typeId: S, access: "0", insnCode: { ...MOV_K, imm: 12 } },
      { kind: RELO_TYPE_EXISTS, typeId: E, access: "0", insnCode: { ...MOV_K, imm: 1 } },
    ];
    const builder = historyBuilder<string>([object(relos, "x.o")], LIBBPF_RULES);
    builder.add("with", WITH(64));
    builder.add("without", WITHOUT);
    const history = builder.finish();
    expect(statesOf(history, "s.c")).toEqual(["resolved 96 3 -", "poisoned - - -"]);
    expect(statesOf(history, "e::ONE")).toEqual(["resolved - - 64", "poisoned - - -"]);
    expect(statesOf(history, "struct s")).toEqual(["resolved - - 16", "absent - - 0"]);
    expect(statesOf(history, "enum e")).toEqual(["resolved - - 1", "absent - - 0"]);
    expect(history.rows.map(({ path }) => path)).toEqual(["e::ONE", "enum e", "s.c", "struct s"]);
  });

  it("takes the worst of what is asked about a field, and joins objects that have the same answers", () => {
    const objects = [
      object([OFFSET_A], "x.o"),
      object([OFFSET_A], "y.o"),
      object([HAS_A], "z.o"),
      object([HAS_A, OFFSET_A], "w.o"),
    ];
    const builder = historyBuilder<string>(objects, LIBBPF_RULES);
    builder.add("with", WITH(0));
    builder.add("without", WITHOUT);
    const { rows, states } = builder.finish();
    expect(
      rows.map(({ users, kinds, cells }) => [users.map((user) => user.object), kinds, states[cells[1] ?? -1]?.status]),
    ).toEqual([
      [["x.o", "y.o", "w.o"], ["byte_off", "field_exists"], "poisoned"],
      [["z.o"], ["field_exists"], "absent"],
    ]);
    expect(rows[0]?.users[0]).toEqual({ object: "x.o", programs: ["prog"] });
  });

  it("skips kernels of another byte order, and those the caller says", () => {
    const builder = historyBuilder<string>([object([OFFSET_A], "x.o"), object([OFFSET_A], "y.o")], LIBBPF_RULES);
    builder.add("big", index(local(struct("s", 4, [m("a", 1, 0)])), false));
    builder.add("some", WITH(0), (at) => at === 1);
    const { rows, states } = builder.finish();
    const said = rows.map(({ users, cells }) => [users[0]?.object, ...cells.map((cell) => states[cell]?.status)]);
    expect(said).toEqual([
      ["x.o", "skipped", "resolved"],
      ["y.o", "skipped", "skipped"],
    ]);
  });

  it.each<[string, readonly Asked[], readonly [Row, Row], number]>([
    ["a number that is no place", [[RELO_FIELD_SIGNED, 1]], [m("a", INT_ID, 0), m("a", UINT_ID, 0)], 1],
    [
      "a number of several",
      [
        [RELO_FIELD_BYTE_OFFSET, 0],
        [RELO_FIELD_BYTE_SIZE, 4],
      ],
      [m("a", INT_ID, 0), m("a", U16_ID, 0)],
      1,
    ],
    ["bits of a bitfield", [[RELO_FIELD_RSHIFT_U64, 32]], [m("a", INT_ID, 0, 7), m("a", INT_ID, 0, 9)], 1],
    [
      "a place, also of what is only asked whether it is there",
      [[RELO_FIELD_EXISTS, 1]],
      [m("a", INT_ID, 0), m("a", INT_ID, 32)],
      1,
    ],
    ["no size that nobody asks", [[RELO_FIELD_EXISTS, 1]], [m("a", INT_ID, 0), m("a", U16_ID, 0)], 0],
    ["no sign that nobody asks", [[RELO_FIELD_BYTE_SIZE, 4]], [m("a", INT_ID, 0), m("a", UINT_ID, 0)], 0],
  ])("sees %s", (_what, asked, [before, after], changes) => {
    const relos = asked.map(([kind, imm]) => ({ kind, typeId: S, access: "0:0", insnCode: { ...MOV_K, imm } }));
    const builder = historyBuilder<string>([object(relos, "x.o")], LIBBPF_RULES);
    for (const member of [before, after, after]) builder.add("k", index(kernelWith(member)));
    const { rows, states } = builder.finish();
    expect(rows.map((row) => row.changes)).toEqual([changes]);
    expect(states).toHaveLength(1 + changes);
  });

  it("sees a load of another size, and what each relocation gets", () => {
    const load = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:2", insnCode: { ...LDX_W, off: 4 } };
    const builder = historyBuilder<string>([object([load], "x.o")], LIBBPF_RULES);
    for (const type of [UINT_ID, U16_ID]) builder.add("k", index(kernelWith(m("u", type, 32))));
    builder.add("without", WITHOUT);
    const { rows, states } = builder.finish();
    expect(rows.map(({ changes }) => changes)).toEqual([2]);
    expect(states.map(({ bits, answers }) => [bits, answers])).toEqual([
      [32, [{ kind: "byte_off", status: "resolved", value: 4n, loadBytes: 4 }]],
      [16, [{ kind: "byte_off", status: "resolved", value: 4n, loadBytes: 2 }]],
      [null, [{ kind: "byte_off", status: "poisoned", value: null, loadBytes: null }]],
    ]);
  });

  it("sees neither other ids of types nor other reasons", () => {
    const relos = [{ kind: RELO_TYPE_ID_TARGET, typeId: E, access: "0", insnCode: { ...MOV_K, imm: E } }, OFFSET_A];
    const builder = historyBuilder<string>([object(relos, "x.o")], LIBBPF_RULES);
    builder.add("one", index(local(struct("s", 4, [m("b", 1, 0)]), enumOf("e", 4, { ONE: 1 }))));
    builder.add("other", index(local(enumOf("e", 4, { ONE: 1 }))));
    const { rows, states } = builder.finish();
    expect(rows.map(({ path, changes }) => [path, changes])).toEqual([
      ["enum e", 0],
      ["s.a", 0],
    ]);
    expect(states.map(({ reason }) => reason)).toEqual([null, "s has no member a", "no struct s"]);
  });

  it("joins objects that change on the same kernels, and no others", () => {
    const load = { kind: RELO_FIELD_BYTE_OFFSET, typeId: S, access: "0:2", insnCode: { ...LDX_W, off: 4 } };
    const exists = { ...load, kind: RELO_FIELD_EXISTS, insnCode: { ...MOV_K, imm: 1 } };
    const signed = { ...load, kind: RELO_FIELD_SIGNED, insnCode: { ...MOV_K, imm: 0 } };
    const objects = [object([load], "load.o"), object([exists], "exists.o"), object([load, exists], "both.o")];
    const builder = historyBuilder<string>([...objects, object([signed], "signed.o")], LIBBPF_RULES);
    for (const type of [UINT_ID, U16_ID]) builder.add("k", index(kernelWith(m("u", type, 32))));
    const { rows, states } = builder.finish();
    expect(rows.map(({ users, kinds, changes }) => [users.map((user) => user.object), kinds, changes])).toEqual([
      [["load.o", "both.o"], ["byte_off", "field_exists"], 1],
      [["exists.o", "signed.o"], ["field_exists", "signed"], 0],
    ]);
    const kinds = rows.map(({ cells }) => cells.map((cell) => states[cell]?.answers.map(({ kind }) => kind).join()));
    expect(kinds).toEqual([
      ["byte_off,field_exists", "byte_off,field_exists"],
      ["field_exists,signed", "field_exists,signed"],
    ]);
  });

  it("takes another name that comes near for no change", () => {
    const builder = historyBuilder<string>([object([OFFSET_A, VALUE_ONE], "x.o")], LIBBPF_RULES);
    const near = (type: string, member: string, enumerator: string) =>
      index(local(struct(type, 8, [m(member, 1, 0)]), enumOf("e", 4, { [enumerator]: 1 })));
    builder.add("a type", near("t", "a", "ONES"));
    builder.add("another", near("u", "a", "ONCE"));
    builder.add("a member", near("s", "aa", "TWO"));
    builder.add("another", near("s", "ab", "ONE_"));
    const { rows, states } = builder.finish();
    const [enumerator, type, member] = ["enum e has no ONE", "no struct s", "s has no member a"];
    expect(rows.map(({ path, cells }) => [path, ...cells.map((cell) => states[cell]?.reason)])).toEqual([
      ["e::ONE", enumerator, enumerator, enumerator, enumerator],
      ["s.a", type, type, member, member],
    ]);
    expect(states).toHaveLength(3);
  });

  it("counts changes over the kernels that a field is asked of", () => {
    const builder = historyBuilder<string>([object([OFFSET_A], "x.o")], LIBBPF_RULES);
    builder.add("first", WITH(0));
    builder.add("big", index(local(struct("s", 4, [m("a", 1, 0)])), false));
    builder.add("same", WITH(0));
    expect(builder.finish().rows.map(({ changes }) => changes)).toEqual([0]);
    builder.add("moved", WITH(32));
    expect(builder.finish().rows.map(({ changes }) => changes)).toEqual([1]);
    expect(builder.finish([3, 0, 1, 2]).rows.map(({ changes }) => changes)).toEqual([1]);
    expect(builder.finish([0, 3, 1, 2]).rows.map(({ changes }) => changes)).toEqual([2]);
  });
});
