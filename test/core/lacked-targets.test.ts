import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { lackedTargets } from "../../lib/core/lacked-targets.ts";
import { trampolineRules } from "../../lib/core/trampoline-rules.ts";
import { btf, func, int, proto } from "../btf/builder.ts";
import { attached, fixture, targetKernels } from "./target-scene.ts";

const { kernel, withModules } = targetKernels();

describe("lackedTargets", () => {
  it.each(["fentry_fexit.o", "lsm_exec.o", "kptr.o", "iter_task.o", "externs.o", "struct_ops.o"])(
    "has nothing of %s, whose targets are all there",
    (name) => {
      expect(lackedTargets([fixture(name)], kernel)).toEqual([[]]);
    },
  );

  it.each<[string, string, string]>([
    ["fentry/printk_deferred_nowhere", "missing", "there is no function printk_deferred_nowhere"],
    ["fentry/_printk", "incompatible", "it takes a variable number of arguments"],
    ["tp_btf/no_such_event", "missing", "there is no tracepoint btf_trace_no_such_event"],
    ["lsm/no_such_hook", "missing", "there is no function bpf_lsm_no_such_hook"],
    ["iter/no_such_thing", "missing", "there is no function bpf_iter_no_such_thing"],
  ])("has %s: %s", (section, standing, reason) => {
    expect(lackedTargets([attached([section])], kernel)).toMatchObject([[{ standing, reason, target: { user: "p" } }]]);
  });

  it.each([
    ["a program that is not loaded by default", "?fentry/printk_deferred_nowhere"],
    ["another program's function", "freplace/work"],
    ["a module's function where no module is given", "fentry/veth:veth_xmit"],
    ["a section that names nothing", "fentry"],
  ])("has nothing of %s", (_what, section) => {
    expect(lackedTargets([attached([section])], kernel)).toEqual([[]]);
  });

  it("has nothing where BTF has no function: minimized BTF leaves out what no relocation asks for", () => {
    const small = parseBtf(btf([int("int", 4)]), { source: "small" });
    const whole = parseBtf(btf([int("int", 4), proto(0, []), func("f", 2)]), { source: "whole" });
    const objects = [fixture("externs.o"), attached(["fentry/nowhere", "tp_btf/nothing"])];
    expect(lackedTargets(objects, small)).toEqual([[], []]);
    expect(lackedTargets(objects, whole).map(({ length }) => length)).toEqual([4, 2]);
  });

  it("judges what is in modules where they are given, in words without their files", () => {
    expect(lackedTargets([attached(["fentry/veth_xmit"])], kernel)).toMatchObject([[{ standing: "missing" }]]);
    expect(lackedTargets([attached(["fentry/veth_xmit", "fentry/veth:veth_xmit"])], withModules)).toEqual([[]]);
    expect(lackedTargets([attached(["fentry/overlay:veth_xmit"])], withModules)).toMatchObject([
      [{ reason: "there is no function veth_xmit in module overlay" }],
    ]);
  });

  it("asks by the rules of the kernel's release", () => {
    const object = attached(["fentry/pte_pfn"]);
    const of = (release: string) => {
      const rules = trampolineRules(release);
      return lackedTargets([object], kernel, rules === undefined ? {} : { rules }).flat();
    };
    expect(of("5.10.0-46-amd64")).toMatchObject([
      { standing: "incompatible", reason: "argument 1 (pte) is pte_t, which is not passed by value" },
    ]);
    expect(of("6.1.0-56-amd64")).toEqual([]);
  });

  it("keeps objects apart, in their order, also those of one name", () => {
    const none = attached(["fentry/nowhere"]);
    const fine = attached(["fentry/vfs_read"]);
    expect(none.source).toBe(fine.source);
    const counts = lackedTargets([fine, none, fine, none], kernel).map((lacked) => lacked.length);
    expect(counts).toEqual([0, 1, 0, 1]);
  });
});
