/** `verify` with a kernel to ask: the running one, and the system's libbpf. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { int, m, struct } from "../btf/builder.ts";
import { EXIT, MOV_K, objectBytes } from "../core/object-builder.ts";
import { libbpfToolsExecutables } from "../oracle/libbpf-tools.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples, THOROUGH } from "../samples.ts";
import { btfMutations } from "./btf-mutations.ts";
import { failedLevels, MUTATED_OBJECTS, MUTATION_TABLE } from "./mutation-table.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/objects/${name}.o`, import.meta.url));
const { directory, put } = workspace();

async function minimized(name: string, kernel: string, ...objects: string[]): Promise<string> {
  const path = join(directory, name);
  await runText(["minimize", kernel, ...objects, "-o", path]);
  // Some fixtures have relocations that fail, which is exit code 1; the file is there all the same.
  expect(statSync(path).size).toBeGreaterThan(0);
  return path;
}

async function report(args: readonly string[]): Promise<{ report: VerifyReport; code: number; stderr: string }> {
  const { stdout, code, stderr } = await runText(["verify", ...args, "--json"]);
  return { report: JSON.parse(stdout), code, stderr };
}

describeOracle("verify on the running kernel", ["bpf", "libbpf"], () => {
  let small = "";
  const objects = ["exec", "globals", "fentry_fexit", "externs", "struct_ops"].map(fixture);
  beforeAll(async () => {
    small = await minimized("small.btf", HOST_BTF, ...objects);
  });

  it("reaches level kernel, program by program, and says what this kernel does not test", async () => {
    const { report: found, code, stderr } = await report([small, "--full", HOST_BTF, ...objects, "--kernel", "host"]);
    expect({ code, stderr, level: found.level, noFurther: found.noFurther }).toEqual({
      code: 0,
      stderr: "",
      level: "kernel",
      noFurther: null,
    });
    expect(found.btfLoad).toEqual({ holds: true, error: null, log: "" });
    expect(found.libbpf).toMatchObject({ holds: true, differences: [], broken: [] });
    expect(found.libbpf?.relocations).toBeGreaterThan(20);
    const of = (program: string) => found.kernel?.programs.find((one) => one.program === program);
    const exec = of("exec");
    expect(exec).toMatchObject({ verdict: "accepted", reason: null, failure: null });
    expect(exec?.loaded.full).toMatchObject({
      ids: [expect.any(Number)],
      tag: expect.stringMatching(/^[0-9a-f]{16}$/),
      verifiedInstructions: expect.any(Number),
    });
    expect(exec?.loaded.small?.tag).toBe(exec?.loaded.full?.tag);
    expect(exec?.loaded.small?.ids).not.toEqual(exec?.loaded.full?.ids);
    // Alone, together with its neighbour, and in reverse.
    expect(of("classify")?.loaded.full?.ids).toHaveLength(3);
    expect(found.kernel?.together).toContainEqual(
      expect.objectContaining({ object: fixture("globals"), verdict: "accepted" }),
    );
    // A setting that this kernel does not have, or its symbols are not to be seen.
    expect(of("newtask")?.reason?.kind ?? "accepted").toMatch(/^(extern|accepted)$/);
    for (const { verdict, reason, loaded } of found.kernel?.programs ?? []) {
      expect(verdict).toMatch(/^(accepted|not-tested)$/);
      expect(reason === null).toBe(verdict === "accepted");
      expect(loaded.small === null).toBe(verdict !== "accepted");
    }
    const { accepted = 0, "not-tested": untested = 0 } = found.kernel?.counts ?? {};
    expect(accepted).toBeGreaterThan(3);
    expect(accepted + untested).toBe(found.kernel?.programs.length);
  });

  it("names the level in words", async () => {
    const args = ["verify", small, "--full", HOST_BTF, fixture("exec")];
    const { stdout, code } = await runText([...args, "--level", "kernel"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`${small} for ${HOST_BTF}: holds at level kernel\n`);
    expect(stdout).toMatch(/\nlibbpf 1\.\d+: 1 program, 16 relocated instructions compared\n/);
    expect(stdout).toMatch(/\nkernel \S+: 1 accepted, 0 not tested, 0 failed\n/);
    const libbpf = await runText([...args, "--level", "libbpf"]);
    expect(libbpf.stdout).toContain("holds at level libbpf\n");
    expect(libbpf.stdout).not.toContain("accepted");
  });

  it("goes with any kernel's BTF as far as libbpf, and not into a kernel of other types", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const other = await minimized("other.btf", path, fixture("exec"));
    const args = [other, "--full", path, fixture("exec")];
    expect(await report([...args, "--level", "libbpf"])).toMatchObject({ code: 0, report: { level: "libbpf" } });
    const kernel = await report([...args, "--level", "kernel"]);
    expect(kernel).toMatchObject({ code: 3, report: { level: "instructions", kernel: null } });
    expect(kernel.stderr).toMatch(
      /level btf-load cannot run: FULL is not the running kernel's BTF: give .* as --full .*--kernel IMAGE/,
    );
    expect(await report([...args, "--kernel", "host"])).toMatchObject({ code: 3, stderr: kernel.stderr });
  });

  it("takes an id that is ambiguous with both for no difference, though the ids are others", async () => {
    const { path } = await kernelSample(KERNEL_6_1);
    const relos = [{ kind: RELO_TYPE_ID_TARGET, typeId: 2, access: "0" }];
    const rows = [int("int", 4), struct("getdents_callback", 4, [m("x", 1, 0)])];
    const insns = [MOV_K, EXIT];
    const object = put(
      "ids.o",
      objectBytes({ rows, programs: [{ name: "ambiguous", section: "socket", insns, relos }] }),
    );
    const btf = await minimized("ids.btf", path, object, fixture("exec"));
    const { report: found, code } = await report([btf, "--full", path, object, fixture("exec"), "--level", "libbpf"]);
    expect({ code, level: found.level, differences: found.libbpf?.differences }).toEqual({
      code: 0,
      level: "libbpf",
      differences: [],
    });
    const reason = "prog 'ambiguous': relo #0: relocation decision ambiguity";
    expect(found.libbpf?.notCompared).toContainEqual({ object, program: null, reason });
  });

  it("does not take a program that no kernel tested for a success", async () => {
    const object = fixture("freplace");
    const btf = await minimized("freplace.btf", HOST_BTF, object);
    const { report: found, code, stderr } = await report([btf, "--full", HOST_BTF, object, "--level", "kernel"]);
    expect(found.kernel?.counts).toEqual({ accepted: 0, "not-tested": 1, failed: 0 });
    expect(found.kernel?.programs[0]?.reason?.kind).toBe("attach-target");
    expect({ code, level: found.level }).toEqual({ code: 3, level: "libbpf" });
    expect(stderr).toContain("level kernel cannot run: none of the objects' programs can be tested by this kernel");
  });

  it("does not take modules into the kernel", async () => {
    const { path } = kernelSample(KERNEL_OF_MODULES);
    const [module] = moduleSamples();
    const args = [path, "--full", path, "--full-module", module?.path ?? "", fixture("exec"), "--level", "btf-load"];
    expect(await report(args)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("libbpf reads no modules"),
    });
  });

  describe("of broken small BTF", () => {
    const mutants = MUTATED_OBJECTS.map(fixture);
    let bytes = new Uint8Array();
    beforeAll(async () => {
      bytes = new Uint8Array(readFileSync(await minimized("right.btf", HOST_BTF, ...mutants)));
    });
    it.each(MUTATION_TABLE)("%s: caught by %j", async (name, caught, object) => {
      const path = put(`${object}-${name}.btf`, btfMutations(parseBtf(bytes), bytes)[name]);
      const { stdout, code } = await runText([
        "verify",
        path,
        "--full",
        HOST_BTF,
        fixture(object),
        "--level",
        "kernel",
        "--json",
      ]);
      const found: VerifyReport = JSON.parse(stdout);
      expect(failedLevels(found)).toBe(caught);
      expect({ code, level: found.level }).toEqual(
        caught === "" ? { code: 0, level: "kernel" } : { code: 1, level: null },
      );
    });

    it("tells the kernel's log of small BTF that it refuses", async () => {
      const path = put("circle.btf", btfMutations(parseBtf(bytes), bytes)["a pointer points to itself"]);
      const args = ["verify", path, "--full", HOST_BTF, fixture("exec"), "--level", "btf-load"];
      const { stdout, code } = await runText(args);
      expect(code).toBe(1);
      expect(stdout).toMatch(/circle\.btf: the kernel refuses it \(E[A-Z]+\)\n {2}kernel: /);
      expect(stdout).toMatch(/\n {2}kernel: \[\d+\] PTR \(anon\) .*Loop detected/);
    });

    it("goes no further with what is no BTF at all", async () => {
      const path = put("cut.btf", btfMutations(parseBtf(bytes), bytes)["a string ends the section without a NUL"]);
      const args = ["verify", path, "--full", HOST_BTF, fixture("exec"), "--level", "kernel"];
      const { stdout, stderr, code } = await runText(args);
      expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
      expect(stderr).toContain("NUL");
    });

    it("tells the verifier's log, the relocation and the source line", async () => {
      const path = put("dropped.btf", btfMutations(parseBtf(bytes), bytes)["a member is dropped"]);
      const args = ["verify", path, "--full", HOST_BTF, fixture("exec"), "--level", "kernel"];
      const { stdout, code } = await runText(args);
      expect(code).toBe(1);
      expect(stdout).toMatch(/exec\.o: exec, insn \d+ \(exec\.bpf\.c:\d+\): full BTF: accepted; small BTF: .*CO-RE/);
      expect(stdout).toMatch(
        /\n {2}relocation: .*exec\.o: exec, insn \d+ \(exec\.bpf\.c:\d+\): byte_off task_struct\.tgid\n/,
      );
      expect(stdout).toMatch(/\n {2}verifier: .*invalid CO-RE relocation/);
    });
  });
});

// As of our own objects above, fifty more.
describe.runIf(THOROUGH)("with libbpf-tools", () => {
  describeOracle("verify on the running kernel", ["bpf", "libbpf", "libbpf-tools"], () => {
    const tools = libbpfToolsExecutables();
    let small = "";
    beforeAll(async () => {
      small = await minimized("tools.btf", HOST_BTF, ...tools);
    });

    it("finds libbpf's code the same, and ours, in all of them", async () => {
      const { report: found, code } = await report([small, "--full", HOST_BTF, ...tools, "--level", "libbpf"]);
      expect(code).toBe(0);
      expect(found.libbpf).toMatchObject({ holds: true, differences: [], notCompared: [], broken: [] });
      expect(found.libbpf?.programs).toBeGreaterThan(found.objects.length);
      // Programs share subprograms, whose relocations count for each.
      expect(found.libbpf?.relocations).toBeGreaterThan(found.proof.relocations);
    });

    it("has the verifier take a few of them with both", async () => {
      const few = tools.filter((path) => /\/(biolatency|execsnoop|runqlat)$/.test(path));
      const { report: found, code } = await report([small, "--full", HOST_BTF, ...few, "--kernel", "host"]);
      expect({ code, level: found.level, failed: found.kernel?.counts.failed }).toEqual({
        code: 0,
        level: "kernel",
        failed: 0,
      });
      expect(found.kernel?.counts.accepted).toBeGreaterThan(few.length);
      // Its 10,240 entries take 80 MB.
      expect(found.kernel?.mapChanges.map(({ change }) => change).join()).toContain("map execs has ");
    });
  });
});

describe("verify without a kernel to ask", () => {
  it("reaches the highest level that asks nobody, and says so", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const small = await minimized("pure.btf", path, fixture("exec"));
    expect(await report([small, "--full", path, fixture("exec")])).toMatchObject({
      code: 0,
      report: {
        asked: "instructions",
        level: "instructions",
        noFurther: null,
        machine: null,
        btfLoad: null,
        libbpf: null,
      },
    });
    expect(await report([small, "--full", path, fixture("exec"), "--level", "replay"])).toMatchObject({
      code: 0,
      report: { level: "replay", instructions: null },
    });
  });
});
