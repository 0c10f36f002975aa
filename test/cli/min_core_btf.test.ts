import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { run, runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const fixture = (name: string) => `${fixtures}objects/${name}.o`;
const { directory } = workspace();

let kernel = "";
beforeAll(async () => {
  kernel = kernelSample(KERNEL_6_1).path;
});

describe("min_core_btf", () => {
  it("takes bpftool's arguments, is as silent, and writes what minimize writes", async () => {
    const path = join(directory, "small.btf");
    const objects = [fixture("exec"), fixture("enums")];
    const result = await runText(["min_core_btf", kernel, path, ...objects]);
    expect(result).toEqual({ stdout: "", stderr: "", code: 0, signal: null });
    const { stdout } = await run(["minimize", kernel, ...objects, "-o", "-"]);
    expect(readFileSync(path).equals(stdout)).toBe(true);
  });

  it("is silent about what bpftool is silent about: poisoned and absent relocations", async () => {
    const result = await runText(["min_core_btf", kernel, join(directory, "cgroup.btf"), fixture("cgroup")]);
    expect(result).toEqual({ stdout: "", stderr: "", code: 0, signal: null });
  });

  it("speaks where there is a problem", async () => {
    const path = join(directory, "gcc.btf");
    const { stdout, stderr, code } = await runText(["min_core_btf", kernel, path, fixture("sched_gcc")]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toContain("sched_gcc.o: on_exec, insn 6: byte_off task_struct.tgid: the operand is a register");
    const ids = await runText(["min_core_btf", kernel, path, fixture("types")]);
    expect(ids.stderr).toContain("target_type_id struct task_struct: the type's id is another one in the small BTF");
    expect(ids.code).toBe(0);
  });

  it.each([
    [[], "min_core_btf: missing <btf> <output> <object>"],
    [["vmlinux", "out"], "min_core_btf: missing <object>"],
    [["/nothing", "out", "x.o"], "no such file or directory"],
  ])("refuses %j", async (args, message) => {
    const { stdout, stderr, code } = await runText(["min_core_btf", ...args], { cwd: directory });
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain(message);
  });
});
