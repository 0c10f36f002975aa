import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { kernelNamedBy } from "../../cli/inputs/kernel-release.ts";
import type { ModelReport } from "../../cli/inspect/model-report.ts";
import { btf, datasec, func, int, param, place, proto, ptr, struct, typeTag, variable } from "../btf/builder.ts";
import { EXIT, objectBytes } from "../core/object-builder.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/objects/", import.meta.url));
const { put } = workspace();
/** A kernel with some functions, one of them twice, and a struct. */
const small = put(
  "small.btf",
  btf([
    int("int", 4, 32, 1),
    struct("pair", 16),
    proto(1, [param("a", 1), param("b", 2)]),
    func("takes_pair", 3),
    proto(2),
    func("gives_pair", 5),
    func("takes_pair", 5),
  ]),
);

async function modelOf(...args: string[]) {
  const { stdout, stderr, code } = await runText(["model", ...args, "--json"]);
  return { report: JSON.parse(stdout || "null") as ModelReport, stderr, code };
}

const names = ({ functions }: ModelReport) => functions.map(({ name }) => name);

describe("btfgen model", () => {
  it("says where an object goes", async () => {
    const object = `${fixtures}exec.o`;
    const { stderr, code } = await runText(["model", small, object]);
    const words = `model: ${object} is a file, not a function\nObjects go with --object.\n`;
    expect({ stderr, code }).toEqual({ stderr: `btfgen: ${words}`, code: 2 });
  });

  it("finds functions by name, glob and regular expression", async () => {
    expect(names((await modelOf(small, "gives_pair")).report)).toEqual(["gives_pair"]);
    expect(names((await modelOf(small, "g*", "*_pai?")).report)).toEqual(["takes_pair", "gives_pair", "takes_pair"]);
    expect(names((await modelOf(small, "--regex", "^g")).report)).toEqual(["gives_pair"]);
    const { report } = await modelOf(small, "takes_pair");
    expect(report.functions.map(({ typeId, isFirst }) => [typeId, isFirst])).toEqual([
      [4, true],
      [7, false],
    ]);
  });

  it("says what is missing, what comes near it, and exits 1", async () => {
    const { report, code, stderr } = await modelOf(small, "gives_pair", "gives_piar", "x*");
    expect(report.missing).toEqual([
      { name: "gives_piar", nearest: "gives_pair" },
      { name: "x*", nearest: null },
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain("there is no function gives_piar; did you mean gives_pair?\n");
    expect((await modelOf(small, "gives_pair")).code).toBe(0);
  });

  it("follows a release's rules, and its own with --strict and --impossible", async () => {
    const old = await modelOf(small, "takes_pair", "--release", "5.10.0-46-cloud-amd64", "--strict");
    expect(old.report.rules).toEqual({
      since: "5.5",
      release: "5.10.0-46-cloud-amd64",
      from: "option",
      architecture: null,
    });
    expect(old.report.functions[0]?.obstacles).toEqual([
      { code: "argument-type", argument: 1, text: "argument 2 (b) is struct pair, which is not passed by value" },
    ]);
    expect(old.code).toBe(1);
    const { report, code } = await modelOf(small, "*", "--impossible");
    expect(names(report)).toEqual(["gives_pair", "takes_pair"]);
    expect(report.rules).toMatchObject({ release: null, from: "none" });
    expect(code).toBe(0);
  });

  it("takes the rules from the name of the file, and the architecture", async () => {
    const path = fileURLToPath(new URL(`../../corpus/samples/${KERNEL_6_1}.btf.tar.xz`, import.meta.url));
    const { report } = await modelOf(path, "bzImage64_load");
    expect(report.rules).toEqual({
      since: "6.1",
      release: "6.1.0-56-cloud-amd64",
      from: "file name",
      architecture: "x86_64",
    });
    expect(report.functions[0]?.obstacles.map(({ code }) => code)).toEqual(["too-many-words"]);
  });

  it.each([
    ["x86_64", 1],
    ["amd64", 1],
    ["X64", 1],
    ["aarch64", 0],
    ["any", 0],
  ])("takes an architecture by any of its names: %s", async (arch, count) => {
    const path = fileURLToPath(new URL(`../../corpus/samples/${KERNEL_6_1}.btf.tar.xz`, import.meta.url));
    const { report } = await modelOf(path, "bzImage64_load", "--arch", arch);
    expect(report.rules.architecture).toBe(count === 1 ? "x86_64" : null);
    expect(report.functions[0]?.obstacles).toHaveLength(count);
  });

  it("refuses a word that is no architecture", async () => {
    const { stderr, code } = await runText(["model", small, "gives_pair", "--arch", "x86_46"]);
    expect({ stderr, code }).toEqual({
      stderr: "btfgen: model: --arch x86_46 is no architecture\nDid you mean x86_64?\n",
      code: 2,
    });
  });

  it("models functions of modules", async () => {
    const { path } = kernelSample(KERNEL_OF_MODULES);
    const veth = moduleSamples().find(({ name }) => name === "veth");
    const { report } = await modelOf(path, "veth_xmit", "--module", veth?.path ?? "");
    expect(report.functions).toMatchObject([{ name: "veth_xmit", source: veth?.path, words: 2, obstacles: [] }]);
    expect(report.kernel.modules).toEqual([veth?.path]);
  });

  it("judges what objects attach to and keep", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const object = (name: string) => ["--object", `${fixtures}${name}.o`];
    const good = await modelOf(path, ...object("fentry_fexit"), ...object("globals"));
    expect(good.report.targets?.map(({ status }) => status)).toEqual(["found", "found", "found"]);
    expect(good.report.fields).toEqual([]);
    expect(good.code).toBe(0);
    // Its function bpf_task_release came with 6.2; its pointers are fine.
    const bad = await modelOf(path, ...object("kptr"));
    expect(bad.report.targets?.map(({ status }) => status)).toEqual(["found", "found", "missing"]);
    expect(bad.report.fields?.map(({ status }) => status)).toEqual(["special", "special", "kernel", "kernel"]);
    expect(bad.code).toBe(1);
    // Its context is only declared, and the kernel wants a struct.
    const declared = await modelOf(path, ...object("freplace"), ...object("globals"));
    expect(declared.report.targets?.map(({ status, source }) => [status, source])).toEqual([
      ["impossible", `${fixtures}globals.o`],
    ]);
    expect(declared.code).toBe(1);
    // A program whose target is elsewhere is no finding: nothing is known of it.
    const elsewhere = await modelOf(path, ...object("freplace"));
    expect(elsewhere.report.targets?.map(({ status }) => status)).toEqual(["unknown"]);
    expect(elsewhere.code).toBe(0);
  });

  it("says who has what a module has not", async () => {
    const program = { name: "p", section: "fentry/veth:gives_pair", insns: [EXIT], relos: [] };
    const object = put("veth.o", objectBytes({ rows: [int("int", 4)], programs: [program] }));
    const { stdout, code } = await runText(["model", small, "--object", object]);
    expect(stdout).toContain(`missing  there is no function gives_pair in module veth; ${small} has it\n`);
    expect(code).toBe(1);
  });

  it("refuses a pointer whose tags are out of order", async () => {
    const rows = [typeTag("kptr", 2), struct("pair", 16), typeTag("other", 4), ["", 0x0a000000, 1] as const, ptr(3)];
    const all = [...rows, variable("kept", 5), datasec(".bss", 8, [place(6, 0, 8)])];
    const object = put("order.o", objectBytes({ rows: all, programs: [] }));
    const { report, code } = await modelOf(small, "--object", object);
    expect(report.fields).toMatchObject([{ owner: "kept", status: "refused", problem: { code: "tag-order" } }]);
    expect(code).toBe(1);
    const { stdout } = await runText(["model", small, "--object", object]);
    expect(stdout).toContain("type tags (other, kptr) stand behind a qualifier or a typedef");
  });

  it.each<[string, readonly string[], string]>([
    ["nothing to do", [small], "model: name a function, or an --object"],
    ["a release that is none", [small, "x", "--release", "new"], "model: --release new is no release with trampolines"],
    ["a broken expression", [small, "(", "--regex"], "model: ( is no regular expression"],
    ["two inputs from a pipe", ["-", "--object=-"], "model: - is given more than once"],
  ])("refuses %s", async (_, args, message) => {
    const { stderr, stdout, code } = await runText(["model", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

describe("kernelNamedBy", () => {
  it.each<[string, string | null, boolean]>([
    ["samples/debian/12/x86_64/6.1.0-56-cloud-amd64.btf.tar.xz", "6.1.0-56-cloud-amd64", true],
    ["6.12.107+deb13-s390x.btf", "6.12.107+deb13-s390x", false],
    ["linux-image-5.10.0-46-cloud-amd64_5.10.262-1_amd64.deb", "5.10.0-46-cloud-amd64", true],
    ["/boot/vmlinuz-6.12.117+deb12-amd64", "6.12.117+deb12-amd64", true],
    ["arm64/5.4.0-100-generic.btf.tar.xz", "5.4.0-100-generic", false],
    ["vmlinux", null, false],
    ["small.btf", null, false],
    ["/tmp/1.2/small.btf", null, false],
  ])("reads %s", (path, release, isX86) => {
    expect(kernelNamedBy(path)).toEqual({ release, from: release === null ? "none" : "file name", isX86 });
  });

  it("asks the machine for the running kernel", () => {
    expect(kernelNamedBy("/sys/kernel/btf/vmlinux").from).toBe("running kernel");
  });
});
