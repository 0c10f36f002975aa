import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { describeRecords, describeRelocations, type ReloDescription } from "../../lib/core/describe.ts";
import {
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_EXISTS,
  RELO_FIELD_RSHIFT_U64,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_LOCAL,
  RELO_TYPE_MATCHES,
  RELO_TYPE_SIZE,
} from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import {
  array,
  bitStruct,
  btf,
  enum64,
  enumOf,
  fwd,
  int,
  m,
  param,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  union,
} from "../btf/builder.ts";
import { buildObject, EXIT, type Insn, LDX_W, MOV_K } from "./object-builder.ts";

const INT = int("int", 4, 32, 1);
const UNSIGNED = int("unsigned int", 4);

interface Case {
  readonly local: readonly Row[];
  readonly target: readonly Row[];
  readonly kind?: number;
  /** Root in the local types; the first by default. */
  readonly root?: number;
  readonly access: string;
  readonly insn?: Insn;
}

/** Resolves and describes one relocation of one program. */
function describeOne({ local, target, kind = RELO_FIELD_EXISTS, root = 1, access, insn }: Case): ReloDescription {
  const relos = [{ kind, typeId: root, access }];
  const object = buildObject({
    rows: local,
    programs: [{ name: "prog", insns: [insn ?? { ...MOV_K, imm: 1 }, EXIT], relos }],
  });
  const index = indexCandidates(parseBtf(btf(target), { source: "target" }));
  const [description] = describeRecords(resolveObject(object, index), index.btf);
  if (description === undefined) throw new Error("no relocation");
  return description;
}

describe("paths as a person writes them", () => {
  const types = [
    struct("s", 64, [m("a", 3, 0), m("", 4, 128), m("in", 5, 192), m("next", 6, 320)]),
    INT,
    array(2, 2, 4),
    union("", 4, [m("x", 2, 0), m("y", 2, 0)]),
    struct("inner", 16, [m("list", 3, 0)]),
    ptr(1),
    enumOf("e", 4, { ONE: 1, TWO: 2 }),
    typedef("s_t", 1),
    typedef("s_ptr", 6),
    array(3, 2, 2),
    struct("grid___v2", 32, [m("cells", 10, 0)]),
  ];
  it.each([
    [RELO_FIELD_EXISTS, 1, "0", "s"],
    [RELO_FIELD_EXISTS, 1, "0:3", "s.next"],
    [RELO_FIELD_EXISTS, 1, "2:3", "s[2].next"],
    [RELO_FIELD_EXISTS, 1, "0:0:3", "s.a[3]"],
    [RELO_FIELD_EXISTS, 1, "0:1:1", "s.y"],
    [RELO_FIELD_EXISTS, 1, "0:2:0:2", "s.in.list[2]"],
    [RELO_FIELD_EXISTS, 8, "0:3", "s_t.next"],
    [RELO_FIELD_EXISTS, 11, "0:0:1:3", "grid___v2.cells[1][3]"],
    [RELO_ENUMVAL_VALUE, 7, "1", "e::TWO"],
    [RELO_TYPE_EXISTS, 1, "0", "struct s"],
    [RELO_TYPE_SIZE, 7, "0", "enum e"],
    [RELO_TYPE_SIZE, 8, "0", "s_t"],
    [RELO_TYPE_ID_LOCAL, 6, "0", "struct s *"],
    [RELO_TYPE_ID_LOCAL, 4, "0", "union {...}"],
    [RELO_TYPE_ID_LOCAL, 10, "0", "int[2][4]"],
  ])("kind %i, root %i, %s is %s", (kind, root, access, path) => {
    const object = buildObject({
      rows: types,
      programs: [{ name: "prog", insns: [MOV_K, EXIT], relos: [{ kind, typeId: root, access }] }],
    });
    const [alone] = describeRelocations(object);
    expect(alone?.local.path).toBe(path);
    expect(alone?.result).toBeNull();
    // The target's path is written the same way.
    if (kind !== RELO_TYPE_ID_LOCAL) {
      const { result } = describeOne({ local: types, target: types, kind, root, access, insn: MOV_K });
      expect(result?.candidates.map((candidate) => candidate.path)).toEqual([path]);
    }
  });

  it("has no path for an access string that makes no sense, on any target", () => {
    const bad = describeOne({ local: types, target: types, access: "0:9" });
    expect(bad.local.path).toBeNull();
    expect(bad.original).toBeNull();
    expect(bad.result).toMatchObject({ status: "error", reason: 'access string "0:9": member 9 of 4', candidates: [] });
  });
});

describe("why a field is not there", () => {
  const s = (...members: Row[]) => struct("s", 64, members);
  it.each<[string, Row[], Row[], string, string | null]>([
    ["it is", [s(m("x", 2, 0)), INT], [s(m("x", 2, 32)), INT], "0:0", null],
    [
      "misspelt",
      [s(m("state", 2, 0)), INT],
      [s(m("__state", 2, 0)), INT],
      "0:0",
      "s has no member state; nearest: __state",
    ],
    [
      "common beginning",
      [s(m("skc_foo", 2, 0)), INT],
      [s(m("other", 2, 0), m("skc_family", 2, 0)), INT],
      "0:0",
      "s has no member skc_foo; nearest: skc_family",
    ],
    [
      "renamed with underscores",
      [s(m("state", 2, 0)), INT],
      [s(m("stats", 2, 0), m("__state", 2, 32)), INT],
      "0:0",
      "s has no member state; nearest: __state",
    ],
    ["nothing near", [s(m("state", 2, 0)), INT], [s(m("y", 2, 0)), INT], "0:0", "s has no member state"],
    [
      "nearest in an anonymous member",
      [s(m("state", 2, 0)), INT],
      [s(m("", 3, 0)), INT, union("", 4, [m("stat", 2, 0)])],
      "0:0",
      "s has no member state; nearest: stat",
    ],
    [
      "another kind",
      [s(m("x", 3, 0)), INT, ptr(2)],
      [s(m("x", 2, 0)), INT],
      "0:0",
      "member x is an integer (int) there, a pointer (int *) here",
    ],
    [
      "another kind in an anonymous member",
      [s(m("x", 2, 0)), INT],
      [s(m("", 3, 0)), INT, union("", 8, [m("x", 4, 0)]), ptr(0)],
      "0:0",
      "member x is a pointer (void *) there, an integer (int) here",
    ],
    [
      "another enum",
      [s(m("x", 2, 0)), enumOf("a", 4, { A: 0 })],
      [s(m("x", 2, 0)), enumOf("b", 4, { A: 0 })],
      "0:0",
      "member x is an enum (enum b) there, an enum (enum a) here",
    ],
    [
      "an INT of old compilers",
      [s(m("x", 2, 0)), INT],
      [s(m("x", 2, 0)), int("int", 4, 3, 0, 5)],
      "0:0",
      "member x is an integer with a bit offset of its own (int) there, an integer (int) here",
    ],
    [
      "a shorter array",
      [s(m("a", 3, 0)), INT, array(2, 2, 8)],
      [s(m("a", 3, 0)), INT, array(2, 2, 4)],
      "0:0:7",
      "array s.a has 4 elements, index 7",
    ],
    [
      "no elements in the middle",
      [s(m("a", 3, 0)), INT, array(2, 2, 8)],
      [s(m("a", 3, 0), m("b", 2, 0)), INT, array(2, 2, 0)],
      "0:0:1",
      "array s.a has no elements and is not the last member, index 1",
    ],
    ["a flexible array", [s(m("a", 3, 0)), INT, array(2, 2, 8)], [s(m("a", 3, 0)), INT, array(2, 2, 0)], "0:0:1", null],
    [
      "a member without members",
      [s(m("t", 3, 0)), INT, struct("t", 4, [m("x", 2, 0)])],
      [s(m("t", 3, 0)), INT, union("t", 4, [m("y", 2, 0)])],
      "0:0:0",
      "t has no member x; nearest: y",
    ],
  ])("%s", (_, local, target, access, failure) => {
    const { result } = describeOne({ local, target, access });
    expect(result?.candidates.map((candidate) => candidate.failure)).toEqual([failure]);
    expect(result?.status).toBe(failure === null ? "resolved" : "absent");
    expect(result?.reason).toBe(failure);
  });
});

describe("why no type will do", () => {
  const s = struct("task_struct___x", 4, [m("x", 2, 0)]);
  it.each<[string, Row[], Row[], string]>([
    ["no such name", [s, INT], [struct("sock", 4, []), INT], "no struct task_struct"],
    ["a near name", [s, INT], [struct("task_stuct", 4, []), INT], "no struct task_struct; nearest: task_stuct"],
    [
      "another kind",
      [s, INT],
      [union("task_struct", 4, []), INT],
      "no struct task_struct; task_struct is a union there",
    ],
    [
      "two other kinds",
      [s, INT],
      [fwd("task_struct"), INT, typedef("task_struct", 2)],
      "no struct task_struct; task_struct is a forward declaration and a typedef there",
    ],
    ["an enum", [enumOf("mode", 4, { A: 0 })], [enumOf("mods", 4, {})], "no enum mode; nearest: mods"],
    ["a typedef", [typedef("work_t", 2), INT], [INT], "no typedef work_t"],
  ])("%s", (_, local, target, reason) => {
    const { result } = describeOne({ local, target, kind: RELO_TYPE_EXISTS, access: "0" });
    expect(result).toMatchObject({ status: "absent", candidates: [], chosen: null, value: 0n, reason });
  });

  const callback = (...params: Row[]) => [
    typedef("fn", 2),
    ptr(3),
    proto(0, params),
    INT,
    fwd("f"),
    struct("f", 4, []),
  ];
  it.each<[string, Row[], Row[], string | null]>([
    ["the same", callback(param("", 4)), callback(param("", 4)), null],
    [
      "more parameters",
      callback(param("", 4)),
      callback(param("", 4), param("", 4)),
      "the function takes 2 parameters there, 1 here",
    ],
    [
      "another parameter",
      callback(param("", 4), param("", 5)),
      callback(param("", 4), param("", 6)),
      "parameter 2: a struct (struct f) there, a forward declaration (struct f) here",
    ],
    [
      "another root",
      [typedef("fn", 2), INT],
      [typedef("fn", 2), ptr(0)],
      "it is a pointer (void *) there, an integer (int) here",
    ],
  ])("type_exists: %s", (_, local, target, reason) => {
    const { result } = describeOne({ local, target, kind: RELO_TYPE_EXISTS, access: "0" });
    expect(result?.reason).toBe(reason);
    expect(result?.status).toBe(reason === null ? "resolved" : "absent");
  });

  const s1 = (type: Row, ...more: Row[]) => [struct("s", 8, [m("a", 2, 0)]), type, ...more];
  it.each<[string, Row[], Row[], string | null]>([
    ["the same", s1(INT), s1(INT), null],
    ["a member less", s1(INT), [struct("s", 8, [m("b", 2, 0)]), INT], "s has no member a; nearest: b"],
    [
      "a member in an anonymous one",
      s1(INT),
      [struct("s", 8, [m("", 3, 0)]), INT, union("", 4, [m("a", 2, 0)])],
      "s has a in an anonymous member, where type_matches does not look",
    ],
    [
      "another sign",
      s1(INT),
      s1(int("int", 4)),
      "member a: an unsigned integer of 4 bytes there, a signed integer of 4 bytes here",
    ],
    ["another name", s1(INT), s1(UNSIGNED), "member a: an integer (unsigned int) there, an integer (int) here"],
    [
      "another length",
      s1(array(3, 3, 2), INT),
      s1(array(3, 3, 1), INT),
      "member a: an array of length 1 there, of 2 here",
    ],
    [
      "an enumerator less",
      s1(enumOf("e", 4, { SOME: 1, OTHER: 2 })),
      s1(enumOf("e", 4, { SOME: 1, OTHERS: 2 })),
      "member a: enum e has no OTHER; nearest: OTHERS",
    ],
  ])("type_matches: %s", (_, local, target, reason) => {
    const { result } = describeOne({ local, target, kind: RELO_TYPE_MATCHES, access: "0" });
    expect(result?.reason).toBe(reason);
    expect(result?.status).toBe(reason === null ? "resolved" : "absent");
  });
});

describe("why no enumerator will do", () => {
  it.each<[string, Row[], string | null]>([
    ["it is there", [enumOf("e", 4, { FIRST: 1, SECOND: 7 })], null],
    ["misspelt", [enumOf("e", 4, { FIRST: 1, SECONDS: 7 })], "enum e has no SECOND; nearest: SECONDS"],
    ["nothing near", [enumOf("e", 4, { A: 1 })], "enum e has no SECOND"],
  ])("%s", (_, target, reason) => {
    const local = [enumOf("e", 4, { FIRST: 1, SECOND: 2 })];
    const insn = { ...MOV_K, imm: 2 };
    const { original, result } = describeOne({ local, target, kind: RELO_ENUMVAL_VALUE, access: "1", insn });
    expect(original).toBe(2n);
    expect(result).toMatchObject({
      status: reason === null ? "resolved" : "poisoned",
      value: reason === null ? 7n : null,
      reason,
    });
  });
});

describe("what becomes of the instruction", () => {
  const rows = (type: Row, bits = 0) => [struct("s", 65536, [m("x", 2, bits)]), type];
  const offset = (local: Row[], target: Row[], insn: Insn) =>
    describeOne({ local, target, kind: RELO_FIELD_BYTE_OFFSET, access: "0:0", insn }).result;

  it("names the new offset", () => {
    expect(offset(rows(INT), rows(INT, 64), LDX_W)).toMatchObject({
      status: "resolved",
      reason: null,
      value: 8n,
      resize: null,
      chosen: 0,
      candidates: [{ id: 1, kind: "STRUCT", name: "s", module: null, outcome: "match", path: "s.x", byteOffset: 8 }],
    });
  });

  it("names a load's new size", () => {
    const result = offset(rows(UNSIGNED), rows(int("u64", 8)), LDX_W);
    expect(result).toMatchObject({ status: "resolved", value: 0n, resize: { from: 4, to: 8 } });
    // An addition of the offset does not load anything.
    expect(offset(rows(UNSIGNED), rows(int("u64", 8)), MOV_K)).toMatchObject({ status: "resolved", resize: null });
  });

  it("poisons a load of a signed integer that has another size", () => {
    expect(offset(rows(INT), rows(int("s64", 8, 64, 1)), LDX_W)).toMatchObject({
      status: "poisoned",
      value: null,
      reason:
        "the field has 8 bytes there, 4 bytes here; only pointers and unsigned integers can be loaded by another size",
    });
    expect(offset(rows(INT), rows(int("s64", 8, 64, 1)), MOV_K)).toMatchObject({ status: "resolved", value: 0n });
  });

  it("poisons a plain load of what has become a bitfield", () => {
    const bits = [bitStruct("s", 8, [m("x", 2, 3, 5)]), UNSIGNED];
    expect(offset(rows(UNSIGNED), bits, LDX_W)).toMatchObject({
      status: "poisoned",
      reason: "the field is a bitfield there, which a plain load or store cannot take",
    });
  });

  it("is an error when the instruction cannot hold the value, or does not hold the old one", () => {
    expect(offset(rows(INT), rows(INT, 40000 * 8), LDX_W)).toMatchObject({
      status: "error",
      reason: "offset 40000 is more than a load or store can have",
    });
    expect(offset(rows(INT), rows(INT, 64), { ...LDX_W, off: 5 })).toMatchObject({
      status: "error",
      reason: "the instruction has 5, but the relocation expects 0 (to become 8)",
    });
  });

  it("is an error when the field is there but cannot be asked for that", () => {
    const types = [struct("s", 16, [m("a", 3, 0)]), INT, array(2, 2, 4)];
    const { result } = describeOne({ local: types, target: types, kind: RELO_FIELD_RSHIFT_U64, access: "0:0:1" });
    expect(result).toMatchObject({
      status: "error",
      reason: "candidate [1] s: the field is there, but what is asked of it cannot be told (error -22)",
    });
  });

  it("tells candidates that disagree", () => {
    const target = [...rows(INT), struct("s", 8, [m("x", 2, 32)])];
    expect(offset(rows(INT), target, LDX_W)).toMatchObject({
      status: "ambiguous",
      value: null,
      chosen: null,
      reason: "candidates [1] and [3] have the field at bit 0 and at bit 32",
      candidates: [{ value: 0n }, { value: 4n }],
    });
  });
});

describe("several relocations", () => {
  it("says when an earlier one has ruled a candidate out", () => {
    const local = [struct("s", 8, [m("x", 2, 0), m("y", 2, 32)]), INT];
    const target = [struct("s", 8, [m("x", 2, 0)]), INT, struct("s", 8, [m("y", 2, 32)])];
    const relos = ["0:0", "0:1"].map((access, insn) => ({ kind: RELO_FIELD_EXISTS, typeId: 1, access, insn }));
    const insns = [{ ...MOV_K, imm: 1 }, { ...MOV_K, imm: 1 }, EXIT];
    const object = buildObject({ rows: local, programs: [{ name: "prog", insns, relos }] });
    const index = indexCandidates(parseBtf(btf(target)));
    const [first, second] = describeRecords(resolveObject(object, index), index.btf);
    expect(first?.result).toMatchObject({ status: "resolved", value: 1n, chosen: 0 });
    expect(second).toMatchObject({ program: "prog", instruction: 1, index: 1 });
    expect(second?.result).toMatchObject({
      status: "absent",
      reason:
        "candidate [1] s: s has no member y; nearest: x; " +
        "candidate [3] s: it matches, but an earlier relocation of the same type has ruled it out",
      candidates: [{ outcome: "no match" }, { outcome: "match" }],
    });
  });

  it("says that the kernel takes no enum for one of another width", () => {
    const rows = [enumOf("e", 4, { A: 1 }), enum64("f", 8, { A: 1n })];
    const relos = [1, 2].map((typeId, insn) => ({ kind: RELO_ENUMVAL_EXISTS, typeId, access: "0", insn }));
    const insns = [{ ...MOV_K, imm: 1 }, { ...MOV_K, imm: 1 }, EXIT];
    const object = buildObject({ rows, programs: [{ name: "prog", insns, relos }] });
    const index = indexCandidates(parseBtf(btf([enum64("e", 8, { A: 1n }), enumOf("f", 4, { A: 1 })])));
    const reasons = [LIBBPF_RULES, KERNEL_RULES].map((rules) =>
      describeRecords(resolveObject(object, index, { rules }), index.btf, rules).map(({ result }) => result?.reason),
    );
    expect(reasons).toEqual([
      [null, null],
      ["no enum e; e is an enum64 there", "no enum64 f; f is an enum there"],
    ]);
  });

  it("passes over an instruction that no program holds", () => {
    const rows = [struct("s", 8, [m("x", 2, 0)]), INT];
    const relos = [{ kind: RELO_FIELD_EXISTS, typeId: 1, access: "0:0", insn: 7 }];
    const object = buildObject({ rows, programs: [{ name: "prog", insns: [MOV_K, EXIT], relos }] });
    const index = indexCandidates(parseBtf(btf([INT])));
    const [description] = describeRecords(resolveObject(object, index), index.btf);
    expect(description).toMatchObject({ program: null, instruction: 7, section: "socket" });
    expect(description?.result).toMatchObject({ status: "skipped", value: null, chosen: null });
  });

  it("numbers a module's types as its file does, and names the module", () => {
    const base = parseBtf(btf([INT]), { source: "vmlinux" });
    const module = (name: string) => ({
      source: name,
      bytes: btf([struct(name, 4, [m("x", 1, 0)])], { base }),
    });
    const view = parseModules(base, [module("first"), module("second")]);
    const relos = [{ kind: RELO_FIELD_EXISTS, typeId: 1, access: "0:0" }];
    const rows = [struct("second", 4, [m("x", 2, 0)]), INT];
    const object = buildObject({ rows, programs: [{ name: "p", insns: [{ ...MOV_K, imm: 1 }, EXIT], relos }] });
    const [description] = describeRecords(resolveObject(object, indexCandidates(view)), view);
    expect(description?.result?.candidates).toMatchObject([{ id: 2, module: "second", outcome: "match" }]);
  });
});
