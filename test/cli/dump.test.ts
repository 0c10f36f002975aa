import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { btf, m, struct } from "../btf/builder.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { run, runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const base = `${root}test/fixtures/defects/08-split-btf/base.btf`;
const split = `${root}test/fixtures/defects/08-split-btf/target.btf`;
const files = workspace();
const command = `${process.execPath} ${root}dist/btfgen.cjs`;

describe("btfgen dump", () => {
  it("prints a whole kernel as the library does, through a pipe", async () => {
    const { path, bytes } = kernelSample(KERNEL_6_1);
    const chunks: Buffer[] = [];
    dumpRaw(parseBtf(bytes), (chunk) => chunks.push(Buffer.from(chunk)));
    const { stdout, stderr, code } = await run(["dump", path]);
    expect(stdout.equals(Buffer.concat(chunks))).toBe(true);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it("prints a part of it", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const lines = async (...options: string[]) => {
      const { stdout } = await runText(["dump", path, ...options]);
      return stdout.split("\n").filter((line) => line.startsWith("["));
    };
    expect(await lines("--id", "1-3", "--id", "7")).toHaveLength(4);
    expect(await lines("--kind", "struct", "--kind", "UNION", "--name", "task_struct")).toEqual([
      expect.stringMatching(/^\[\d+\] STRUCT 'task_struct' size=\d+ vlen=\d+$/),
    ]);
    expect(await lines("-k", "int", "-n", "long *")).not.toHaveLength(0);
    expect(await lines("-k", "enum64", "-n", "no such name")).toEqual([]);
  });

  it("says when nothing is selected, which is not an error", async () => {
    const { stdout, stderr, code } = await runText(["dump", base, "--id", "99999999"]);
    expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: "btfgen: no type is selected\n", code: 0 });
  });

  it("names a name that is not there, also where another is", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const { stdout, stderr, code } = await runText(["dump", path, "-n", "sk_buff", "-n", "sk_bufff", "-n", "=*"]);
    expect(stdout).toMatch(/^\[\d+\] STRUCT 'sk_buff' /);
    expect(stderr).toBe(
      "btfgen: --name sk_bufff: there is no such type; did you mean sk_buff?\nbtfgen: --name =*: there is no such type\n",
    );
    expect(code).toBe(0);
  });

  it("prints JSON, asked for in either way", async () => {
    const { stdout } = await runText(["dump", base, "--json"]);
    expect(JSON.parse(stdout).types[0]).toMatchObject({ id: 1 });
    expect((await runText(["dump", base, "--format", "json"])).stdout).toBe(stdout);
  });

  it("prints C, all or a part, and says why it cannot", async () => {
    const all = await runText(["dump", base, "--format", "c"]);
    expect(all.stdout).toMatch(/^#ifndef __VMLINUX_H__\n[\s\S]*\n#endif \/\* __VMLINUX_H__ \*\/\n$/);
    const { path } = kernelSample(KERNEL_6_1);
    const { stdout, code } = await runText(["dump", path, "-f", "c", "-n", "list_head"]);
    expect(stdout).toContain("\nstruct list_head {\n\tstruct list_head *next;\n\tstruct list_head *prev;\n};\n");
    expect(code).toBe(0);
    const loop = files.put("loop.btf", btf([struct("s", 8, [m("a", 1, 0)])]));
    expect(await runText(["dump", loop, "-f", "c"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^btfgen: .*type id 1: needs itself to be complete, which C cannot say\n$/),
    });
  });

  it("prints a module's own types behind its base", async () => {
    const { stdout, code } = await runText(["dump", split, "--base", base]);
    const count = Number(parseBtf(readFileSync(base)).segments[0]?.endId);
    expect(stdout).toMatch(new RegExp(`^\\[${count}\\] `));
    expect(code).toBe(0);
  });

  it("ends with its reader, quick and quiet", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const script = `set -o pipefail; ${command} dump ${path} | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    expect(stdout).toMatch(/^\[1\] [^\n]*\n0\n$/);
    expect(stderr).toBe("");
  });

  it("says when standard output is full", () => {
    const { status, stderr } = spawnSync("bash", ["-c", `${command} dump ${base} > /dev/full`], { encoding: "utf8" });
    expect(stderr).toBe("btfgen: cannot write to standard output: no space left on the device\n");
    expect(status).toBe(3);
  });

  it.each([
    [["--kind", "strct"], "btfgen: dump: there is no kind strct\nDid you mean struct?\n"],
    [["--kind", "void"], /^btfgen: dump: there is no kind void\n(There are|Did you mean)/],
    [["--id", "9-5"], "btfgen: dump: --id 9-5 is neither an id nor a range such as 5-9\n"],
    [["--id", "x"], "btfgen: dump: --id x is neither an id nor a range such as 5-9\n"],
    [["--json", "--format", "c"], "btfgen: dump: --json and --format c exclude each other\n"],
    [["--format", "yaml"], "btfgen: dump: --format cannot be yaml\nChoices: raw, json, c\n"],
  ])("refuses %j", async (options, message) => {
    const { stdout, stderr, code } = await runText(["dump", base, ...options]);
    if (typeof message === "string") expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });
});
