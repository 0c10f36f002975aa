import { describe, expect, it } from "vitest";
import { KIND_FUNC, KIND_VAR } from "../../lib/btf/format.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { compareTargets } from "../../lib/diff/impact-targets.ts";
import { worksWith } from "../../lib/diff/works-with.ts";
import * as make from "../btf/builder.ts";
import { buildObject, EXIT, type Insn, type Program } from "../core/object-builder.ts";

/** int, unsigned, struct sock *, struct file *, unsigned long, a struct of 16 bytes. */
const BASE: readonly make.Row[] = [
  make.int("int", 4, 32, 1),
  make.int("unsigned int", 4),
  make.struct("sock", 0),
  make.ptr(3),
  make.struct("file", 0),
  make.ptr(5),
  make.int("unsigned long", 8),
  make.struct("pair", 16),
];
const [VOID, INT, UINT, SOCK, FILE, LONG, PAIR] = [0, 1, 2, 4, 6, 7, 8] as const;
const MANY = new Array<number>(12).fill(INT);
const OWN = BASE.length + 1;

/** A kernel with one function, and a tracepoint of the same arguments behind `void *__data`. */
function kernel(returns: number, args: readonly number[], names: readonly string[] = ["f", "bpf_lsm_f"]): Btf {
  const params = args.map((type, i) => make.param(`a${i}`, type));
  const types = [
    ...BASE,
    make.proto(returns, params),
    ...names.map((name) => make.func(name, OWN)),
    make.ptr(0),
    make.proto(0, [make.param("__data", OWN + names.length + 1), ...params]),
    make.ptr(OWN + names.length + 2),
    make.typedef("btf_trace_f", OWN + names.length + 3),
  ];
  return parseBtf(make.btf(types), { source: "kernel" });
}
const OTHER = [make.proto(0, []), make.func("other", OWN)];
const NONE = parseBtf(make.btf([...BASE, ...OTHER]), { source: "kernel" });
/** Minimized BTF. */
const SMALL = parseBtf(make.btf(BASE), { source: "small" });
const TWO = kernel(INT, [SOCK, INT]);

/** Puts the context's address where nobody follows it: such a program may read every argument. */
const HIDES: Insn = { code: 0x7b, src: 1 };
const program = (section: string, insns: readonly Insn[] = [HIDES]): Program => {
  return { name: "prog", section, insns: [...insns, EXIT], relos: [] };
};
/** r0 = context[word]. */
const readWord = (word: number): Insn => ({ code: 0x79, src: 1, off: word * 8 });
function target(section: string, old: Btf, now: Btf) {
  const [found, ...rest] = compareTargets(buildObject({ rows: BASE, programs: [program(section)] }), old, now);
  if (found === undefined || rest.length > 0) throw new Error("one target is expected");
  return found;
}
const verdict = (section: string, old: Btf, now: Btf) => {
  const found = target(section, old, now);
  return [found.change, worksWith(found, "old"), worksWith(found, "new")];
};

describe("what programs attach to", () => {
  // [section, old, new, what becomes of it, whether it worked, whether it works]
  it.each([
    ["fentry/f", TWO, TWO, "same", true, true],
    ["fentry/f", TWO, NONE, "gone", true, false],
    ["fentry/f", NONE, TWO, "new", false, true],
    ["fentry/f", NONE, NONE, "same", false, false],
    ["?fentry/f", TWO, NONE, "gone", true, true],
    ["fentry/f", TWO, kernel(INT, [FILE, INT]), "retyped", true, true],
    // Another number is called another way, and is a number.
    ["fentry/f", TWO, kernel(INT, [SOCK, LONG]), "model", true, true],
    ["fentry/f", TWO, kernel(INT, [SOCK, UINT]), "model", true, true],
    ["fentry/f", TWO, kernel(INT, [SOCK, FILE]), "model", true, false],
    ["fentry/f", TWO, kernel(INT, [INT, INT]), "model", true, false],
    ["fentry/f", TWO, kernel(INT, [SOCK, PAIR]), "model", true, false],
    ["fentry/f", TWO, kernel(INT, [SOCK]), "model", true, false],
    // One more behind those it knows is no harm, but the returned value comes behind them all.
    ["fentry/f", TWO, kernel(INT, [SOCK, INT, LONG]), "model", true, true],
    ["fexit/f", TWO, kernel(INT, [SOCK, INT, LONG]), "model", true, false],
    ["fmod_ret/f", TWO, kernel(INT, [SOCK, INT, LONG]), "model", true, false],
    ["lsm/f", TWO, kernel(INT, [SOCK, INT, LONG]), "model", true, true],
    ["fentry/f", TWO, kernel(LONG, [SOCK, INT]), "model", true, true],
    ["fexit/f", TWO, kernel(LONG, [SOCK, INT]), "model", true, true],
    ["fexit/f", TWO, kernel(VOID, [SOCK, INT]), "model", true, false],
    ["fentry/f", TWO, kernel(VOID, [SOCK, INT]), "model", true, true],
    ["lsm/f", TWO, kernel(SOCK, [SOCK, INT]), "model", true, false],
    // Nothing can be attached to a function of thirteen arguments.
    ["fentry/f", TWO, kernel(INT, [SOCK, ...MANY]), "incompatible", true, false],
    ["fentry/f", kernel(INT, [SOCK, ...MANY]), TWO, "new", false, true],
    ["tp_btf/f", TWO, kernel(INT, [SOCK, INT, LONG]), "model", true, true],
    ["tp_btf/f", TWO, kernel(INT, [LONG, SOCK]), "model", true, false],
    // What a function returns is none of its tracepoint's business.
    ["tp_btf/f", TWO, kernel(LONG, [SOCK, INT]), "same", true, true],
    ["lsm/f", TWO, NONE, "gone", true, false],
    ["tp_btf/f", TWO, NONE, "gone", true, false],
  ] as const)("%s", (section, old, now, change, worked, works) => {
    expect(verdict(section, old, now)).toEqual([change, worked, works]);
  });

  // [section, words it reads, old, new, whether it works]
  it.each([
    ["fentry/f", [], TWO, kernel(INT, [SOCK]), true],
    ["fentry/f", [0], TWO, kernel(INT, [SOCK]), true],
    ["fentry/f", [1], TWO, kernel(INT, [SOCK]), false],
    ["fentry/f", [0], TWO, kernel(INT, [INT, INT]), false],
    ["fentry/f", [1], TWO, kernel(INT, [INT, INT]), true],
    // A struct takes two words, and moves what is behind it.
    ["fentry/f", [1], TWO, kernel(INT, [PAIR, INT]), false],
    ["fentry/f", [2], kernel(INT, [PAIR, INT]), TWO, false],
    ["fexit/f", [0], TWO, kernel(INT, [SOCK, INT, LONG]), true],
    ["fexit/f", [2], TWO, kernel(INT, [SOCK, INT, LONG]), false],
    ["fexit/f", [2], TWO, kernel(VOID, [SOCK, INT]), false],
    ["fexit/f", [0], TWO, kernel(VOID, [SOCK, INT]), true],
    ["fmod_ret/f", [0], TWO, kernel(SOCK, [SOCK, INT]), false],
    ["lsm/f", [], TWO, kernel(SOCK, [SOCK, INT]), false],
    ["tp_btf/f", [0], TWO, kernel(INT, [SOCK]), true],
    ["tp_btf/f", [1], TWO, kernel(INT, [SOCK]), false],
    ["fentry/f", [], TWO, NONE, false],
  ] as const)("%s that reads %j", (section, words, old, now, works) => {
    const object = buildObject({ rows: BASE, programs: [program(section, words.map(readWord))] });
    const [found] = compareTargets(object, old, now);
    expect(found === undefined ? undefined : worksWith(found, "new")).toBe(works);
    expect(found?.change).toBe(now === NONE ? "gone" : "model");
  });

  it("says how functions differ to a program, and in C alone", () => {
    expect(target("fentry/f", TWO, kernel(INT, [SOCK, LONG])).differences).toEqual([
      { what: "argument", argument: 1, old: "signed integer of 4 bytes", new: "unsigned integer of 8 bytes" },
    ]);
  });

  const FILES = { argument: 0, old: "struct sock *", new: "struct file *" };
  // [returns, arguments, indexes of the arguments that are passed otherwise (null: what is returned), what is other in C alone]
  it.each([
    [INT, [FILE, INT], [], [FILES]],
    [INT, [INT, INT], [0], []],
    [INT, [FILE, LONG], [1], [FILES]],
    [LONG, [FILE, INT], [null], [FILES]],
    [UINT, [SOCK, INT], [null], []],
    [INT, [SOCK, PAIR], [1], []],
    [INT, [FILE], [null], [FILES]],
  ] as const)("says each difference once: %j, %j", (returns, args, passed, retyped) => {
    const found = target("fexit/f", TWO, kernel(returns, args));
    expect(found.differences.map(({ argument }) => argument)).toEqual(passed);
    expect(found.retyped).toEqual(retyped);
  });

  it("leaves out what is no kernel's, and other attach types", () => {
    for (const section of ["freplace/f", "kprobe/f", "fentry"]) {
      expect(compareTargets(buildObject({ rows: BASE, programs: [program(section)] }), TWO, TWO)).toEqual([]);
    }
  });

  it.each(["fentry/f", "tp_btf/f", "lsm/f", "iter/f", "?fentry/f"])(
    "leaves out %s where BTF has no function",
    (section) => {
      const object = buildObject({ rows: BASE, programs: [program(section)] });
      expect(compareTargets(object, TWO, NONE)).toHaveLength(1);
      for (const [old, now] of [
        [TWO, SMALL],
        [SMALL, TWO],
        [SMALL, SMALL],
      ] as const) {
        expect(compareTargets(object, old, now)).toEqual([]);
      }
    },
  );

  it("looks for a module's function in that module, where both kernels' modules are there", () => {
    const moduleTypes = [make.proto(0, []), make.func("g", OWN + OTHER.length)];
    const withModule = (name: string) =>
      parseModules(NONE, [{ bytes: make.btf(moduleTypes, { base: NONE }), source: name }]);
    const [xfs, nfs] = [withModule("kernel/fs/xfs.ko"), withModule("modules.tar:nfs.btf")];
    expect(verdict("fentry/xfs:g", xfs, xfs)).toEqual(["same", true, true]);
    expect(verdict("fentry/xfs:g", xfs, nfs)).toEqual(["gone", true, false]);
    expect(verdict("fentry/nfs:g", nfs, nfs)).toEqual(["same", true, true]);
    expect(verdict("fentry/g", xfs, nfs)).toEqual(["same", true, true]);
    expect(compareTargets(buildObject({ rows: BASE, programs: [program("fentry/xfs:g")] }), NONE, TWO)).toEqual([]);
    // That is no module, and always there.
    expect(verdict("fentry/vmlinux:f", TWO, NONE)).toEqual(["gone", true, false]);
  });
});

describe("externs", () => {
  /** An object that declares a kfunc or a variable of the kernel's. */
  function extern(kind: number, declared: make.Row, types: readonly make.Row[] = []) {
    const id = OWN + types.length;
    const rows = [...BASE, ...types, declared, make.datasec(".ksyms", 0, [make.place(id, 0, 0)])];
    expect([KIND_FUNC, KIND_VAR]).toContain(kind);
    return buildObject({ rows, programs: [program("socket")] });
  }
  const kfunc = (args: readonly number[], name = "f") =>
    extern(KIND_FUNC, make.func(name, OWN, 2), [
      make.proto(
        INT,
        args.map((type, i) => make.param(`a${i}`, type)),
      ),
    ]);
  const verdicts = (object: ReturnType<typeof kfunc>, old: Btf, now: Btf) =>
    compareTargets(object, old, now).map((one) => [one.kind, one.change, worksWith(one, "old"), worksWith(one, "new")]);

  it.each([
    [[SOCK, INT], TWO, TWO, "same", true, true],
    [[SOCK, INT], TWO, NONE, "gone", true, false],
    [[SOCK, INT], NONE, TWO, "new", false, true],
    [[SOCK, INT], TWO, kernel(INT, [SOCK, INT, INT]), "incompatible", true, false],
    [[SOCK, INT], kernel(INT, [SOCK]), TWO, "new", false, true],
    // The loader compares kinds: another struct behind the pointer, or another integer, is compatible.
    [[SOCK, INT], TWO, kernel(INT, [FILE, INT]), "retyped", true, true],
    [[SOCK, INT], TWO, kernel(INT, [SOCK, LONG]), "retyped", true, true],
  ] as const)("kfunc of %j", (args, old, now, change, worked, works) => {
    expect(verdicts(kfunc(args), old, now)).toEqual([["kfunc", change, worked, works]]);
  });

  it("are found without their flavour", () => {
    expect(verdicts(kfunc([SOCK, INT], "f___new"), TWO, NONE)).toEqual([["kfunc", "gone", true, false]]);
    expect(verdicts(kfunc([SOCK, INT], "f___new"), TWO, TWO)).toEqual([["kfunc", "same", true, true]]);
  });

  it("are flavours of one function, each by its own type", () => {
    const good = make.proto(INT, [make.param("a", SOCK), make.param("b", INT)]);
    const types = [good, make.proto(INT, [make.param("a", SOCK)]), make.func("f", OWN, 2)];
    const object = extern(KIND_FUNC, make.func("f___one", OWN + 1, 2), types);
    expect(verdicts(object, TWO, kernel(INT, [SOCK]))).toEqual([["kfunc", "new", false, true]]);
    const two = buildObject({
      rows: [
        ...BASE,
        ...types,
        make.func("f___one", OWN + 1, 2),
        make.datasec(".ksyms", 0, [make.place(OWN + 2, 0, 0), make.place(OWN + 3, 0, 0)]),
      ],
      programs: [program("socket")],
    });
    const found = compareTargets(two, TWO, kernel(INT, [SOCK]));
    expect(found.map(({ name, symbol, change }) => [name, symbol, change])).toEqual([
      ["f", "f", "incompatible"],
      ["f", "f___one", "new"],
    ]);
  });

  it("of more than five arguments are callable where newer kernels pass them on the stack", () => {
    const six = Array.from({ length: 6 }, () => INT);
    const stacking = kernel(INT, six, ["f", "bpf_jit_supports_stack_args"]);
    expect(verdicts(kfunc(six), kernel(INT, six), stacking)).toEqual([["kfunc", "new", false, true]]);
    expect(verdicts(kfunc(six), stacking, kernel(INT, six))).toEqual([["kfunc", "incompatible", true, false]]);
  });

  it("are variables with a type, too", () => {
    const object = extern(KIND_VAR, make.variable("v", INT, 2));
    const withVariable = (type: number) =>
      parseBtf(make.btf([...BASE, ...OTHER, make.variable("v", type)]), { source: "kernel" });
    expect(verdicts(object, withVariable(INT), withVariable(UINT))).toEqual([["ksym", "same", true, true]]);
    expect(verdicts(object, withVariable(INT), withVariable(SOCK))).toEqual([["ksym", "incompatible", true, false]]);
    expect(verdicts(object, withVariable(SOCK), withVariable(INT))).toEqual([["ksym", "new", false, true]]);
    expect(verdicts(object, withVariable(INT), NONE)).toEqual([["ksym", "gone", true, false]]);
  });
});
