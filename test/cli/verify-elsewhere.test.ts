/** `verify --kernel` and `batch --verify-kernel` with kernels of other architectures than can be booted. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { TINY_OBJECT, tinyKernel } from "../corpus/batch/tiny-corpus.ts";
import { bannerText, zboot } from "../corpus/kernels.ts";
import { elfImage } from "../elf/builder.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const ARM64 = 183;
const RISCV64 = 243;

function vmlinux(machine: number): Uint8Array {
  const sections = [
    { name: ".rodata", type: 1, data: Buffer.from(bannerText("6.1.0")) },
    { name: ".BTF", type: 1, data: tinyKernel(0) },
  ];
  return elfImage(sections, { machine, type: 2 });
}

describe("verify --kernel", () => {
  it.each([
    ["arm64", zboot(vmlinux(ARM64), null)],
    ["riscv64", vmlinux(RISCV64)],
  ])("does not boot a kernel for %s, and says how far it goes without", async (arch, image) => {
    const path = put(`vmlinuz-${arch}`, image);
    const small = join(directory, `${arch}.btf`);
    expect((await runText(["minimize", path, TINY_OBJECT, "-o", small])).code).toBe(0);
    const { code, stdout, stderr } = await runText(["verify", small, TINY_OBJECT, "--kernel", path, "--json"]);
    const report: VerifyReport = JSON.parse(stdout);
    expect({ code, level: report.level, machine: report.machine }).toEqual({
      code: 3,
      level: "instructions",
      machine: null,
    });
    expect(stderr).toMatch(
      new RegExp(`^btfgen: verify: level btf-load cannot run: kernels for ${arch} are not booted here: [^\n]*\n$`),
    );
    // The way out that it names.
    const without = await runText(["verify", small, "--full", path, TINY_OBJECT, "--level", "instructions"]);
    expect(without).toMatchObject({ code: 0, stderr: "" });
  });
});
