/** `verify --kernel IMAGE` where something is missing, wrong or interrupted, and what it leaves behind: nothing. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { cpioArchive } from "../../vm/cpio.ts";
import { GUEST } from "../../vm/protocol.ts";
import { runVm } from "../../vm/qemu.ts";
import { workspace } from "../cli/workspace.ts";
import { findProgram, runProcess } from "../oracle/process.ts";
import { machinesBelow } from "./machines.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const command = join(root, "dist/btfgen.cjs");
const object = join(root, "test/fixtures/objects/exec.o");
const others = ["globals", "no_core"].map((name) => join(root, `test/fixtures/objects/${name}.o`));
const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const images = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
const image = join(kernels, images[0] ?? "");
const { directory } = workspace();
const small = join(directory, "small.btf");
const own = join(directory, "tmp");
const MINUTES = 240_000;

const line = (...rest: string[]) => [process.execPath, command, "verify", small, object, "--kernel", image, ...rest];

function verify(rest: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { code, stderr, stdout } = runProcess(line(...rest), { env: { TMPDIR: own, ...env }, timeoutMs: MINUTES });
  return { code, stderr, stdout: Buffer.from(stdout).toString() };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition() && tries < 600; tries++) await sleep(50);
  expect(condition()).toBe(true);
}

describe("verify --kernel IMAGE", () => {
  beforeAll(() => {
    mkdirSync(own, { recursive: true });
    const made = runProcess([process.execPath, command, "minimize", image, object, ...others, "-o", small]);
    expect(made.code, made.stderr).toBe(0);
  });

  it("names the package where there is no qemu", () => {
    const { code, stderr } = verify([], { PATH: directory });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^btfgen: qemu-system-x86_64 is not installed \(qemu-system-x86 on Debian/);
    expect(readdirSync(own)).toEqual([]);
  });

  it("wants the image's own BTF as the full one", () => {
    const { code, stdout } = verify(["--full", small]);
    expect(code).toBe(3);
    expect(stdout).toContain("FULL is not the BTF of ");
  });

  it("refuses what is no kernel", () => {
    const { code, stderr } = runProcess([process.execPath, command, "verify", small, object, "--kernel", small]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `btfgen: ${small}: not a kernel image, nor a package with one\n`,
    });
  });

  it("gives a guest up that never answers", async () => {
    const { image: bytes } = await bootImageOf(readFileSync(image), image);
    const run = { image: bytes, source: "kernel", initramfs: cpioArchive([]), silenceMs: 400, onLine: () => {} };
    await expect(runVm(run)).rejects.toThrow(/^kernel: the kernel did not come up for 0\.4 s; /);
  });

  it(
    "gives a guest up whose first process runs and never says a word",
    async () => {
      const compiler = findProgram(["gcc", "cc"], "--version")?.[0] ?? "cc";
      const [program, source] = [join(directory, "silent"), join(directory, "silent.c")];
      const body = 'mknod("/kmsg", 0020600, 0x10b); write(open("/kmsg", 1), "<1>silent\\n", 10); for (;;) pause();';
      const headers = ["fcntl.h", "sys/stat.h", "unistd.h"].map((name) => `#include <${name}>\n`).join("");
      writeFileSync(source, `${headers}int main(void) { ${body} }\n`);
      const compiled = runProcess([compiler, "-static", "-w", "-o", program, source]);
      expect(compiled.code, compiled.stderr).toBe(0);
      const { image: bytes } = await bootImageOf(readFileSync(image), image);
      const initramfs = cpioArchive([
        { path: "bin", kind: "directory" },
        { path: "dev", kind: "directory" },
        { path: "dev/console", kind: "device", major: 5, minor: 1 },
        { path: GUEST.node, kind: "file", bytes: readFileSync(program), executable: true },
      ]);
      const run = { image: bytes, source: "kernel", initramfs, silenceMs: 30_000, onLine: () => {} };
      await expect(runVm(run)).rejects.toThrow(
        /^kernel: the kernel did not come up for 30 s; its last lines: .*silent/,
      );
    },
    MINUTES,
  );

  it(
    "shows a kernel's panic",
    async () => {
      const { image: bytes } = await bootImageOf(readFileSync(image), image);
      const initramfs = cpioArchive([{ path: "bin", kind: "directory" }]);
      const run = { image: bytes, source: "kernel", initramfs, silenceMs: 100_000, onLine: () => {} };
      await expect(runVm(run)).rejects.toThrow(/^kernel: .*; its kernel panicked: .*Kernel panic - not syncing/);
    },
    MINUTES,
  );

  it.each([
    ["crash", "30", /^killed by SIGABRT$/],
    ["hang", "3", /^no answer for 3 s$/],
  ])(
    "passes over an object at which the library inside comes to a %s",
    (mode, timeout, how) => {
      const compiler = findProgram(["gcc", "cc", "clang"], "--version")?.[0] ?? "cc";
      const [library, source] = [join(directory, `libfake-${mode}.so`), join(directory, `${mode}.c`)];
      // The guest has an environment of its own.
      const set = `setenv("FAKE_LIBBPF", "${mode}", 1)`;
      writeFileSync(source, `#include <stdlib.h>\n__attribute__((constructor)) static void set(void) { ${set}; }\n`);
      const fake = join(root, "test/checker/fake-libbpf.c");
      expect(runProcess([compiler, "-shared", "-fPIC", "-o", library, fake, source]).code).toBe(0);
      const env = { BTFGEN_LIBBPF: library };
      const { code, stdout, stderr } = verify([...others, "--level", "libbpf", "--timeout", timeout, "--json"], env);
      const report = JSON.parse(stdout || "null") as VerifyReport | null;
      expect(report, stderr).not.toBeNull();
      expect({ code, level: report?.level }).toEqual({ code: 3, level: "btf-load" });
      expect(report?.libbpf?.broken).toMatchObject([{ object: others[0], how: expect.stringMatching(how) }]);
    },
    MINUTES,
  );

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const)(
    "leaves no machine behind after %s",
    async (signal, code) => {
      const [program = "", ...args] = line("--timeout", "100");
      const child = spawn(program, args, { env: { ...process.env, TMPDIR: own }, stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      child.stderr.on("data", (text: Buffer) => {
        said += text.toString();
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      await until(() => machinesBelow(own).length > 0 || child.exitCode !== null);
      expect(said).toBe("");
      child.kill(signal);
      expect(await ended).toBe(code);
      await until(() => machinesBelow(own).length === 0);
      // Whoever is killed outright cannot remove its files.
      if (signal !== "SIGKILL") expect(readdirSync(own)).toEqual([]);
    },
    MINUTES,
  );
});
