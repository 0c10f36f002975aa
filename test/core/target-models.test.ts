import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { resolveFields } from "../../lib/core/resolve-fields.ts";
import { resolveTargets } from "../../lib/core/target-models.ts";
import { trampolineRules } from "../../lib/core/trampoline-rules.ts";
import * as make from "../btf/builder.ts";
import { KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import { buildObject } from "./object-builder.ts";
import { attached, fixture, targetKernels } from "./target-scene.ts";

const { kernel, withModules } = targetKernels();

const one = (objects: readonly BpfObject[], target = kernel, release = "6.12") => {
  const rules = trampolineRules(release);
  if (rules === undefined) throw new Error("no rules");
  return resolveTargets(objects, target, { rules });
};

describe("resolveTargets", () => {
  it.each<[string, string, string, number | null]>([
    ["fentry_fexit.o", "vfs_read", "found", 4],
    ["fentry_fexit.o", "security_file_permission", "found", 2],
    ["lsm_exec.o", "bpf_lsm_bprm_check_security", "found", 1],
    // Without the first argument, which programs are not given.
    ["kptr.o", "btf_trace_sched_switch", "found", 4],
    ["iter_task.o", "bpf_iter_task", "found", 2],
    ["externs.o", "bpf_task_acquire", "found", 1],
    ["externs.o", "runqueues", "found", null],
    ["struct_ops.o", "tcp_congestion_ops", "found", null],
  ])("of %s finds %s", (name, target, status, args) => {
    const found = one([fixture(name)]).find((each) => each.target.name === target);
    expect(found).toMatchObject({ status, reason: null, source: "vmlinux" });
    expect(found?.model?.args.length ?? null).toBe(args);
    expect(found?.model?.obstacles ?? []).toEqual([]);
  });

  it("has the type of what is no function", () => {
    const types = one([fixture("externs.o"), fixture("struct_ops.o")]).map(({ target, type }) => [target.name, type]);
    expect(types).toContainEqual(["runqueues", "struct rq"]);
    expect(types).toContainEqual(["tcp_congestion_ops", "struct tcp_congestion_ops"]);
  });

  it.each<[string, string, string]>([
    ["fentry/printk_deferred_nowhere", "missing", "there is no function printk_deferred_nowhere"],
    ["fentry/_printk", "impossible", "it takes a variable number of arguments"],
    ["fexit/class_irqsave_constructor", "impossible", "it returns class_irqsave_t, which no trampoline hands on"],
    ["tp_btf/no_such_event", "missing", "there is no tracepoint btf_trace_no_such_event"],
    ["fentry/veth:veth_xmit", "missing", "there is no function veth_xmit in module veth"],
    ["fentry/veth:vfs_read", "missing", "there is no function vfs_read in module veth"],
    ["freplace/work", "unknown", "no other object that is given has a function work"],
  ])("of section %s says %s: %s", (section, status, reason) => {
    expect(one([attached([section])])).toMatchObject([{ status, reason }]);
  });

  it("looks into the modules, too, and into the one that is named", () => {
    expect(one([attached(["fentry/veth_xmit"])], withModules)).toMatchObject([{ status: "found", source: "veth.btf" }]);
    expect(one([attached(["fentry/veth:veth_xmit"])], withModules)).toMatchObject([{ status: "found" }]);
    expect(one([attached(["fentry/overlay:veth_xmit"])], withModules)).toMatchObject([
      { status: "missing", reason: "there is no function veth_xmit in module overlay", remark: "veth.btf has it" },
    ]);
  });

  it("tells the whole name of a module that is named by its beginning, and who has what is missing", () => {
    const remark = (section: string) => one([attached([section])], withModules)[0]?.remark;
    expect(remark("fentry/veth:vfs_read")).toBe("vmlinux has it");
    expect(remark("fentry/veth:no_such_function")).toBeNull();
    expect(remark("fentry/veth:veth_xmit")).toBeNull();
    expect(remark("fentry/veth_xmit")).toBeNull();
    expect(remark("fentry/kvm:svm_vcpu_run")).toBe("'kvm' stands for kvm_amd, the first that has it");
    expect(remark("fentry/vm:vfs_read")).toBe("'vm' stands for vmlinux, the first that has it");
  });

  it("follows the release's rules", () => {
    const object = attached(["fentry/kill_pid_usb_asyncio"]);
    expect(one([object], kernel, "6.18")[0]?.status).toBe("found");
    expect(one([object], kernel, "6.12")[0]?.reason).toMatch(
      /^argument \d \(addr\) is sigval_t, which is not passed by value$/,
    );
  });

  it("finds what an freplace program takes the place of in another object", () => {
    const rows = [
      make.ptr(3),
      make.struct("__sk_buff", 4),
      make.proto(1, [make.param("ctx", 2), make.param("value", 1)]),
    ];
    const other = buildObject({ rows: [make.int("int", 4), ...rows, make.func("work", 4)], programs: [] });
    const own = attached(["freplace/work"], [...rows, make.func("p", 4)]);
    const [found] = one([own, other]);
    expect(found).toMatchObject({ status: "found", reason: null, source: other.source });
    expect(found?.model?.args.map(({ type }) => type)).toEqual(["struct __sk_buff *", "int"]);
    // The fixture only declares its context.
    expect(one([fixture("freplace.o"), fixture("globals.o")])[0]).toMatchObject({
      status: "impossible",
      reason: expect.stringMatching(/^argument 1: .* where a struct is only declared$/),
      source: "globals.o",
    });
  });

  it.each<[string, readonly make.Row[], string]>([
    [
      "a static function",
      [make.proto(1), make.func("work", 2, 0)],
      "it is not global, and only global functions are replaced",
    ],
    [
      "another number of arguments",
      [make.proto(1, [make.param("a", 1)]), make.func("work", 2)],
      "it has 1 arguments, and the program that replaces it 0",
    ],
  ])("refuses to replace %s", (_, rows, reason) => {
    const other = buildObject({ rows: [make.int("int", 4), ...rows], programs: [] });
    const own = attached(["freplace/work"], [make.proto(1), make.func("p", 2)]);
    expect(one([own, other])).toMatchObject([{ status: "impossible", reason }]);
  });

  it("compares a kernel function with how the object declares it", () => {
    const declared = (...params: make.Row[]) => {
      const rows = [
        make.int("int", 4),
        make.ptr(6),
        make.proto(2, params),
        make.func("bpf_task_acquire", 3, 2),
        make.datasec(".ksyms", 0, [make.place(4, 0, 0)]),
        make.struct("task_struct", 4),
      ];
      return one([buildObject({ rows, programs: [] })])[0];
    };
    expect(declared(make.param("p", 2))).toMatchObject({ status: "found", reason: null });
    expect(declared(make.param("p", 1))).toMatchObject({
      status: "impossible",
      reason:
        "the object declares it otherwise: struct task_struct * (struct task_struct *) there, struct task_struct * (int) here",
    });
  });
});

describe("a kernel function of more than five arguments", () => {
  const SEVEN = "bpf_modify_return_test2";
  const declared = (...types: number[]) =>
    buildObject({
      rows: [
        make.int("int", 4),
        make.ptr(0),
        make.ptr(1),
        make.proto(
          1,
          types.map((type) => make.param("", type)),
        ),
        make.func(SEVEN, 4, 2),
        make.datasec(".ksyms", 0, [make.place(5, 0, 0)]),
      ],
      programs: [],
    });
  const seven = declared(1, 3, 1, 1, 2, 1, 1);

  it.each<[string, string, string | null]>([
    [KERNEL_OF_MODULES, "impossible", "it has 7 arguments, and a program can pass 5"],
    ["debian/14/x86_64/7.2.13+deb14-cloud-amd64", "found", null],
  ])("is on %s %s", (name, status, reason) => {
    const target = parseBtf(kernelSample(name).bytes);
    expect(one([seven], target, "7.2")).toMatchObject([{ status, reason }]);
    expect(one([declared(1, 2)], target, "7.2")[0]?.reason).toMatch(/^the object declares it otherwise/);
  });

  const long = [make.int("long", 8)];
  const registers = (...names: string[]) =>
    make.struct(
      "pt_regs",
      names.length * 8,
      names.map((name, i) => make.m(name, 1, i * 64)),
    );
  const made = (count: number, ...rows: make.Row[]) => {
    const params = Array.from({ length: count }, (_, i) => make.param(`a${i}`, 1));
    const question = [make.proto(1), make.func("bpf_jit_supports_stack_args", 4)];
    return parseBtf(make.btf([...long, make.proto(1, params), make.func(SEVEN, 2), ...question, ...rows]));
  };
  const ofLongs = (count: number) => declared(...Array.from({ length: count }, () => 1));

  it.each<[string, number, make.Row[], string]>([
    ["x86_64", 12, [registers("r15", "orig_ax")], "found"],
    ["x86_64 and one more", 13, [registers("r15", "orig_ax")], "impossible"],
    ["x86 of 32 bits", 6, [registers("orig_ax")], "unknown"],
    ["arm64", 12, [registers("orig_x0")], "found"],
    ["riscv64", 6, [registers("epc", "orig_a0")], "unknown"],
    ["a kernel without registers", 6, [], "unknown"],
    ["a kernel without registers, of few arguments", 5, [], "found"],
  ])("may be called by what the types tell of %s", (_, count, rows, status) => {
    expect(one([ofLongs(count)], made(count, ...rows), "7.2").map((each) => each.status)).toEqual([status]);
  });
});

describe("resolveFields", () => {
  it("looks a pointer's type up by name and kind", () => {
    expect(
      resolveFields([fixture("kptr.o")], kernel).map(({ field, status, source }) => [field.path, status, source]),
    ).toEqual([
      ["lock", "special", null],
      ["timer", "special", null],
      ["task", "kernel", "vmlinux"],
      ["cgroup", "kernel", "vmlinux"],
    ]);
  });

  it.each<[string, make.Row, string, string]>([
    ["a struct of its own", make.struct("of_this_object", 8), "kptr", "own"],
    ["a struct that the kernel has", make.struct("task_struct", 8), "kptr", "kernel"],
    ["a union that the kernel has as a struct", make.union("task_struct", 8), "kptr", "refused"],
    ["a struct that is a union there", make.struct("bpf_attr", 8), "kptr", "own"],
    ["memory of a user's", make.struct("task_struct", 8), "uptr", "own"],
    ["a struct of a module", make.struct("veth_priv", 8), "kptr_untrusted", "kernel"],
  ])("resolves %s", (_, pointee, tag, status) => {
    const rows = [
      make.int("int", 4),
      pointee,
      make.typeTag(tag, 2),
      make.ptr(3),
      make.variable("held", 4),
      make.datasec(".bss", 8, [make.place(5, 0, 8)]),
    ];
    expect(resolveFields([buildObject({ rows, programs: [] })], withModules).map((each) => each.status)).toEqual([
      status,
    ]);
  });
});
