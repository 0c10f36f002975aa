import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KIND_STRUCT } from "../../lib/btf/format.ts";
import { type KernelField, kernelFields } from "../../lib/core/kernel-fields.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { RELO_TYPE_ID_LOCAL } from "../../lib/core/relo-kind.ts";
import * as make from "../btf/builder.ts";
import { buildObject, EXIT, MOV_K } from "./object-builder.ts";

const fixture = (name: string) =>
  parseBpfObject(readFileSync(join(import.meta.dirname, "../fixtures/objects", name)), name);

const [INT, TASK, KPTR, TASK_PTR, UNTRUSTED, PERCPU, OWN] = [1, 2, 3, 4, 5, 7, 9];
/** An int, a struct with an int, and pointers to it with each tag. */
const COMMON: readonly make.Row[] = [
  make.int("int", 4),
  make.struct("task_struct", 4, [make.m("pid", INT, 0)]),
  make.typeTag("kptr", TASK),
  make.ptr(KPTR),
  make.typeTag("kptr_untrusted", TASK),
  make.ptr(UNTRUSTED),
  make.typeTag("percpu_kptr", TASK),
  make.ptr(PERCPU),
];

/** Fields of a global variable of type OWN: own rows follow the common ones, with ids from OWN on. */
function fieldsOf(own: readonly make.Row[], section = ".bss"): KernelField[] {
  const variable = OWN + own.length;
  const rows = [...COMMON, ...own, make.variable("value", OWN), make.datasec(section, 8, [make.place(variable, 0, 8)])];
  return kernelFields(buildObject({ rows, programs: [] }));
}

/** Fields of a map whose value is the type OWN. */
function fieldsOfMap(own: readonly make.Row[]): KernelField[] {
  const [pointer, map, variable] = [0, 1, 2].map((i) => OWN + own.length + i) as [number, number, number];
  const rows = [
    ...COMMON,
    ...own,
    make.ptr(OWN),
    make.struct("", 8, [make.m("value", pointer, 0)]),
    make.variable("values", map),
    make.datasec(".maps", 8, [make.place(variable, 0, 8)]),
  ];
  return kernelFields(buildObject({ rows, programs: [] }));
}

const brief = (fields: readonly KernelField[]) =>
  fields.map(({ path, offset, count, kind, problem }) => [path, offset, count, kind, problem?.code ?? null]);

describe("kernelFields", () => {
  it("finds what the fixture's map holds", () => {
    const fields = kernelFields(fixture("kptr.o"));
    expect(fields.map(({ where, owner }) => [where, owner])).toEqual(new Array(4).fill(["map", "slots"]));
    expect(brief(fields)).toEqual([
      ["lock", 0, 1, "bpf_spin_lock", null],
      ["timer", 8, 1, "bpf_timer", null],
      ["task", 24, 1, "referenced", null],
      ["cgroup", 32, 1, "referenced", null],
    ]);
    expect(fields.map(({ pointee, tags }) => [pointee, tags])).toEqual([
      [null, []],
      [null, []],
      [{ name: "task_struct", kind: KIND_STRUCT }, ["kptr"]],
      [{ name: "cgroup", kind: KIND_STRUCT }, ["kptr"]],
    ]);
  });

  it.each(["exec.o", "globals.o", "no_btf.o"])("finds nothing in %s", (name) => {
    expect(kernelFields(fixture(name))).toEqual([]);
  });

  it("tells the kinds of pointers apart, in structs, arrays and both", () => {
    const inner = OWN + 1;
    const array = OWN + 2;
    const pointers = OWN + 3;
    const own = [
      make.struct("value", 96, [
        make.m("plain", INT, 0),
        make.m("task", TASK_PTR, 64),
        make.m("weak", UNTRUSTED + 1, 128),
        make.m("inner", inner, 192),
        make.m("several", array, 256),
        make.m("row", pointers, 384),
      ]),
      make.struct("inner", 8, [make.m("own", PERCPU + 1, 0)]),
      make.array(inner, INT, 2),
      make.array(TASK_PTR, INT, 3),
    ];
    const expected = [
      ["task", 8, 1, "referenced", null],
      ["weak", 16, 1, "unreferenced", null],
      ["inner.own", 24, 1, "percpu", null],
      ["several[0..1].own", 32, 2, "percpu", null],
      ["row[0..2]", 48, 3, "referenced", null],
    ];
    expect(brief(fieldsOf(own))).toEqual(expected);
    expect(brief(fieldsOfMap(own))).toEqual(expected);
  });

  const first = OWN + 1;
  it.each<[string, string | null, readonly make.Row[], number]>([
    [
      "a tag and a qualifier behind it",
      null,
      [make.constOf(TASK), make.typeTag("kptr", first), make.ptr(first + 1)],
      3,
    ],
    ["a tag behind const", "tag-order", [make.constOf(KPTR), make.ptr(first)], 2],
    ["a tag behind a typedef", "tag-order", [make.typedef("task_t", KPTR), make.ptr(first)], 2],
    [
      "a tag, const, and another tag",
      "tag-order",
      [make.constOf(KPTR), make.typeTag("rcu", first), make.ptr(first + 1)],
      3,
    ],
    ["two tags", "several-tags", [make.typeTag("rcu", KPTR), make.ptr(first)], 2],
    ["the old name of a tag", "old-tag", [make.typeTag("kptr_ref", TASK), make.ptr(first)], 2],
    ["an int", "not-a-struct", [make.typeTag("kptr", INT), make.ptr(first)], 2],
    ["a struct only declared", "not-a-struct", [make.fwd("t"), make.typeTag("kptr", first), make.ptr(first + 1)], 3],
    ["a union", "not-a-struct", [make.union("u", 4), make.typeTag("kptr", first), make.ptr(first + 1)], 3],
    ["void", "not-a-struct", [make.typeTag("kptr", 0), make.ptr(first)], 2],
    ["a volatile pointer", null, [make.volatileOf(TASK_PTR)], 1],
    ["a const pointer", "not-seen", [make.constOf(TASK_PTR)], 1],
    ["a typedef of a pointer", "not-seen", [make.typedef("task_ref", TASK_PTR)], 1],
    ["a pointer in a union", "not-seen", [make.union("u", 8, [make.m("task", TASK_PTR, 0)])], 1],
  ])("judges %s: %s", (_, code, rows, last) => {
    const own = [make.struct("value", 8, [make.m("field", OWN + last, 0)]), ...rows];
    expect(fieldsOf(own).map(({ problem }) => problem?.code ?? null)).toEqual([code]);
  });

  it.each<[string, readonly make.Row[]]>([
    ["another tag", [make.typeTag("rcu", TASK), make.ptr(first)]],
    ["an attribute of C that is called kptr", [make.typeTag("kptr", TASK, 1), make.ptr(first)]],
    ["no tag", [make.ptr(TASK)]],
  ])("leaves a pointer with %s alone", (_, rows) => {
    expect(fieldsOf([make.struct("value", 8, [make.m("field", OWN + rows.length, 0)]), ...rows])).toEqual([]);
  });

  it("says where a pointer lies askew", () => {
    const fields = fieldsOf([make.struct("value", 12, [make.m("field", TASK_PTR, 32)])]);
    expect(brief(fields)).toEqual([["field", 4, 1, "referenced", "misaligned"]]);
  });

  it("takes a map's value that is a typedef of a struct, and none that is no struct", () => {
    const struct = make.struct("value", 8, [make.m("field", TASK_PTR, 0)]);
    expect(brief(fieldsOfMap([make.typedef("value_t", OWN + 1), struct]))).toEqual([
      ["field", 0, 1, "referenced", null],
    ]);
    expect(brief(fieldsOf([make.typedef("value_t", OWN + 1), struct]))).toEqual([
      ["field", 0, 1, "referenced", "not-seen"],
    ]);
    expect(brief(fieldsOfMap([make.ptr(KPTR)]))).toEqual([["", 0, 1, "referenced", "not-seen"]]);
    expect(brief(fieldsOf([make.ptr(KPTR)]))).toEqual([["", 0, 1, "referenced", null]]);
  });

  it("counts all fields of a value", () => {
    const of = (length: number) => [
      make.struct("value", 200, [make.m("row", OWN + 1, 0), make.m("lock", OWN + 2, 1536)]),
      make.array(TASK_PTR, INT, length),
      make.struct("bpf_spin_lock", 4),
    ];
    expect(fieldsOf(of(10)).map(({ problem }) => problem)).toEqual([null, null]);
    expect(fieldsOf(of(11)).map(({ problem }) => problem?.text)).toEqual(
      new Array(2).fill("there are 12 such fields, and the kernel takes 11 in one"),
    );
    expect(fieldsOf([make.struct("value", 8, [make.m("row", OWN + 1, 0)]), make.array(TASK_PTR, INT, 0)])).toEqual([]);
  });

  it("looks at special structs by name, as members and as variables", () => {
    expect(brief(fieldsOf([make.struct("bpf_list_head", 16)]))).toEqual([["", 0, 1, "bpf_list_head", null]]);
    expect(fieldsOfMap([make.struct("bpf_timer", 16)])).toEqual([]);
    const own = [make.struct("value", 16, [make.m("timer", OWN + 1, 0)]), make.struct("bpf_timer", 16)];
    expect(brief(fieldsOfMap(own))).toEqual([["timer", 0, 1, "bpf_timer", null]]);
  });

  it("looks into what programs allocate", () => {
    const rows = [...COMMON, make.struct("node", 8, [make.m("task", TASK_PTR, 0)])];
    const relos = [{ kind: RELO_TYPE_ID_LOCAL, typeId: OWN, access: "0" }];
    const object = buildObject({ rows, programs: [{ name: "p", insns: [MOV_K, EXIT], relos }] });
    expect(kernelFields(object)).toEqual([
      expect.objectContaining({ where: "local", owner: "node", path: "task", offset: 0, kind: "referenced" }),
    ]);
  });

  it("comes to an end with types that go round in a circle", () => {
    const own = [make.struct("value", 8, [make.m("self", OWN + 1, 0)]), make.typedef("again", OWN)];
    expect(fieldsOf(own)).toEqual([]);
    const wide = new Array(40).fill(make.m("self", OWN, 0)) as make.Row[];
    expect(fieldsOf([make.struct("value", 8, wide)])).toEqual([]);
  });
});
