import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { KIND_FUNC, KIND_STRUCT, KIND_TYPEDEF, KIND_VAR } from "../../lib/btf/format.ts";
import { attachTargets } from "../../lib/core/attach-targets.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { constOf, datasec, int, m, place, ptr, type Row, struct, variable } from "../btf/builder.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { buildObject, EXIT, objectBytes } from "./object-builder.ts";

const fixture = (name: string) =>
  parseBpfObject(readFileSync(join(import.meta.dirname, "../fixtures/objects", name)), name);

it.each([
  [
    "fentry_fexit.o",
    [
      ["read_entry", "fentry", "vfs_read", KIND_FUNC, false],
      ["read_exit", "fexit", "vfs_read", KIND_FUNC, false],
      ["permission", "fmod_ret", "security_file_permission", KIND_FUNC, false],
    ],
  ],
  [
    "lsm_exec.o",
    [
      ["bprm_check", "lsm", "bpf_lsm_bprm_check_security", KIND_FUNC, false],
      ["committed", "lsm", "bpf_lsm_bprm_committed_creds", KIND_FUNC, false],
    ],
  ],
  [
    "struct_ops.o",
    [
      ["fixture_cc", "struct_ops", "tcp_congestion_ops", KIND_STRUCT, false],
      ["fixture_cc", "struct_ops", "bpf_struct_ops_tcp_congestion_ops", KIND_STRUCT, false],
    ],
  ],
  [
    // Addresses without a type (bpf_link_fops) come from kallsyms; settings are no types.
    "externs.o",
    [
      ["newtask", "tp_btf", "btf_trace_task_newtask", KIND_TYPEDEF, false],
      [".ksyms", "kfunc", "bpf_task_acquire", KIND_FUNC, false],
      [".ksyms", "kfunc", "bpf_task_release", KIND_FUNC, false],
      [".ksyms", "kfunc", "bpf_rcu_read_lock", KIND_FUNC, true],
      [".ksyms", "kfunc", "bpf_rcu_read_unlock", KIND_FUNC, true],
      [".ksyms", "ksym", "runqueues", KIND_VAR, false],
    ],
  ],
  [
    "kptr.o",
    [
      ["swap", "tp_btf", "btf_trace_sched_switch", KIND_TYPEDEF, false],
      ["mkdir", "tp_btf", "btf_trace_cgroup_mkdir", KIND_TYPEDEF, false],
      [".ksyms", "kfunc", "bpf_task_release", KIND_FUNC, false],
      ["slots", "kptr", "task_struct", KIND_STRUCT, true],
      ["slots", "kptr", "cgroup", KIND_STRUCT, true],
    ],
  ],
  [
    "iter_task.o",
    [
      ["dump_task", "iter", "bpf_iter_task", KIND_FUNC, false],
      ["dump_file", "iter", "bpf_iter_task_file", KIND_FUNC, false],
    ],
  ],
  ["freplace.o", [["replacement", "freplace", "global_work", null, false]]],
  ["no_btf.o", []],
])("names what %s attaches to", (name, expected) => {
  const found = attachTargets(fixture(name));
  expect(
    found.map(({ user, kind, name: target, targetKind, optional }) => [user, kind, target, targetKind, optional]),
  ).toEqual(expected);
  expect(found.every(({ object }) => object === name)).toBe(true);
});

it("tells an extern's own name", () => {
  expect(attachTargets(fixture("externs.o")).map(({ symbol }) => symbol)).toEqual([
    null,
    "bpf_task_acquire",
    "bpf_task_release",
    "bpf_rcu_read_lock",
    "bpf_rcu_read_unlock",
    "runqueues",
  ]);
});

it.each([
  ["fentry.s/vfs_read", "vfs_read", null, false],
  ["fsession/vfs_read", "vfs_read", null, false],
  ["?fexit/vfs_read", "vfs_read", null, true],
  ["fentry/veth:veth_xmit", "veth_xmit", "veth", false],
  ["lsm_cgroup/socket_bind", "bpf_lsm_socket_bind", null, false],
  ["iter.s/bpf_map", "bpf_iter_bpf_map", null, false],
  ["tp_btf.s/sys_enter", "btf_trace_sys_enter", null, false],
])("reads section %s", (section, target, module, optional) => {
  const object = buildObject({ rows: [int("int", 4)], programs: [{ name: "p", section, insns: [EXIT], relos: [] }] });
  expect(attachTargets(object).map((found) => [found.name, found.module, found.optional])).toEqual([
    [target, module, optional],
  ]);
});

it.each([
  "fentry",
  "fentry/",
  "fentry.multi/vfs_*",
  "kprobe/vfs_read",
  "raw_tp/sys_enter",
  "fentryx/vfs_read",
  "socket",
])("takes no target from section %s", (section) => {
  const object = buildObject({ rows: [int("int", 4)], programs: [{ name: "p", section, insns: [EXIT], relos: [] }] });
  expect(object.programs.map((program) => program.section)).toEqual([section]);
  expect(attachTargets(object)).toEqual([]);
});

describe("types that go round", () => {
  const bss = (rows: Row[]) =>
    objectBytes({
      rows: [...rows, variable("v", 1), datasec(".bss", 8, [place(rows.length + 1, 0, 8)])],
      programs: [],
    });
  it("are looked into once each: two members of the next struct, forty times", () => {
    const rows = Array.from({ length: 40 }, (_, i) => struct(`s${i}`, 8, [m("a", i + 2, 0), m("b", i + 2, 0)]));
    const object = parseBpfObject(bss([...rows, int("int", 4)]));
    const start = cpuMilliseconds();
    expect(attachTargets(object)).toEqual([]);
    expect(cpuMilliseconds() - start).toBeLessThan(2_000);
  });
  it("are refused where modifiers are a circle behind a pointer", () => {
    const object = bss([struct("s", 8, [m("p", 2, 0)]), ptr(3), constOf(4), constOf(3)]);
    expect(() => attachTargets(parseBpfObject(object))).toThrow(FormatError);
  });
});
