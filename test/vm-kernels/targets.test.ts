/** What `verify` says of attach targets, against what Debian's kernels make of the programs; see scripts/test-vm.mjs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { workspace } from "../cli/workspace.ts";
import { compileBpf } from "../oracle/clang.ts";
import { runProcess } from "../oracle/process.ts";
import { THOROUGH } from "../samples.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "dist/btfgen.cjs");
const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const all = readdirSync(kernels).filter((name) => /(amd64|x86_64)\.deb$/.test(name));
/** Each program is loaded six times, in emulation: the newest and the oldest kernel, or all when thorough. */
const packages = THOROUGH
  ? all
  : all.sort((a, b) => releaseOf(a) - releaseOf(b)).filter((_, i) => i % (all.length - 1) === 0);
const RUN_MS = 400_000;

/** Sections of programs that do nothing, and whether every kernel has what they attach to. */
const SECTIONS: readonly [section: string, everywhere: boolean][] = [
  ["fentry/vfs_read", true],
  ["fexit/vfs_read", true],
  ["fmod_ret/security_file_permission", true],
  ["tp_btf/sched_switch", true],
  ["iter/task", true],
  ["iter/bpf_map", true],
  ["fentry/vfs_raed", false],
  ["fexit/_printk", false],
  ["fentry/printk", false],
  ["fexit/secure_tcp_seq_and_ts_off", false],
  ["fentry/kill_pid_usb_asyncio", false],
  ["fentry/ZSTD_customFree", false],
  ["fentry/rtnl_fill_ifinfo", false],
  ["fentry/__traceiter_mc_event", false],
  ["fexit/bpf_trace_run12", false],
  ["lsm/file_open", false],
  ["lsm/no_such_hook", false],
  ["tp_btf/no_such_event", false],
  ["iter/nothing", false],
  ["lsm/bprm_check_security", false],
];
const nameOf = (section: string) => section.replaceAll(/\W/g, "_");
const SOURCE = `#include "core.h"
${SECTIONS.map(([section]) => `SEC("${section}") int ${nameOf(section)}(void *ctx) { return 0; }`).join("\n")}
LICENSE;
`;
/** An extern that is not weak: without it nothing of the object is loaded. */
const WITH_KFUNC = `#include "core.h"
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
SEC("fentry/vfs_read") int locking(void *ctx) { bpf_rcu_read_lock(); bpf_rcu_read_unlock(); return 0; }
LICENSE;
`;

function releaseOf(name: string): number {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(name) ?? [];
  return Number(major) * 1000 + Number(minor);
}

describe("verify --kernel IMAGE, of what objects attach to", () => {
  const { directory, put } = workspace();
  let objects: string[] = [];

  beforeAll(() => {
    const flags = ["-D__TARGET_ARCH_x86", `-I${join(root, "test/fixtures/bpf")}`];
    objects = [
      put("targets.o", compileBpf(SOURCE, "bpfel", flags)),
      put("kfunc.o", compileBpf(WITH_KFUNC, "bpfel", flags)),
    ];
  });

  it.each(packages)(
    "foretells what %s takes",
    (name) => {
      const image = join(kernels, name);
      const small = join(directory, `${name}.btf`);
      const btfgen = (...args: string[]) => runProcess([process.execPath, command, ...args], { timeoutMs: RUN_MS });
      expect(btfgen("minimize", image, ...objects, "-o", small).code).toBe(0);
      const ended = btfgen("verify", small, ...objects, "--kernel", image, "--timeout", "120", "--json");
      const { kernel, model } = JSON.parse(Buffer.from(ended.stdout).toString()) as VerifyReport;
      const { targets, rules } = model;
      expect(rules.from).toBe("image");
      const rows = SECTIONS.map(([section, everywhere]) => {
        const target = targets.find(({ user }) => user === nameOf(section));
        const verdict = kernel?.programs.find(({ program }) => program === nameOf(section));
        const said = `${section}: ${target?.status} (${target?.reason}); ${verdict?.verdict} (${verdict?.reason?.text})`;
        const isRight = (target?.status === "found") === (verdict?.verdict === "accepted");
        return isRight && (!everywhere || target?.status === "found") ? null : said;
      });
      expect(rows.filter((row) => row !== null)).toEqual([]);
      const missing = targets.some(({ kind, status }) => kind === "kfunc" && status === "missing");
      const locking = kernel?.programs.find(({ program }) => program === "locking");
      expect(locking?.verdict === "accepted").toBe(missing === false);
      const accepted = kernel?.counts.accepted ?? 0;
      process.stdout.write(`${name}: rules of ${rules.since}: ${accepted} accepted as predicted, the others refused\n`);
    },
    RUN_MS,
  );
});
