import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { attachTargets } from "../../lib/core/attach-targets.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { RELO_TYPE_EXISTS } from "../../lib/core/relo-kind.ts";
import { runJob } from "../../lib/job/job.ts";
import { nearestAttachTarget } from "../../lib/minimize/keep-attach.ts";
import { minimize } from "../../lib/minimize/minimize.ts";
import { btf, func, fwd, int, m, param, proto, ptr, type Row, struct } from "../btf/builder.ts";
import { buildObject, EXIT, MOV_K } from "../core/object-builder.ts";
import { KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import { outline } from "./outline.ts";

const fixture = (name: string): BpfObject =>
  parseBpfObject(readFileSync(join(import.meta.dirname, "../fixtures/objects", name)), name);

describe("the signatures of a real kernel", () => {
  let kernel: Btf;
  beforeAll(async () => {
    kernel = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
  });

  /** What is kept for an object's attach targets alone, without its relocations. */
  function kept(name: string): string[] {
    const { blobs, attachProblems } = minimize(kernel, [], { attachTargets: attachTargets(fixture(name)) });
    expect(attachProblems).toEqual([]);
    expect(lintBtf(blobs[0].bytes, { source: name }).filter(({ severity }) => severity === "error")).toEqual([]);
    return outline(parseBtf(blobs[0].bytes));
  }

  it.each([
    [
      "fentry_fexit.o",
      [
        "func security_file_permission = int int (fwd struct file * file, int int mask)",
        "func vfs_read = int long int (fwd struct file * file, int char * buf, int long unsigned int count, " +
          "int long long int * pos)",
        "fwd struct file",
      ],
    ],
    [
      "lsm_exec.o",
      [
        "func bpf_lsm_bprm_check_security = int int (fwd struct linux_binprm * bprm)",
        "func bpf_lsm_bprm_committed_creds = void (fwd struct linux_binprm * bprm)",
        "fwd struct linux_binprm",
      ],
    ],
    [
      "kptr.o",
      [
        "func bpf_task_release = void (fwd struct task_struct * p)",
        "fwd struct cgroup",
        "fwd struct task_struct",
        "typedef btf_trace_cgroup_mkdir = void (void *, fwd struct cgroup *, int char *) *",
        "typedef btf_trace_sched_switch = void (void *, int _Bool, fwd struct task_struct *, " +
          "fwd struct task_struct *, int unsigned int) *",
      ],
    ],
    [
      "iter_task.o",
      [
        "func bpf_iter_task = int int (fwd struct bpf_iter_meta * meta, fwd struct task_struct * task)",
        "func bpf_iter_task_file = int int (fwd struct bpf_iter_meta * meta, fwd struct task_struct * task, " +
          "int unsigned int fd, fwd struct file * file)",
        "fwd struct bpf_iter_meta",
        "fwd struct file",
        "fwd struct task_struct",
      ],
    ],
    ["freplace.o", []],
  ])("of %s", (name, lines) => {
    const shown = kept(name);
    expect(
      shown.map((line) => line.replace(/\(([^)]*)\) \*$/, (all) => all.replace(/ (?:__data|prev|next)/g, ""))),
    ).toEqual(lines);
  });

  it("of struct_ops.o: every member, and what its functions take", () => {
    const lines = kept("struct_ops.o");
    const ops = lines.find((line) => line.startsWith("struct tcp_congestion_ops "));
    expect(ops).toContain("ssthresh@0 int unsigned int (fwd struct sock *) *");
    expect(ops).toContain("name@");
    expect(ops).toContain("owner@");
    expect(lines.find((line) => line.startsWith("struct bpf_struct_ops_tcp_congestion_ops "))).toContain(
      "struct tcp_congestion_ops",
    );
  });

  it("of externs.o: functions, the type of a variable by name and size", () => {
    const lines = kept("externs.o");
    expect(lines).toContain("func bpf_task_acquire = fwd struct task_struct * (fwd struct task_struct * p)");
    expect(lines).toContain("func bpf_rcu_read_lock = void ()");
    expect(lines).toContain("var runqueues = struct rq");
    expect(lines.find((line) => line.startsWith("struct rq "))).toMatch(/^struct rq \d+ \{\}$/);
  });
});

/** A program of that section with one relocation. */
const program = (rows: readonly Row[], section: string, typeId: number): BpfObject =>
  buildObject({
    rows,
    programs: [{ name: "p", section, insns: [MOV_K, EXIT], relos: [{ kind: RELO_TYPE_EXISTS, typeId, access: "0" }] }],
  });

const ROWS: readonly Row[] = [
  int("int", 4),
  struct("file", 8, [m("pos", 1, 0)]),
  ptr(2),
  proto(1, [param("file", 3)]),
  func("vfs_read", 4),
];

it("points to the struct itself where relocations keep it", () => {
  const object = program([struct("file", 8)], "fentry/vfs_read", 1);
  const { proof, blobs } = runJob({ base: { bytes: btf(ROWS), source: "kernel" } }, [object], {
    keepAttachTargets: true,
  });
  expect(proof.holds).toBe(true);
  expect(outline(parseBtf(blobs[0].bytes))).toEqual([
    "func vfs_read = int int (struct file * file)",
    "struct file 8 {}",
  ]);
});

it("makes no forward declaration that a relocation would find", () => {
  const object = program([fwd("file")], "fentry/vfs_read", 1);
  const { proof, blobs, sets } = runJob({ base: { bytes: btf(ROWS), source: "kernel" } }, [object], {
    keepAttachTargets: true,
  });
  expect(sets[0]?.records.map(({ status }) => status)).toEqual(["absent"]);
  expect(proof.differences).toEqual([]);
  expect(outline(parseBtf(blobs[0].bytes))).toEqual([
    "func vfs_read = int int (struct file * file)",
    "struct file 8 {}",
  ]);
});

it("tells what is missing, and what comes near", () => {
  const object = program([struct("file", 8)], "fentry/vfs_raed", 1);
  const { attachProblems, target } = runJob({ base: { bytes: btf(ROWS), source: "kernel" } }, [object], {
    keepAttachTargets: true,
  });
  const [problem] = attachProblems;
  expect(attachProblems.map(({ reason }) => reason)).toEqual(["there is no function vfs_raed"]);
  expect(problem && nearestAttachTarget(target, problem.target)).toBe("vfs_read");
});
