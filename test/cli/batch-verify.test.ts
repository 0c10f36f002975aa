/** `batch --verify-kernel` as far as no kernel is needed: what is in the way of it, what is chosen, what comes of answers. */
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BatchReport } from "../../cli/batch/report.ts";
import { untestedKernel, withChecksOf } from "../../cli/batch/verify-report.ts";
import { encodeFrame } from "../../vm/frame.ts";
import type { VmLine } from "../../vm/protocol.ts";
import { TINY_OBJECT, tinyKernel } from "../corpus/batch/tiny-corpus.ts";
import { bannerText, bzImage } from "../corpus/kernels.ts";
import { elfImage } from "../elf/builder.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const IMAGES = join(directory, "images");
const RAW = join(directory, "raw");
const RELEASES = ["5.10.0", "6.1.0", "6.6.0", "6.12.0", "7.0.0"];

/** A kernel image, by its form, that no machine could boot. */
function image(release: string, machine = 62): Uint8Array {
  const sections = [
    { name: ".rodata", type: 1, data: Buffer.from(bannerText(release)) },
    { name: ".BTF", type: 1, data: tinyKernel(8 * RELEASES.indexOf(release)) },
  ];
  const kernel = elfImage(sections, { machine, type: 2 });
  return machine === 62 ? bzImage(kernel, null) : kernel;
}

/** A directory with a program in qemu's place, which says what is given and ends. */
function monitor(name: string, lines: readonly VmLine[]): string {
  const said = put(`${name}/said`, lines.map((line, i) => encodeFrame(i, JSON.stringify(line))).join(""));
  const path = put(
    `${name}/bin/qemu-system-x86_64`,
    `#!/bin/sh\nwhile read -r line; do echo "$line"; done < ${said}\n`,
  );
  chmodSync(path, 0o755);
  return join(directory, name, "bin");
}

async function batch(args: readonly string[], PATH: string, env: Readonly<Record<string, string>> = {}) {
  const line = ["batch", ...args, "--object", TINY_OBJECT, "--no-cache", "--json"];
  const { stdout, stderr, code } = await runText(line, { cwd: directory, env: { PATH, ...env } });
  const lines = stdout.split("\n").flatMap((text) => (text === "" ? [] : [JSON.parse(text)]));
  return { lines, summary: lines.at(-1) as BatchReport | undefined, stderr, code };
}

beforeAll(() => {
  for (const release of RELEASES) put(`images/debian/12/x86_64/vmlinuz-${release}`, image(release));
  put("raw/debian/12/x86_64/6.2.0.btf", tinyKernel(0));
});

describe("an object's own provenance", () => {
  const kernel = { id: "debian", versionId: "12", arch: "x86_64", release: "6.1.0" };
  const from = { ...kernel, source: { name: "a", blake2b: "" }, blob: "", bytes: 1, counts: {} };
  const verified = { release: "6.1.0", libbpf: "1.1.2", accepted: 5, notTested: 1 };
  const run = { version: 1 as const, tool: { name: "btfgen", version: "0" }, options: {}, objects: [] };
  const counted = (object: string, accepted: number, untested: number) => {
    return { object, programs: { accepted, "not-tested": untested, failed: 0 } };
  };
  const check = {
    ...{ ...untestedKernel(""), verdict: "accepted" as const, reason: null },
    ...{ kernel: "debian/12/x86_64/6.1.0", origin: "a", milliseconds: 1 },
    objects: [counted("exec.o", 2, 1), counted("open.o", 3, 0)],
  };
  const checks = { asked: "all" as const, checks: [check], notAsked: [] };

  it.each([
    ["exec.o", { ...verified, accepted: 2, notTested: 1 }],
    ["open.o", { ...verified, accepted: 3, notTested: 0 }],
    ["other.o", undefined],
  ])("counts the programs of %s alone", (object, expected) => {
    const unasked = { ...from, release: "6.2.0" };
    const { kernels } = withChecksOf(object, { ...run, kernels: [{ ...from, verified }, unasked] }, checks);
    expect(kernels.map((one) => one.verified)).toEqual([expected, undefined]);
    expect(kernels[1]).toBe(unasked);
  });
});

describe("batch --verify-kernel", () => {
  it.each([
    ["0", "--verify-kernel: 0 is neither all nor a count of 1 or more"],
    ["some", "--verify-kernel: some is neither all nor a count of 1 or more"],
  ])("refuses %s kernels", async (count, message) => {
    const { code, stderr, lines } = await batch([IMAGES, "-o", "no.tar", "--verify-kernel", count], "/usr/bin:/bin");
    expect({ code, lines }).toEqual({ code: 2, lines: [] });
    expect(stderr).toContain(message);
  });

  it("does not go with modules", async () => {
    const { code, stderr } = await batch([IMAGES, "-o", "no.tar", "--verify-kernel", "1", "--modules"], "/bin");
    expect(code).toBe(2);
    expect(stderr).toContain("--verify-kernel and --modules exclude each other");
  });

  it("says before any work that there is no qemu", async () => {
    const ended = await batch([IMAGES, "-o", "unmade.tar", "--verify-kernel", "all"], join(directory, "nothing"));
    expect(ended).toMatchObject({ code: 3, lines: [] });
    expect(ended.stderr).toMatch(/^btfgen: qemu-system-x86_64 is not installed \(qemu-system-x86 on Debian/);
    expect(readdirSync(directory).filter((name) => name.startsWith("unmade"))).toEqual([]);
  });
});

describeOracle("batch --verify-kernel with a machine", ["libbpf"], () => {
  let silent = "";
  beforeAll(() => {
    silent = monitor("silent", []);
  });

  it("says before any work that there is no libbpf", async () => {
    const env = { BTFGEN_LIBBPF: join(directory, "no-such-library.so.1") };
    const ended = await batch([IMAGES, "-o", "unmade.tar", "--verify-kernel", "all"], silent, env);
    expect(ended).toMatchObject({ code: 3, lines: [] });
    expect(ended.stderr).toMatch(/no-such-library\.so\.1.*: install libbpf \(libbpf1 on Debian/);
  });

  it("says before any work that the corpus has no kernel images", async () => {
    const ended = await batch([RAW, "-o", "unmade.tar", "--verify-kernel", "all"], silent);
    expect(ended).toMatchObject({ code: 3, lines: [] });
    expect(ended.stderr).toContain("no file of the corpus is a kernel image");
    expect(existsSync(join(directory, "unmade.tar"))).toBe(false);
    // A shard of a corpus that has some elsewhere is no error.
    const shard = await batch([RAW, "-o", "shard.tar", "--verify-kernel", "all", "--shard", "1/2"], silent);
    expect(shard.code).toBe(0);
  });

  it("is a finding where a machine gives no answer, and the bundle is there", async () => {
    const { code, summary, stderr, lines } = await batch(
      [IMAGES, RAW, "-o", "silent.tar", "--verify-kernel", "all"],
      silent,
    );
    expect(code).toBe(1);
    expect(stderr).toContain("--verify-kernel: 5 kernels gave no answer\n");
    expect(summary?.verifyKernel).toMatchObject({
      asked: "all",
      kernels: { accepted: 0, failed: 0, "no-answer": 5, "not-tested": 1 },
      notAsked: [{ reason: "its BTF came without a kernel image", kernels: 1, first: "debian/12/x86_64/6.2.0" }],
    });
    const told = lines.filter(({ event }) => event === "verify-kernel");
    expect(told.map(({ kernel }) => kernel.split("/").at(-1))).toEqual(RELEASES);
    expect(told[0].reason).toContain("the virtual machine ended before it had answered");
    expect(summary?.bundle?.kernels).toBe(6);
    const provenance = JSON.parse(readFileSync(join(directory, "silent.tar.provenance.json"), "utf8"));
    expect(provenance.kernels.filter((kernel: object) => "verified" in kernel)).toEqual([]);
  });

  it.each([
    ["1", ["7.0.0"]],
    ["2", ["5.10.0", "7.0.0"]],
    ["3", ["5.10.0", "6.6.0", "7.0.0"]],
    ["9", RELEASES],
  ])("asks %s of them, from the oldest to the newest", async (count, releases) => {
    const { summary } = await batch([IMAGES, "-o", "sample.tar", "--verify-kernel", count], silent);
    expect(summary?.verifyKernel?.asked).toBe(Number(count));
    expect(summary?.verifyKernel?.checks.map(({ kernel }) => kernel.split("/").at(-1))).toEqual(releases);
    const rest = RELEASES.length - releases.length;
    expect(summary?.verifyKernel?.notAsked.map(({ reason, kernels }) => [reason, kernels])).toEqual(
      rest === 0 ? [] : [["not in the sample", rest]],
    );
  });

  it("does not ask kernels of other architectures", async () => {
    put("mixed/debian/12/arm64/vmlinuz-6.1.0", image("6.1.0", 183));
    put("mixed/debian/12/x86_64/vmlinuz-6.1.0", image("6.1.0"));
    const { summary } = await batch([join(directory, "mixed"), "-o", "mixed.tar", "--verify-kernel", "all"], silent);
    expect(summary?.verifyKernel?.checks.map(({ kernel }) => kernel.split("/")[2])).toEqual(["x86_64"]);
    expect(summary?.verifyKernel?.notAsked).toEqual([
      { reason: "kernels for arm64 are not booted here", kernels: 1, first: expect.stringContaining("/arm64/6.1.0") },
    ]);
  });

  it("leaves out what a kernel refuses, and says why", async () => {
    const cannot = null;
    const path = monitor("refusing", [
      { type: "guest", release: "6.1.0", sameBtf: true },
      { type: "hello", kernel: "6.1.0", arch: "x64", libbpf: "1.1.2", cannot },
      { type: "btf", accepted: false, errno: 22, log: "[7] STRUCT x size=0 vlen=1 Invalid member" },
      { type: "end" },
    ]);
    const { code, summary } = await batch([IMAGES, "-o", "refused.tar", "--verify-kernel", "1"], path);
    expect(code).toBe(1);
    expect(summary?.verifyKernel?.checks).toMatchObject([
      { kernel: expect.stringContaining("/7.0.0"), verdict: "failed", reason: expect.stringContaining("EINVAL") },
    ]);
    expect(summary?.verifyKernel?.checks[0]?.findings.join("\n")).toContain("Invalid member");
    expect(summary?.failed).toEqual([
      { origin: expect.stringContaining("7.0.0"), reason: expect.stringContaining("the kernel refuses it (EINVAL)") },
    ]);
    expect(summary?.bundle?.kernels).toBe(RELEASES.length - 1);
  });

  it("is exit code 3 where no kernel could say anything", async () => {
    const path = monitor("without-bpf", [
      { type: "guest", release: "6.1.0", sameBtf: true },
      {
        type: "hello",
        kernel: "6.1.0",
        arch: "x64",
        libbpf: "1.1.2",
        cannot: { level: "btf-load", reason: "the kernel has no bpf(2)" },
      },
      { type: "end" },
    ]);
    const { code, summary, stderr } = await batch([IMAGES, "-o", "none.tar", "--verify-kernel", "2"], path);
    expect(code).toBe(3);
    expect(stderr).toContain("--verify-kernel: no kernel could be asked\n");
    expect(summary?.verifyKernel?.checks[0]).toMatchObject({
      verdict: "not-tested",
      reason: "level btf-load cannot run: the kernel has no bpf(2)",
    });
  });
});
