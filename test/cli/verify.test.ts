import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const fixture = (name: string) => `${fixtures}objects/${name}.o`;
const exec = fixture("exec");
const { directory, put } = workspace();
const small = join(directory, "small.btf");

let kernel = "";
let other = "";
beforeAll(async () => {
  kernel = kernelSample(KERNEL_6_1).path;
  other = kernelSample(KERNEL_OF_MODULES).path;
  await runText(["minimize", kernel, exec, "-o", small]);
});

describe("verify", () => {
  it("finds small BTF as good as the full one", async () => {
    const { stdout, stderr, code } = await runText(["verify", small, "--full", kernel, exec]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toBe(
      "16 pairs of relocation and candidate have the same outcome under libbpf and kernel rules; BTF is well formed\n" +
        `${small} for ${kernel}: holds at level instructions\n1 object, 16 relocations (16 resolved)\n` +
        "1 target, 0 not found or not possible; 0 fields of maps, 0 refused\n",
    );
    const json = await runText(["verify", "-", "--full", kernel, exec, "--json"], { stdin: readFileSync(small) });
    expect(JSON.parse(json.stdout)).toMatchObject({
      level: "instructions",
      noFurther: null,
      byStatus: { resolved: 16 },
      proof: { holds: true },
    });
  });

  it("finds full BTF as good as itself", async () => {
    expect(await runText(["verify", kernel, "--full", kernel, fixture("enums")])).toMatchObject({ code: 0 });
  });

  it("asks whether small and full BTF are swapped where the small one is the larger", async () => {
    const { stdout, stderr, code } = await runText(["verify", kernel, "--full", small, exec]);
    expect(stdout).toContain(": holds at level instructions\n");
    expect(stderr).toBe(`btfgen: warning: ${kernel} has more types than the full BTF: is each given for the other?\n`);
    expect(code).toBe(0);
  });

  it("names what another object would lose", async () => {
    const object = fixture("tcp_connect");
    const { stdout, code } = await runText(["verify", small, "--full", kernel, object, "--json"]);
    const report = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(report).toMatchObject({ level: null, proof: { holds: false } });
    expect(report.proof.differences[0]).toMatchObject({
      object,
      program: expect.any(String),
      instruction: expect.any(Number),
      kind: "byte_off",
      path: expect.stringMatching(/^[a-z_]+\./),
      loader: "libbpf",
      small: expect.stringContaining("poison"),
    });
    const text = await runText(["verify", small, "--full", kernel, object]);
    // A line for each, then the verdict, the counts, and what follows the last newline.
    const differences = report.proof.differences.length + report.instructions.differences.length;
    expect(text.stdout.split("\n")).toHaveLength(differences + 3);
    const replay = await runText(["verify", small, "--full", kernel, object, "--level", "replay"]);
    expect(replay.stdout.split("\n")).toHaveLength(report.proof.differences.length + 3);
    expect(text.stdout).toMatch(/: fails: \d+ differences, 0 errors of form\n/);
  });

  it("names what another kernel has elsewhere", async () => {
    const { stdout, code } = await runText(["verify", small, "--full", other, exec]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /exec\.o: .*byte_off task_struct\..* full BTF ".* at bit \d+, .*", small BTF ".* at bit \d+/,
    );
  });

  it("checks split BTF with its modules", async () => {
    const out = join(directory, "split");
    const modules = moduleSamples().map(({ path }) => path);
    const full = ["--full", other, ...modules.flatMap((path) => ["--full-module", path])];
    await runText(["minimize", "--base", other, ...modules, "--object", fixture("modules"), "-o", out]);
    const names = modules.map((path) => join(out, path.slice(path.lastIndexOf("/") + 1)));
    const parts = names.flatMap((path) => ["--small-module", path]);
    const base = join(out, "6.12.117+deb12-amd64.btf");
    expect(await runText(["verify", base, ...parts, ...full, fixture("modules")])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await runText(["verify", base, ...full, fixture("modules")])).toMatchObject({ code: 1 });
  });

  it("sees that a kernel would refuse the small BTF", async () => {
    const bytes = Buffer.from(readFileSync(small));
    // Type 2, behind a header of 24 bytes and an INT of 16, is the pointer; it now points to itself.
    expect(bytes.readUInt32LE(48)).toBe(0);
    bytes.writeUInt32LE(2, 48);
    const wrong = put("wrong.btf", bytes);
    const { stdout, code } = await runText(["verify", wrong, "--full", kernel, exec]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${wrong}: PTR [2] (anon): `);
    expect(stdout).toContain("fails: 0 differences, 1 error of form");
  });

  it.each([
    [["--timeout", "0"], "--timeout wants a number of seconds above 0", 2],
    [["--timeout", "1000001"], "--timeout wants a number of seconds above 0, up to 1000000", 2],
    [["--level", "more"], "more", 2],
    [["--full", "x"], "--full is given 2 times", 2],
  ])("refuses %j", async (options, message, exitCode) => {
    const { stdout, stderr, code } = await runText(["verify", small, "--full", kernel, exec, ...options]);
    expect({ stdout, code }).toEqual({ stdout: "", code: exitCode });
    expect(stderr).toContain(message);
  });

  it.each<[string, () => string[], string]>([
    [
      "cut BTF",
      () => ["verify", put("cut.btf", readFileSync(small).subarray(0, 100)), "--full", kernel, exec],
      "cut.btf",
    ],
    [
      "no BTF",
      () => ["verify", exec.replace("exec", "no_btf"), "--full", kernel, exec],
      "a BPF object without types (.BTF)",
    ],
    ["no full BTF", () => ["verify", small, exec], "verify needs --full FILE"],
    ["no object", () => ["verify", small, "--full", kernel, small], "not a BPF object"],
    ["standard input twice", () => ["verify", "-", "--full", "-", exec], "- is given more than once"],
  ])("refuses %s", async (_name, args, message) => {
    const { stdout, stderr, code } = await runText(args());
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at |internal error/);
  });
});
