/** `verify` in virtual machines, and on this one, where memory is short. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { missingOracle } from "../oracle/requirements.ts";
import { type Fault, faultLibrary } from "./fault-library.ts";
import { COMMAND, FIXTURES } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const images = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
const imageOf = (pattern: RegExp) => join(kernels, images.find((name) => pattern.test(name)) ?? "no such kernel");
/** Counts BPF as locked memory; the other one as its control group's. */
const OLD = imageOf(/^linux-image-5\.10\./);
const NEW = imageOf(/^linux-image-6\.1\./);
const HOST_BTF = "/sys/kernel/btf/vmlinux";
const MINUTES = 240_000;
const named = (name: string) => FIXTURES.find((path) => path.endsWith(`/${name}.o`)) ?? "";
const OBJECTS = [named("exec"), named("globals")];
const { directory } = workspace();

const smalls = new Map<string, string>();

function smallFor(full: string): string {
  const known = smalls.get(full);
  if (known !== undefined) return known;
  const small = join(directory, `${smalls.size}.btf`);
  const made = runProcess([process.execPath, COMMAND, "minimize", full, ...OBJECTS, "-o", small]);
  expect(made.code, made.stderr).toBe(0);
  smalls.set(full, small);
  return small;
}

function verify(kernel: string, full: string, env: Readonly<Record<string, string>>) {
  const small = smallFor(full);
  const line = ["verify", small, "--full", full, ...OBJECTS, "--kernel", kernel, "--level", "kernel", "--json"];
  const { code, stdout, stderr } = runProcess([process.execPath, COMMAND, ...line], { env, timeoutMs: MINUTES });
  return { code, stderr, report: JSON.parse(Buffer.from(stdout).toString() || "null") as VerifyReport | null };
}

describe("with a limit of", () => {
  const libraries = new Map<Fault, string>();
  const withFault = (fault: Fault) => ({ BTFGEN_LIBBPF: libraries.get(fault) ?? "" });
  beforeAll(() => {
    for (const fault of ["LOCKED_MEMORY", "MEMORY"] as const) libraries.set(fault, faultLibrary(directory, fault));
  });

  // Mirrors let go of old releases.
  it.skipIf(!existsSync(OLD))(
    "locked memory, an old kernel is not asked, and the limit is named",
    () => {
      const { code, stderr, report } = verify(OLD, OLD, withFault("LOCKED_MEMORY"));
      expect({ code, level: report?.level }, stderr).toEqual({ code: 3, level: "instructions" });
      expect(stderr).toMatch(
        /level btf-load cannot run: bpf\(2\) gives EPERM: .* locked memory, of which 0 bytes are allowed: ulimit -l/,
      );
    },
    MINUTES,
  );

  const reason = missingOracle(["bpf"]);
  it.skipIf(reason !== undefined)("locked memory, a kernel from 5.11 on does not mind", () => {
    const { code, report } = verify("host", HOST_BTF, withFault("LOCKED_MEMORY"));
    expect({ code, level: report?.level }).toEqual({ code: 0, level: "kernel" });
    expect(report?.kernel?.counts).toEqual({ accepted: 3, "not-tested": 0, failed: 0 });
  });

  it(
    "its control group's memory, the checker is killed, which is told and not taken for success",
    () => {
      const { code, stderr, report } = verify(NEW, NEW, withFault("MEMORY"));
      // The first object is asked in full; the second one is named.
      expect({ code, level: report?.level }, stderr).toEqual({ code: 3, level: "btf-load" });
      expect(report?.libbpf?.broken).toMatchObject([{ object: OBJECTS[1], how: "killed by SIGKILL" }]);
      expect(report?.kernel?.programs.map(({ program, verdict }) => [program, verdict])).toEqual([
        ["exec", "accepted"],
      ]);
    },
    MINUTES,
  );
});

describe("a machine of too little memory", () => {
  it.each([
    // Not even the file system goes into it; it does, and cannot be unpacked; Node does not start, or not for long.
    ["96", /failed: .*initrd is too large/],
    ["300", /its kernel panicked: /],
  ])(
    "of %s MiB says so",
    (memory, how) => {
      const { code, stderr, report } = verify(NEW, NEW, { BTFGEN_VM_MEMORY: memory });
      expect({ code, report }).toEqual({ code: 3, report: null });
      expect(stderr).toMatch(how);
      expect(stderr).toContain(`; ${memory} MiB are too little for it: BTFGEN_VM_MEMORY gives it more\n`);
    },
    MINUTES,
  );

  it("wants a number", () => {
    const { code, stderr } = verify(NEW, NEW, { BTFGEN_VM_MEMORY: "much" });
    expect({ code, stderr }).toEqual({ code: 3, stderr: "btfgen: BTFGEN_VM_MEMORY=much: should be a number of MiB\n" });
  });
});
