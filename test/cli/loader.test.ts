/** `btfgen loader` and `run-loader`: what they write, say and refuse, and what they leave behind: nothing. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { RunStage } from "../../checker/loader-protocol.ts";
import { decodeLoader, encodeLoader } from "../../cli/loader/file.ts";
import { type RanLoader, type RunLoaderReport, whyNotHere } from "../../cli/loader/run-loader.ts";
import type { LoaderReport } from "../../cli/loader/write.ts";
import type { Loader } from "../../lib/loader/loader.ts";
import { asNobody } from "../oracle/nobody.ts";
import { describeOracle, oracleIt } from "../oracle/requirements.ts";
import { THOROUGH } from "../samples.ts";
import { bpfObjects, leftSince } from "./kernel-leftovers.ts";
import { run, runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "dist/btfgen.cjs");
const fixture = (name: string) => join(root, `test/fixtures/objects/${name}.o`);
const { directory, put } = workspace();
const path = (name: string) => join(directory, name);

/** Instructions of a loader program: a call of bpf_sys_bpf, of bpf_btf_find_by_name_kind; `r1 = n`, `r3 = n`, `r8 = n`. */
const SYS_BPF = "85000000a6000000";
const FIND = "85000000a7000000";
const BAD = "ff7f0000";

const loaderOf = (name: string): Loader => decodeLoader(readFileSync(path(`${name}.loader`)), name);

/** The loader with one step asking, at each try, for what there is not: an unknown command, or a kind of type that there is not. */
function failingAt(loader: Loader, step: number): Loader {
  const hex: string[] = [...(Buffer.from(loader.instructions).toString("hex").match(/.{16}/g) ?? [])];
  const number = Buffer.from(Int32Array.of(step).buffer).toString("hex");
  const start = hex.indexOf(`b7080000${number}`);
  const next = hex.findIndex((one, i) => i > start && one.startsWith("b7080000"));
  let changed = 0;
  for (const [call, one] of hex.entries()) {
    if (call < start || (next !== -1 && call > next) || (one !== SYS_BPF && one !== FIND)) continue;
    const register = one === SYS_BPF ? "b7010000" : "b7030000";
    const at = hex.findLastIndex((before, i) => i < call && before.startsWith(register));
    if (at < start) continue;
    hex[at] = `${register}${BAD}`;
    changed++;
  }
  if (start === -1 || changed === 0) throw new Error(`no step ${step}`);
  return { ...loader, instructions: Uint8Array.from(Buffer.from(hex.join(""), "hex")) };
}

function onlyOf(stdout: string): RanLoader {
  const { loaders } = JSON.parse(stdout) as RunLoaderReport;
  expect(loaders).toHaveLength(1);
  return loaders[0] as RanLoader;
}

async function report(args: readonly string[]): Promise<{ report: RanLoader; stderr: string; code: number }> {
  const { stdout, stderr, code } = await runText(["run-loader", ...args, "--json"]);
  return { report: onlyOf(stdout), stderr, code };
}

beforeAll(async () => {
  for (const name of ["exec", "globals", "types", "no_core"]) {
    expect((await run(["loader", fixture(name), "-o", path(`${name}.loader`)])).code).toBe(0);
  }
});

describe("btfgen loader", () => {
  it("says what it has written", async () => {
    const { stdout, stderr, code } = await runText(["loader", fixture("globals"), "-o", path("g.loader"), "--json"]);
    const written = JSON.parse(stdout) as LoaderReport;
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(written).toMatchObject({ emit: "raw", target: null, byteOrder: "little", refusals: [], since: "5.17" });
    expect(written.size.file).toBe(readFileSync(path("g.loader")).length);
    const { instructions, dataSize } = loaderOf("globals");
    expect(written.size).toMatchObject({ instructions: instructions.length / 8, data: dataSize });
    expect(written.maps.map(({ name }) => name)).toContain("globals.bss");
    expect(written.programs.map(({ name }) => name)).toEqual(["account", "classify"]);
    const text = async (name: string) => (await runText(["loader", fixture(name), "-o", path("text")])).stdout;
    expect(await text("globals")).toContain("\nCO-RE    left to the kernel that runs it\n");
    expect(await text("no_core")).toContain("\nCO-RE    none in the object\n");
  });

  it("writes the same bytes on every run, to a file and to standard output", async () => {
    for (const emit of ["raw", "c", "go", "ts"]) {
      await run(["loader", fixture("globals"), "--emit", emit, "-o", path("first")]);
      const { stdout } = await run(["loader", fixture("globals"), "--emit", emit, "-o", "-"]);
      expect(stdout.equals(readFileSync(path("first")))).toBe(true);
    }
  });

  it("leaves programs out, and sets numbers of entries, as tools do at run time", async () => {
    const line = ["loader", fixture("globals"), "--skip", "classify", "--max-entries", "per_cpu_settings=77"];
    const { stdout, code } = await runText([...line, "-o", path("less.loader"), "--json"]);
    const { programs, maps } = JSON.parse(stdout) as LoaderReport;
    expect(code).toBe(0);
    expect(programs.map(({ name }) => name)).toEqual(["account"]);
    expect(maps.find(({ name }) => name === "per_cpu_settings")?.maxEntries).toBe(77);
    expect(loaderOf("less").steps.at(-1)).toEqual({ action: "load-program", name: "account" });
    const open = await runText([
      "loader",
      fixture("globals"),
      "--max-entries",
      "per_cpu_settings=0",
      "-o",
      path("open"),
    ]);
    expect(open).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("per_cpu_settings: 0 entries until --max-"),
    });
  });

  it("refuses what cannot be loaded so, and writes nothing", async () => {
    const { stdout, stderr, code } = await runText(["loader", fixture("struct_ops"), "-o", path("none.loader")]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toMatch(
      /struct_ops is laid out by the running kernel's types.*\n(.*\n)*btfgen: nothing is written\n$/,
    );
    expect(readdirSync(directory)).not.toContain("none.loader");
  });

  it.each([
    [["loader", fixture("exec")], /--output/],
    [["loader", fixture("exec"), "-o", "x", "--module", "m.ko"], /--module needs --target BTF/],
    [["loader", fixture("exec"), "-o", "x", "--skip", "none"], /--skip none: the object has no such program/],
    [["loader", fixture("exec"), "-o", "x", "--max-entries", "events"], /--max-entries events: should be MAP=COUNT/],
    [["loader", fixture("exec"), "-o", "x", "--max-entries", "events=4294967296"], /should be MAP=COUNT/],
    [["loader", fixture("exec"), "-o", "x", "--max-entries", "none=1"], /none=1: the object has no such map/],
    [["loader", fixture("exec"), "-o", "x", "--btf-for", "six"], /--btf-for six: not a release/],
    [["loader", join(root, "test/fixtures/objects"), "-o", "x"], /holds \d+ objects: a loader is one object's/],
    [["run-loader", fixture("exec")], /is no loader file: btfgen loader writes one/],
    [["run-loader", "no-such.loader"], /no such file/],
    [["run-loader", "exec.loader", "--log-level", "9"], /--log-level 9: should be 1, 2 or 4/],
    [["run-loader", "exec.loader", "--timeout", "0"], /--timeout 0: should be/],
  ])("says what is wrong with %j", async (line, message) => {
    const { stdout, stderr, code } = await runText(line, { cwd: directory });
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toMatch(message);
  });
});

describe("a loader file", () => {
  it("is read as it was written", () => {
    const loader = loaderOf("globals");
    expect(decodeLoader(encodeLoader(loader), "again")).toEqual(loader);
  });

  const document = () => JSON.parse(readFileSync(path("globals.loader"), "utf8")) as Record<string, unknown>;
  it("may have megabytes of data", () => {
    const data = new Uint8Array(16 << 20).fill(1);
    const loader = { ...loaderOf("no_core"), data, dataSize: data.length };
    expect(Buffer.compare(decodeLoader(encodeLoader(loader), "large").data, data)).toBe(0);
  });

  it.each<[what: string, change: (from: Record<string, unknown>) => unknown, message: RegExp]>([
    [
      "of another version",
      (from) => ({ ...from, version: 2 }),
      /version is of a version that this program does not read/,
    ],
    ["of another format", (from) => ({ ...from, format: "elf" }), /file: is no loader file/],
    ["no document", () => [], /file: is no loader file/],
    ["with code that is no base64", (from) => ({ ...from, instructions: "@" }), /instructions should be base64/],
    ["with half an instruction", (from) => ({ ...from, instructions: "AAAA" }), /instructions are no whole number/],
    ["with no code", (from) => ({ ...from, instructions: "" }), /instructions are no whole number/],
    ["with more data than room", (from) => ({ ...from, dataSize: 8 }), /its data has \d+ bytes, but dataSize is 8/],
    ["with a context that is too small", (from) => ({ ...from, contextSize: 24 }), /descriptor is beyond the context/],
    ["with a context no kernel takes", (from) => ({ ...from, contextSize: 65_536 }), /contextSize/],
    [
      "with a place beyond the data",
      (from) => ({ ...from, maps: (from.maps as object[]).map((map) => ({ ...map, contentsAt: 0xffff_ff00 })) }),
      /place beyond the data/,
    ],
    ["with something else in it", (from) => ({ ...from, more: 1 }), /more/],
  ])("is refused when it is %s", (_, change, message) => {
    const bytes = new TextEncoder().encode(JSON.stringify(change(document())));
    expect(() => decodeLoader(bytes, "file")).toThrow(message);
  });
});

describe("why a kernel runs no loader", () => {
  const loader = { since: "5.17", dataSize: 5_000_000, instructions: new Uint8Array(80), signature: null };
  const failed = (stage: RunStage, errno: number) => ({ stage, errno, step: 0 });
  it.each<[kernel: string, stage: RunStage, errno: number, reason: RegExp | null]>([
    ["5.10.0-46-cloud-amd64", "load", 22, /^Linux 5\.10\.0-46-cloud-amd64 has no loader programs: .* came with 5\.14$/],
    ["5.10.0", "load", 7, /has no loader programs/],
    ["5.15.0", "run", 22, /^the loader uses what came with Linux 5\.17, this is 5\.15\.0$/],
    ["5.14.0-611.el9", "run", 2, null],
    ["6.1.0", "create data", 7, /^the kernel takes no map whose value has 5000000 bytes/],
    ["6.1.0", "load", 7, /^the kernel takes no program of 10 instructions/],
    ["6.1.0", "run", 22, null],
    ["6.1.0", "load", 13, null],
  ])("is said on %s, at %s with errno %s", (kernel, stage, errno, reason) => {
    const said = whyNotHere(loader, { kernel, failed: failed(stage, errno) });
    if (reason === null) expect(said).toBeNull();
    else expect(said).toMatch(reason);
    expect(whyNotHere(loader, { kernel, failed: null })).toBeNull();
  });
});

describeOracle("btfgen run-loader", ["bpf"], () => {
  it("shows what the kernel has made, and lets go of it", async () => {
    const before = bpfObjects();
    const { stdout, stderr, code } = await runText(["run-loader", path("globals.loader")]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toMatch(/^\s*\d+ {2}per_cpu_settings +array +4 +24 +4 +0$/m);
    expect(stdout).toMatch(/^\s*\d+ {2}account +raw_tracepoint +[0-9a-f]{16} +\d+$/m);
    expect(await leftSince(before)).toEqual([]);
  });

  it("reads the file from standard input, and shows logs where they are asked for", async () => {
    const stdin = readFileSync(path("globals.loader"));
    const { stdout, code } = await runText(["run-loader", "-", "--log-level", "4", "--json"], { stdin });
    const { logs, failed, cannot } = onlyOf(stdout);
    expect({ code, failed, cannot }).toEqual({ code: 0, failed: null, cannot: null });
    expect(logs.map(({ name }) => name)).toEqual(["account", "classify"]);
    for (const { text } of logs) expect(text).toMatch(/^verification time|processed \d+ insns/m);
  });

  it("runs several, whatever becomes of one", async () => {
    const files = ["globals", "types", "no_core"].map((name) => path(`${name}.loader`));
    const { stdout, stderr, code } = await runText(["run-loader", ...files, "--json"]);
    const { loaders, kernel } = JSON.parse(stdout) as RunLoaderReport;
    expect(code).toBe(1);
    expect(loaders.map(({ file, failed }) => [file, failed === null])).toEqual([
      [files[0], true],
      [files[1], false],
      [files[2], true],
    ]);
    expect(stderr).toContain(`gives EINVAL on Linux ${kernel}`);
  });

  it("says which step failed, with the verifier's words", async () => {
    const { report: said, stderr, code } = await report([path("types.loader")]);
    expect(code).toBe(1);
    expect(said.failed).toMatchObject({ action: "load-program", name: "matches", errnoName: "EINVAL" });
    expect(said).toMatchObject({ maps: [], programs: [], cannot: null });
    expect(stderr).toMatch(
      /^btfgen: .*types\.loader: step \d+, load-program matches gives EINVAL on Linux \S+; nothing/,
    );
    expect(stderr).toContain("CO-RE relocating");
  });

  // The program is called as the tracepoint ends, and shares its string.
  it("says which program does not find what it wants, and how to do without", async () => {
    const gone = put(
      "gone.bpf.o",
      Buffer.from(
        readFileSync(fixture("exec")).toString("latin1").replaceAll("sched_process_exec", "sched_process_gone"),
        "latin1",
      ),
    );
    expect((await run(["loader", gone, "-o", path("gone.loader")])).code).toBe(0);
    const { report: said, stderr } = await report([path("gone.loader")]);
    expect(said.failed).toMatchObject({ name: "btf_trace_sched_process_gone", wantedBy: "gone", errnoName: "ENOENT" });
    expect(stderr).toContain("a loader made with --skip gone does without");
  });

  it("leaves nothing, whichever step fails", async () => {
    const before = bpfObjects();
    for (const name of ["exec", "globals"]) {
      const loader = loaderOf(name);
      for (let step = 1; step <= loader.steps.length; step++) {
        const { action } = loader.steps[step - 1] ?? {};
        // Of several steps of a sort, the last, which leaves most to let go of; all when there is time.
        if (!THOROUGH && loader.steps.slice(step).some((later) => later.action === action)) continue;
        writeFileSync(path("failing.loader"), encodeLoader(failingAt(loader, step)));
        const { report: said, code } = await report([path("failing.loader")]);
        expect(code, `${name}, step ${step}`).toBe(1);
        expect(said.failed, `${name}, step ${step}`).toMatchObject({ step, ...loader.steps[step - 1], stage: "run" });
        expect(said.failed?.errnoName).toMatch(/^(EINVAL|ENOENT)$/);
      }
    }
    expect(await leftSince(before)).toEqual([]);
  }, 120_000);

  it("says so where the loader program itself is refused", async () => {
    const loader = loaderOf("no_core");
    const instructions = loader.instructions.slice(0, -8);
    writeFileSync(path("cut.loader"), encodeLoader({ ...loader, instructions }));
    const { report: said, stderr, code } = await report([path("cut.loader")]);
    expect({ code, stage: said.failed?.stage }).toEqual({ code: 1, stage: "load" });
    expect(stderr).toMatch(/loading the loader program gives EINVAL/);
    expect(said.logs[0]).toMatchObject({ step: 0, name: "loader program" });
  });

  oracleIt("says what it lacks without privilege", ["nobody"], () => {
    const file = join(tmpdir(), `btfgen-loader-test-${process.pid}.loader`);
    writeFileSync(file, readFileSync(path("no_core.loader")));
    const { status, stdout, stderr } = asNobody(["run-loader", file]);
    rmSync(file);
    expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
    expect(stderr).toMatch(/^btfgen: run-loader: bpf\(2\) gives EPERM[^:]*: run as root, or with CAP_BPF, /);
  });

  it("leaves nothing when it is killed on the way", async () => {
    const before = bpfObjects();
    const temporary = new Set(readdirSync(tmpdir()));
    const child = spawn(process.execPath, [command, "run-loader", path("globals.loader"), "--log-level", "2"]);
    const ended = new Promise((resolve) => child.on("close", (exit) => resolve(exit)));
    const own = () => readdirSync(tmpdir()).filter((name) => name.startsWith("btfgen-run-") && !temporary.has(name));
    for (let tries = 0; tries < 500 && own().length === 0; tries++) await sleep(10);
    expect(own()).toHaveLength(1);
    child.kill("SIGTERM");
    expect(await ended).toBe(143);
    expect(await leftSince(before)).toEqual([]);
    expect(own()).toEqual([]);
  });
});
