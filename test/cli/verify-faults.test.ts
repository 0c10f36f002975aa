/** `verify` where the machine does not play along, and what it leaves behind. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { asNobody } from "../oracle/nobody.ts";
import { findProgram, firstLineOf, runProcess } from "../oracle/process.ts";
import { describeOracle, missingOracle, oracleIt } from "../oracle/requirements.ts";
import { bpfObjects, leftSince } from "./kernel-leftovers.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "dist/btfgen.cjs");
const HOST_BTF = "/sys/kernel/btf/vmlinux";
const fixture = (name: string) => join(root, `test/fixtures/objects/${name}.o`);
const { directory, put } = workspace();
const small = join(directory, "small.btf");
const args = (...rest: string[]) => ["verify", small, "--full", HOST_BTF, fixture("exec"), ...rest];

interface Ended {
  readonly report: VerifyReport;
  readonly stderr: string;
  readonly code: number;
}

async function ended(line: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { stdout, stderr, code } = await runText([...line, "--json"], { env });
  return { report: JSON.parse(stdout), stderr, code };
}

describeOracle("verify where something is missing", ["bpf", "libbpf"], () => {
  beforeAll(async () => {
    await runText(["minimize", HOST_BTF, fixture("exec"), fixture("globals"), fixture("no_core"), "-o", small]);
  });

  it("goes without libbpf as far as the kernel takes the BTF", async () => {
    const env = { BTFGEN_LIBBPF: join(directory, "no-such-library.so.1") };
    const named = await ended(args("--level", "libbpf"), env);
    expect(named).toMatchObject({ code: 3, report: { level: "btf-load", libbpf: null, machine: { libbpf: null } } });
    expect(named.stderr).toMatch(/^btfgen: verify: level libbpf cannot run: libbpf cannot be loaded \(.*\): install /);
    const far = await ended(args("--kernel", "host"), env);
    expect(far).toMatchObject({ code: 0, stderr: "", report: { level: "btf-load", noFurther: { level: "libbpf" } } });
    expect((await ended(args("--level", "btf-load"), env)).code).toBe(0);
  });

  oracleIt("goes without privilege as far as nobody is asked", ["nobody"], () => {
    // The tests' own directory is root's.
    const open = ["verify", HOST_BTF, "--full", HOST_BTF, fixture("exec")];
    const named = asNobody([...open, "--level", "btf-load", "--json"]);
    expect({ code: named.status, level: JSON.parse(named.stdout).level }).toEqual({ code: 3, level: "instructions" });
    expect(named.stderr).toMatch(
      /bpf\(2\) gives EPERM.*: run as root, or with CAP_BPF, CAP_PERFMON and, .* CAP_NET_ADMIN\n$/,
    );
    const far = asNobody([...open, "--kernel", "host"]);
    expect(far.status).toBe(0);
    expect(far.stdout).toMatch(
      /holds at level instructions\n(?:.*\n)+no further: level btf-load: bpf\(2\) gives EPERM/,
    );
  });

  it("tells that the running kernel shows no BTF", () => {
    const full = put("full.btf", readFileSync(HOST_BTF));
    const line = ["verify", full, "--full", full, fixture("exec"), "--level", "kernel"];
    // Nothing is where it was, for this process alone.
    const hidden = 'mount -t tmpfs none /sys/kernel/btf && exec "$0" "$@"';
    const { status, stdout, stderr } = spawnSync(
      "unshare",
      ["--mount", "sh", "-c", hidden, process.execPath, command, ...line],
      { encoding: "utf8" },
    );
    expect({ status, isFar: stdout.includes("holds at level instructions\n") }, stderr).toEqual({
      status: 3,
      isFar: true,
    });
    expect(stderr).toMatch(/ cannot run: the running kernel shows no BTF \(.*\): boot .* \(--kernel IMAGE\), or /);
  });

  it.each([
    ["EPERM", 1, "to root: a filter of system calls or a lockdown"],
    ["ENOSYS", 38, "this kernel, or a filter of system calls, has no BPF"],
  ])("tells a filter of system calls, and a kernel without BPF: %s", (name, errno, words) => {
    // seccomp(2): bpf gives that, all else is allowed; the filter is for this thread and those it starts.
    const script = put(
      "filtered.cjs",
      `const koffi = require(${JSON.stringify(join(root, "node_modules/koffi"))});
       const libc = koffi.load("libc.so.6");
       const prctl = libc.func("int prctl(int option, unsigned long a, void *b, unsigned long c, unsigned long d)");
       const filter = Buffer.from([
         [0x20, 0, 0, 0], [0x15, 0, 1, { x64: 321, arm64: 280 }[process.arch]], [0x06, 0, 0, 0x00050000 + ${errno}], [0x06, 0, 0, 0x7fff0000],
       ].flatMap(([code, jt, jf, k]) => [code & 255, code >> 8, jt, jf, k & 255, (k >> 8) & 255, (k >> 16) & 255, k >>> 24]));
       const program = Buffer.alloc(16);
       program.writeUInt16LE(4, 0);
       program.writeBigUInt64LE(BigInt(koffi.address(filter)), 8);
       prctl(38, 1, null, 0, 0);
       if (prctl(22, 2, program, 0, 0) !== 0) process.exit(99);
       const { spawnSync } = require("node:child_process");
       process.exit(spawnSync(process.execPath, process.argv.slice(2), { stdio: "inherit" }).status ?? 98);`,
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, command, ...args("--level", "kernel")], {
      encoding: "utf8",
    });
    expect(status).toBe(3);
    expect(stdout).toContain("holds at level instructions\n");
    expect(stderr).toMatch(new RegExp(`level btf-load cannot run: bpf\\(2\\) gives ${name}:? ${words}`));
  });

  describe("with a library that misbehaves", () => {
    let library = "";
    beforeAll(() => {
      const compiler = findProgram(["gcc", "cc", "clang"], "--version")?.[0] ?? "cc";
      library = join(directory, "libfake.so.1");
      const source = join(root, "test/checker/fake-libbpf.c");
      expect(runProcess([compiler, "-shared", "-fPIC", "-o", library, source]).code).toBe(0);
    });
    const other = () => [...args("--level", "libbpf"), fixture("globals"), fixture("no_core")];

    it.each([
      ["crash", [], /^killed by SIGABRT$/],
      ["hang", ["--timeout", "1"], /^no answer for 1 s$/],
    ])("passes over an object at a %s, and says so", async (mode, options, how) => {
      const { report, code } = await ended([...other(), ...options], { BTFGEN_LIBBPF: library, FAKE_LIBBPF: mode });
      expect({ code, level: report.level }).toEqual({ code: 3, level: "btf-load" });
      expect(report.noFurther).toMatchObject({ level: "libbpf", failed: false });
      const broken = report.libbpf?.broken ?? [];
      expect(broken).toMatchObject([{ object: fixture("globals"), side: null, how: expect.stringMatching(how) }]);
      // The others were asked, before and after; this library has no code for them.
      const reason = "the object has no program of that name and length";
      const asked = report.libbpf?.notCompared.filter((one) => one.reason === reason).map(({ object }) => object);
      expect(asked).toEqual([fixture("exec"), fixture("no_core")]);
    });

    it("gives up where the library lets no checker start again", async () => {
      const [once, source, mark] = [
        join(directory, "libonce.so.1"),
        join(directory, "once.c"),
        join(directory, "mark"),
      ];
      writeFileSync(source, dyingAtSecondStart(mark));
      const compiler = findProgram(["gcc", "cc", "clang"], "--version")?.[0] ?? "cc";
      const files = [join(root, "test/checker/fake-libbpf.c"), source];
      expect(runProcess([compiler, "-shared", "-fPIC", "-o", once, ...files]).code).toBe(0);
      const { stdout, stderr, code } = await runText(other(), { env: { BTFGEN_LIBBPF: once, FAKE_LIBBPF: "crash" } });
      expect({ stdout, stderr, code }).toEqual({
        stdout: "",
        stderr: "btfgen: verify: the checker failed: killed by SIGABRT\n",
        code: 3,
      });
    });

    it("does not take a library that refuses everything for agreement", async () => {
      const { report } = await ended(args("--level", "kernel"), { BTFGEN_LIBBPF: library, FAKE_LIBBPF: "refuse" });
      expect(report.libbpf?.notCompared).toHaveLength(1);
      expect(report).toMatchObject({ level: "btf-load", kernel: { counts: { accepted: 0 } } });
    });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves nothing behind after %s", async (signal) => {
    const temporary = join(directory, signal);
    mkdirSync(temporary);
    const line = [
      ...args("--level", "kernel"),
      fixture("globals"),
      fixture("kptr"),
      fixture("types"),
      fixture("arrays"),
    ];
    const child = spawn(process.execPath, [command, ...line], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", TMPDIR: temporary },
      stdio: "ignore",
    });
    const checkers = () =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(`${temporary}/`));
    const over = new Promise((resolve) => child.on("close", resolve));
    for (let i = 0; i < 200 && checkers().length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(checkers()).toHaveLength(1);
    child.kill(signal);
    expect(await over).toBe(signal === "SIGINT" ? 130 : 143);
    expect(readdirSync(temporary)).toEqual([]);
    expect(checkers()).toEqual([]);
  });

  it("leaves no checker behind when it is killed itself", async () => {
    const temporary = join(directory, "killed");
    mkdirSync(temporary);
    const child = spawn(
      process.execPath,
      [command, ...args("--level", "kernel"), fixture("types"), fixture("arrays")],
      {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: "", TMPDIR: temporary },
        stdio: "ignore",
      },
    );
    const checkers = () =>
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(`${temporary}/`));
    for (let i = 0; i < 200 && checkers().length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill("SIGKILL");
    for (let i = 0; i < 100 && checkers().length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(checkers()).toEqual([]);
  });
});

describeOracle("verify, in the kernel", ["bpf", "libbpf", "bpftool"], () => {
  /** Enough to be in the middle of. */
  const objects = ["globals", "kptr", "types", "arrays", "exec", "sched_switch"].map(fixture);
  const line = ["verify", HOST_BTF, "--full", HOST_BTF, ...objects, "--level", "kernel"];

  it("leaves nothing when it ends by itself", async () => {
    const before = bpfObjects();
    expect((await runText(line)).code).toBe(0);
    expect(await leftSince(before)).toEqual([]);
  });

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)("leaves nothing after %s in the middle", async (signal) => {
    const before = bpfObjects();
    const child = spawn(process.execPath, [command, ...line], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "" },
      stdio: "ignore",
    });
    const over = new Promise((resolve) => child.on("close", resolve));
    // In the middle: something of its own is there.
    let meanwhile: string[] = [];
    for (let i = 0; i < 400 && meanwhile.length === 0 && child.exitCode === null; i++) {
      meanwhile = [...bpfObjects()].filter((one) => !before.has(one));
    }
    expect(meanwhile).not.toEqual([]);
    child.kill(signal);
    await over;
    expect(await leftSince(before)).toEqual([]);
  });

  it("leaves nothing where the library dies with a map and a program at hand", async () => {
    const before = bpfObjects();
    const directoryOf = mkdtempSync(join(directory, "dying-"));
    const compiler = findProgram(["gcc", "cc", "clang"], "--version")?.[0] ?? "cc";
    const [library, source] = [join(directoryOf, "libdying.so"), put("dying.c", DYING)];
    const flags = ["-shared", "-fPIC", "-o", library, source, "-Wl,--no-as-needed", "-l:libbpf.so.1", "-ldl"];
    expect(runProcess([compiler, ...flags]).code).toBe(0);
    const { report, code } = await ended(line, { BTFGEN_LIBBPF: library });
    expect({ code, broken: report.kernel?.broken.length }).toEqual({ code: 3, broken: objects.length });
    expect(report.kernel?.broken[0]?.how).toBe("killed by SIGABRT");
    expect(await leftSince(before)).toEqual([]);
  });
});

/** libbpf that aborts once it has loaded something. */
const DYING = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
int bpf_object__load(void *object) {
  int (*next)(void *) = dlsym(RTLD_NEXT, "bpf_object__load");
  int result = next(object);
  if (result == 0) abort();
  return result;
}
`;

/** Part of a library that can be loaded once, as long as its mark is there. */
const dyingAtSecondStart = (mark: string) => `#include <fcntl.h>
#include <stdlib.h>
__attribute__((constructor)) static void start(void) {
  if (open("${mark}", O_CREAT | O_EXCL, 0600) < 0) abort();
}
`;

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}

const strace = firstLineOf(["strace", "--version"]);

describe.skipIf(strace === undefined)(`the dry run [${strace ?? "skipped: strace is not installed"}]`, () => {
  const traced = (line: readonly string[]): string => {
    const log = join(directory, "strace.log");
    writeFileSync(log, "");
    const flags = ["-f", "-qq", "-e", "trace=bpf", "-o", log];
    const { status, stderr } = spawnSync("strace", [...flags, process.execPath, command, ...line], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    return readFileSync(log, "utf8");
  };
  const kernel = join(root, "test/fixtures/defects/06-target-type-id/target.btf");
  const object = join(root, "test/fixtures/defects/06-target-type-id/local.o");
  const out = join(directory, "traced.btf");

  it.each([
    ["minimize", ["minimize", kernel, object, "-o", out]],
    ["relocs", ["relocs", object, "--target", kernel]],
    ["prepare", ["prepare", object, "--target", kernel]],
    ["model", ["model", kernel, "--object", object]],
    ["verify, level replay", ["verify", kernel, "--full", kernel, object, "--level", "replay"]],
    ["verify, level instructions", ["verify", kernel, "--full", kernel, object]],
  ])("%s does not call bpf(2)", (_, line) => {
    expect(traced(line)).toBe("");
  });

  const reason = missingOracle(["bpf"]);
  it.skipIf(reason !== undefined)("and strace would see it", () => {
    const line = ["verify", HOST_BTF, "--full", HOST_BTF, fixture("exec"), "--level", "btf-load"];
    expect(traced(line)).toContain("bpf(BPF_BTF_LOAD");
  });
});
