import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { btf, int, m, type Row, struct } from "../btf/builder.ts";
import { EXIT, LDX_W, objectBytes } from "../core/object-builder.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const { put } = workspace();
const INT = int("int", 4, 32, 1);

/** An object with two programs: `reads_x` reads s.x, `reads_y` reads s.y. */
function twoReaders(name: string): string {
  const rows: Row[] = [struct("s", 8, [m("x", 2, 0), m("y", 2, 32)]), INT];
  const program = (member: string, access: string, off: number) => ({
    name: `reads_${member}`,
    section: `raw_tp/${member}`,
    insns: [{ ...LDX_W, off }, EXIT],
    relos: [{ kind: RELO_FIELD_BYTE_OFFSET, typeId: 1, access }],
  });
  return put(name, objectBytes({ rows, programs: [program("x", "0:0", 0), program("y", "0:1", 4)] }));
}

const object = twoReaders("readers.o");
const whole = put("whole.btf", btf([struct("s", 16, [m("x", 2, 64), m("y", 2, 96)]), INT]));
const partial = put("partial.btf", btf([struct("s", 16, [m("x", 2, 64)]), INT]));
const twice = put(
  "twice.btf",
  btf([struct("s", 16, [m("x", 2, 64), m("y", 2, 96)]), INT, struct("s", 8, [m("x", 2, 0), m("y", 2, 32)])]),
);
const far = put("far.btf", btf([struct("s", 99999, [m("x", 2, 0), m("y", 2, 40000 * 8)]), INT]));

describe("btfgen relocs", () => {
  it.each([
    ["reads_z", "Did you mean reads_x?"],
    ["nothing*", "There are: reads_x, reads_y"],
  ])("refuses --program %s, which no object has", async (program, hint) => {
    expect(await runText(["relocs", object, "--program", "reads_x", "--program", program])).toEqual({
      stdout: "",
      stderr: `btfgen: relocs: --program ${program}: no object has such a program\n${hint}\n`,
      code: 2,
      signal: null,
    });
  });

  it("prints a line a relocation, and counts on standard error", async () => {
    expect(await runText(["relocs", object, "--target", partial])).toEqual({
      stdout:
        "PROGRAM  INSN  KIND      PATH  SOURCE  RESULT\n" +
        "reads_x     0  byte_off  s.x   -       0 -> 8\n" +
        "reads_y     0  byte_off  s.y   -       poisoned: s has no member y; nearest: x\n",
      stderr: "btfgen: 1 object\nbtfgen: 2 relocations: 2 byte_off\nbtfgen: on the target: 1 resolved, 1 poisoned\n",
      code: 0,
      signal: null,
    });
  });

  it.each([
    ["all resolved", whole, [], 0],
    ["all resolved", whole, ["--strict"], 0],
    ["one poisoned", partial, [], 0],
    ["one poisoned", partial, ["--strict"], 1],
    ["ambiguous", twice, [], 1],
    ["more than an instruction can hold", far, [], 1],
    ["poisoned, but in a program that was not asked for", partial, ["--strict", "--program", "*_x"], 0],
    ["poisoned, and in the program asked for", partial, ["--strict", "--program", "reads_?"], 1],
    ["poisoned, in one of two", partial, ["--strict", "-p", "reads_x", "-p", "reads_y"], 1],
    ["ambiguous, other rules", twice, ["--loader", "kernel"], 1],
  ])("%s: %s %j exits %i", async (_, target, options, code) => {
    const run = await runText(["relocs", object, "--target", target, ...options]);
    expect(run.code).toBe(code);
    expect(run.stdout).not.toBe("");
  });

  it("lists failures alone with --failed, and counts everything still", async () => {
    const { stdout, stderr } = await runText(["relocs", object, "-t", partial, "--failed"]);
    expect(stdout.split("\n").filter((line) => /reads_/.test(line))).toHaveLength(1);
    expect(stdout).toContain("reads_y");
    expect(stderr).toContain("1 resolved, 1 poisoned");
    expect((await runText(["relocs", object, "-t", whole, "--failed"])).stdout).toBe("");
  });

  it("names the object of each line where there are several", async () => {
    const { stdout } = await runText(["relocs", object, twoReaders("more.o"), "-t", whole]);
    expect(stdout).toMatch(/^OBJECT +PROGRAM +INSN /);
    expect(stdout.match(/more\.o +reads_/g)).toHaveLength(2);
  });

  it("gives the same as JSON", async () => {
    const { stdout, code } = await runText(["relocs", object, "-t", partial, "--json"]);
    const report = JSON.parse(stdout);
    expect(code).toBe(0);
    expect(report.target).toEqual({ source: partial, modules: [], byteOrder: "little", rules: "libbpf" });
    expect(report.summary).toEqual({
      objects: 1,
      objectsWithoutRelocations: 0,
      filesWithoutObjects: 0,
      relocations: 2,
      byKind: { byte_off: 2 },
      byStatus: { resolved: 1, poisoned: 1 },
    });
    expect(report.relocations).toMatchObject([
      { program: "reads_x", instruction: 0, original: 0, result: { status: "resolved", value: 8, chosen: 0 } },
      { program: "reads_y", original: 4, result: { status: "poisoned", value: null, chosen: null } },
    ]);
  });

  it("has no target and no results without --target", async () => {
    const { stdout, code } = await runText(["relocs", object, "--json"]);
    const { target, relocations, summary } = JSON.parse(stdout);
    expect({ target, byStatus: summary.byStatus, code }).toEqual({ target: null, byStatus: null, code: 0 });
    expect(relocations).toMatchObject([
      { kind: "byte_off", local: { path: "s.x", access: "0:0", rootKind: "STRUCT", rootName: "s" }, result: null },
      { kind: "byte_off", local: { path: "s.y" }, result: null },
    ]);
  });

  it.each([
    [["--module", whole], "relocs: --module needs --target BTF"],
    [["--strict"], "relocs: --strict needs --target BTF"],
    [["--loader", "kernel"], "relocs: --loader needs --target BTF"],
  ])("refuses %j without a target", async (options, message) => {
    const run = await runText(["relocs", object, ...options]);
    expect(run).toEqual({ stdout: "", stderr: `btfgen: ${message}\n`, code: 2, signal: null });
  });

  it("says when byte orders differ", async () => {
    const { stderr } = await runText(["relocs", `${fixtures}objects-be/exec.o`, "-t", whole]);
    expect(stderr).toContain("objects-be/exec.o is not the target's: no loader there takes it");
  });

  it("counts objects without relocations, and is content with nothing else", async () => {
    const { stdout, stderr, code } = await runText(["relocs", `${fixtures}objects/no_btf_ext.o`, "-t", whole]);
    expect({ stdout, code }).toEqual({ stdout: "", code: 0 });
    expect(stderr).toBe("btfgen: 1 object, 1 without relocations\nbtfgen: 0 relocations\n");
  });

  it("shows names that would steer a terminal as escapes", async () => {
    const rows: Row[] = [struct("s", 8, [m("\u001b[31mred\n", 2, 0)]), INT];
    const relos = [{ kind: RELO_FIELD_BYTE_OFFSET, typeId: 1, access: "0:0" }];
    const path = put("hostile.o", objectBytes({ rows, programs: [{ name: "p", insns: [LDX_W, EXIT], relos }] }));
    for (const options of [[], ["-t", whole]]) {
      const { stdout } = await runText(["relocs", path, ...options]);
      expect(stdout).toContain("s.\\u{1b}[31mred\\u{a}");
      expect(stdout).not.toContain("\u001b");
      expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    }
  });
});
