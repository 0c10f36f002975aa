import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBpfObject } from "../../lib/core/object.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import { needyObjects } from "../../lib/prepare/need-text.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");

/** The words for one object's needs. */
const requiredNeeds = (needs: readonly KernelNeed[]) => needyObjects([{ name: "x.o", needs }])[0]?.required ?? [];

it.each([
  ["exec.o", ["tp_btf/sched_process_exec"]],
  ["bitfields.o", ["tp_btf/sched_switch", "fentry/tcp_sendmsg"]],
  ["iter_task.o", ["iter/task", "iter/task_file"]],
  ["lsm_exec.o", ["lsm/bprm_check_security", "lsm/bprm_committed_creds"]],
  // A pointer in a map may be to a type of the object's own.
  ["kptr.o", ["tp_btf/sched_switch", "tp_btf/cgroup_mkdir", "kfunc bpf_task_release"]],
  ["struct_ops.o", ["struct_ops tcp_congestion_ops"]],
  // It wants the BTF of the program that it replaces a part of.
  ["freplace.o", []],
  ["tcp_connect.o", []],
])("what %s cannot be loaded without", (name, expected) => {
  expect(requiredNeeds(kernelNeeds(parseBpfObject(readFileSync(join(FIXTURES, name)), name)))).toEqual(expected);
});

it("has words for a program whose section names no target", () => {
  const need = { kind: "program", user: "on_call", name: null } as const;
  expect(requiredNeeds([{ ...need, optional: false }])).toEqual(["what on_call attaches to"]);
  expect(requiredNeeds([{ ...need, optional: true }])).toEqual([]);
});
