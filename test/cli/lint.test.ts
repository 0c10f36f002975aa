import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { btf, int, m, ptr, struct, typedef } from "../btf/builder.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { put } = workspace();
const INT = int("int", 4, 32, 1);
const baseBytes = btf([INT]);
const base = put("base.btf", baseBytes);
const odd = put("odd.btf", btf([INT, ptr(1)]));
const beyond = put("beyond.btf", btf([struct("s", 4, [m("x", 2, 32)]), INT]));
const loop = put("loop.btf", btf([typedef("a", 2), typedef("b", 1), struct("s", 4, [m("x", 4, 32)]), INT]));
const module = put("module.btf", btf([struct("own", 4, [m("x", 1, 0)])], { base: parseBtf(baseBytes) }));

describe("btfgen lint", () => {
  it("finds nothing wrong with a kernel", async () => {
    const { path } = kernelSample(KERNEL_6_1);
    const { stderr, code } = await runText(["lint", path]);
    expect(stderr).toMatch(/: 0 errors, /);
    expect(code).toBe(0);
  });

  it("names rule by rule what is wrong, and exits 1", async () => {
    const { stdout, stderr, code } = await runText(["lint", beyond]);
    expect(stdout).toMatch(/^error: STRUCT \[1\] s: /);
    expect(stderr).toBe(`btfgen: ${beyond}: 1 error, 0 warnings\n`);
    expect(code).toBe(1);
  });

  it("goes on after the first fault", async () => {
    const { stdout, code } = await runText(["lint", loop, "--json"]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ source: loop, errors: report.findings.length, warnings: 0 });
    const ids = report.findings.map(({ typeId }: { typeId: number }) => typeId);
    expect(ids).toContain(3);
    expect(ids.some((id: number) => id < 3)).toBe(true);
    expect(code).toBe(1);
  });

  it("lists no more than asked for", async () => {
    const { stdout, code } = await runText(["lint", loop, "--limit", "1"]);
    expect(stdout.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^error: /),
      expect.stringMatching(/not listed/),
    ]);
    expect(code).toBe(1);
    expect((await runText(["lint", loop, "--limit", "0"])).code).toBe(2);
  });

  it("takes warnings seriously with --strict alone", async () => {
    // Nothing refers to the nameless pointer.
    const { stdout, code } = await runText(["lint", odd]);
    expect(stdout).toMatch(/^warning: PTR \[2\] \(anon\): /);
    expect(code).toBe(0);
    expect((await runText(["lint", odd, "--strict"])).code).toBe(1);
    expect((await runText(["lint", base, "--strict"])).code).toBe(0);
  });

  it("checks a module behind its base", async () => {
    expect((await runText(["lint", module, "--base", base])).code).toBe(0);
    expect((await runText(["lint", module])).code).toBe(1);
  });
});
