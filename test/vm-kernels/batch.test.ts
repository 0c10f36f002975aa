/** `batch --verify-kernel` with kernels that do boot. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { BatchReport } from "../../cli/batch/report.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { faultLibrary } from "./fault-library.ts";
import { machinesBelow } from "./machines.ts";
import { COMMAND, FIXTURES } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const WANTED = [/^linux-image-6\.1\..*\.deb$/, /^linux-image-6\.12\..*\.deb$/];
const MINUTES = 400_000;
const { directory, put } = workspace();
const corpus = join(directory, "corpus");
const own = join(directory, "tmp");
const objects = ["exec", "fentry_fexit"].map((name) => FIXTURES.find((path) => path.endsWith(`/${name}.o`)) ?? "");

const line = (output: string, count: string, ...rest: string[]) => [
  ...[process.execPath, COMMAND, "batch", corpus, "--no-cache", "-o", join(directory, output)],
  ...objects.flatMap((path) => ["--object", path]),
  ...["--verify-kernel", count, "--json", ...rest],
];

function batch(output: string, count: string, env: Readonly<Record<string, string>> = {}, ...rest: string[]) {
  const ended = runProcess(line(output, count, ...rest), { env: { TMPDIR: own, ...env }, timeoutMs: MINUTES });
  const lines = Buffer.from(ended.stdout).toString().trim().split("\n");
  return { code: ended.code, stderr: ended.stderr, summary: JSON.parse(lines.at(-1) ?? "null") as BatchReport };
}

describe("batch --verify-kernel", () => {
  beforeAll(async () => {
    mkdirSync(corpus);
    mkdirSync(own);
    const names = WANTED.map((pattern) => readdirSync(kernels).find((name) => pattern.test(name)) ?? "");
    for (const name of names) symlinkSync(join(kernels, name), join(corpus, name));
    // One without an image.
    put("corpus/debian/11/x86_64/5.10.0-1-amd64.btf", readFileSync(kernelSample(KERNEL_6_1).path));
  });

  it(
    "asks all that have images, and puts their answers into report and provenance",
    () => {
      const { code, stderr, summary } = batch("all.tar", "all");
      expect(code, stderr).toBe(0);
      expect(summary.verifyKernel?.kernels).toEqual({ accepted: 2, failed: 0, "no-answer": 0, "not-tested": 1 });
      expect(summary.verifyKernel?.notAsked).toEqual([
        { reason: "its BTF came without a kernel image", kernels: 1, first: "debian/11/x86_64/5.10.0-1-amd64" },
      ]);
      const checks = summary.verifyKernel?.checks ?? [];
      expect(checks.map(({ release }) => release?.split(".", 2).join("."))).toEqual(["6.1", "6.12"]);
      for (const { verdict, reason, programs, libbpf, kernel, release } of checks) {
        expect({ verdict, reason }).toEqual({ verdict: "accepted", reason: null });
        expect(programs).toEqual({ accepted: 5, "not-tested": 0, failed: 0 });
        expect(libbpf).toMatch(/^1\.\d+/);
        expect(kernel.endsWith(`/x86_64/${release}`)).toBe(true);
      }
      const provenance = JSON.parse(readFileSync(join(directory, "all.tar.provenance.json"), "utf8"));
      const verified = provenance.kernels.flatMap((kernel: { verified?: object }) => kernel.verified ?? []);
      expect(verified).toEqual(checks.map(({ release, libbpf }) => ({ release, libbpf, accepted: 5, notTested: 0 })));
      const shown = runProcess([process.execPath, COMMAND, "bundle", "verify", join(directory, "all.tar")]);
      expect(shown.code, shown.stderr).toBe(0);
      expect(readdirSync(own)).toEqual([]);
    },
    MINUTES,
  );

  it(
    "counts the programs of each object where objects are written",
    () => {
      const { code, stderr, summary } = batch("emitted", "1", {}, "--emit", "objects");
      expect(code, stderr).toBe(0);
      const counts = summary.verifyKernel?.checks[0]?.objects.map(({ programs }) => programs.accepted) ?? [];
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(5);
      for (const [i, name] of ["exec", "fentry_fexit"].entries()) {
        const { objects: of, kernels: all } = JSON.parse(
          readFileSync(join(directory, `emitted/${name}.provenance.json`), "utf8"),
        );
        expect(of).toEqual([expect.objectContaining({ name: objects[i] })]);
        const verified = all.flatMap((kernel: { verified?: object }) => kernel.verified ?? []);
        expect(verified).toEqual([expect.objectContaining({ accepted: counts[i], notTested: 0 })]);
      }
    },
    MINUTES,
  );

  it(
    "names what a kernel does not take, leaves it out, and exits 1",
    () => {
      const env = { BTFGEN_LIBBPF: faultLibrary(directory, "SMALL_REFUSED") };
      const { code, summary } = batch("refused.tar", "1", env);
      expect(code).toBe(1);
      const [check] = summary.verifyKernel?.checks ?? [];
      expect(check?.verdict, check?.reason ?? "").toBe("failed");
      expect(check?.release).toMatch(/^6\.12\./);
      expect(check?.programs).toEqual({ accepted: 0, "not-tested": 0, failed: 5 });
      expect(check?.findings.join("\n")).toContain("full BTF: accepted; small BTF: refused");
      expect(summary.failed).toEqual([
        { origin: expect.stringContaining("6.12."), reason: expect.stringContaining("does not take its small BTF") },
      ]);
      expect(summary.bundle?.kernels).toBe(2);
    },
    MINUTES,
  );

  it(
    "leaves no machine behind when it is interrupted, and goes on where it was",
    async () => {
      const [program = "", ...args] = line("stopped.tar", "1");
      const child = spawn(program, args, { env: { ...process.env, TMPDIR: own }, stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      child.stderr.on("data", (text: Buffer) => {
        said += text.toString();
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      for (let i = 0; i < 1200 && machinesBelow(own).length === 0 && child.exitCode === null; i++) await sleep(50);
      expect(machinesBelow(own)).toHaveLength(1);
      child.kill("SIGINT");
      expect(await ended).toBe(130);
      expect(said).toContain("btfgen: interrupted while kernels were asked; no bundle is written\n");
      for (let i = 0; i < 100 && machinesBelow(own).length > 0; i++) await sleep(50);
      expect({ machines: machinesBelow(own), files: readdirSync(own) }).toEqual({ machines: [], files: [] });
      expect(existsSync(join(directory, "stopped.tar"))).toBe(false);
      const again = line("stopped.tar", "1", "--resume").filter((word) => word !== "--verify-kernel" && word !== "1");
      const resumed = runProcess(again, { env: { TMPDIR: own } });
      const events = Buffer.from(resumed.stdout)
        .toString()
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text));
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(events.filter(({ event, from }) => event === "file" && from === "resume")).toHaveLength(3);
    },
    MINUTES,
  );
});
