import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RELO_FIELD_BYTE_OFFSET, RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { btf, int, m, type Row, struct } from "../btf/builder.ts";
import { EXIT, LDX_W, MOV_K, objectBytes } from "../core/object-builder.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const { put, directory } = workspace();
const INT = int("int", 4, 32, 1);
const ROWS: Row[] = [struct("s", 8, [m("x", 2, 0), m("y", 2, 32)]), INT];

/** An object that reads s.x and s.y. */
function reader(name: string, section: string): string {
  const program = (member: string, access: string, off: number) => ({
    name: `reads_${member}`,
    section: `${section}${member}`,
    insns: [{ ...LDX_W, off }, EXIT],
    relos: [{ kind: RELO_FIELD_BYTE_OFFSET, typeId: 1, access }],
  });
  return put(name, objectBytes({ rows: ROWS, programs: [program("x", "0:0", 0), program("y", "0:1", 4)] }));
}

const object = reader("readers.o", "raw_tp/");
const traced = reader("traced.o", "fentry/");
const spare = reader("spare.o", "?fentry/");
const withId = put(
  "id.o",
  objectBytes({
    rows: ROWS,
    programs: [
      {
        name: "id",
        section: "xdp",
        insns: [MOV_K, EXIT],
        relos: [{ kind: RELO_TYPE_ID_TARGET, typeId: 1, access: "0" }],
      },
    ],
  }),
);
const whole = put("whole.btf", btf([struct("s", 16, [m("x", 2, 64), m("y", 2, 96)]), INT]));
const partial = put("partial.btf", btf([struct("s", 16, [m("x", 2, 64)]), INT]));
const twice = put(
  "twice.btf",
  btf([struct("s", 16, [m("x", 2, 64), m("y", 2, 96)]), INT, struct("s", 8, [m("x", 2, 0), m("y", 2, 32)])]),
);
const far = put("far.btf", btf([struct("s", 99999, [m("x", 2, 0), m("y", 2, 40000 * 8)]), INT]));
const out = join(directory, "out.o");
let made = 0;
const relocate = (...args: string[]) => runText(["relocate", ...args]);

describe("btfgen relocate", () => {
  it("writes an object that has nothing left to relocate, and says what it did", async () => {
    const run = await relocate(object, "-t", partial, "-o", out);
    expect(run.stdout.replaceAll(directory, "DIR").replaceAll(/ +/g, " ")).toBe(
      "OBJECT RELOCATIONS CHANGED POISONED BYTES KERNEL BTF OUTPUT\n" +
        `DIR/readers.o 2 2 1 ${readFileSync(object).length} not needed DIR/out.o\n` +
        "\nDIR/readers.o, poisoned:\n reads_y+0: byte_off s.y\n",
    );
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const left = await runText(["relocs", out]);
    expect(left).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(out).length).toBe(readFileSync(object).length);
  });

  it.each([
    ["resolved", object, whole, [], 0],
    ["poisoned: that is no refusal", object, partial, ["--strict"], 0],
    ["ambiguous", object, twice, [], 1],
    ["ambiguous, not loaded by default", spare, twice, [], 0],
    ["more than an instruction can hold", object, far, [], 1],
    ["attached by type", traced, whole, [], 0],
    ["attached by type", traced, whole, ["--strict"], 1],
    ["attached by type, not loaded by default", spare, whole, ["--strict"], 0],
    ["a target's type id", withId, whole, [], 0],
    ["a target's type id", withId, whole, ["--strict"], 1],
  ])("%s: %s on %s %j exits %i", async (_, file, target, options, code) => {
    const path = join(directory, `made-${made++}.o`);
    const run = await relocate(file, "-t", target, "-o", path, ...options);
    expect(run.code).toBe(code);
    expect(existsSync(path)).toBe(code === 0);
    if (code === 1) expect(run.stderr).toContain("nothing is written");
  });

  it("writes several objects into a directory, or none of them", async () => {
    const all = join(directory, "all");
    const run = await relocate(object, traced, `${fixtures}objects/exec.o`, object, "-t", whole, "-o", all);
    expect(run.code).toBe(0);
    expect(readdirSync(all).sort()).toEqual(["exec.o", "readers.1.o", "readers.o", "traced.o"]);
    const none = join(directory, "none");
    const refused = await relocate(object, traced, "-t", whole, "-o", none, "--strict");
    expect(refused.code).toBe(1);
    expect(existsSync(none)).toBe(false);
  });

  it("lists as JSON what its text does", async () => {
    const { stdout, code } = await relocate(traced, "-t", partial, "-o", out, "--json");
    expect(code).toBe(0);
    const [one] = JSON.parse(stdout).objects;
    expect(one).toMatchObject({
      relocations: { total: 2, applied: 2, skipped: 0 },
      changedInstructions: 2,
      poisoned: [{ program: "reads_y", section: "fentry/y", instruction: 0, kind: "byte_off", path: "s.y" }],
      needs: [
        { kind: "fentry", user: "reads_x", name: "x", optional: false },
        { kind: "fentry", user: "reads_y", name: "y", optional: false },
      ],
      refusedFor: [],
    });
  });

  it("poisons what fails in a program that is not loaded by default", async () => {
    const { stdout, stderr } = await relocate(spare, "-t", twice, "-o", out, "--json");
    const [one] = JSON.parse(stdout).objects;
    expect(one.failures).toMatchObject([
      { program: "reads_x", optional: true },
      { program: "reads_y", optional: true },
    ]);
    expect(stderr).toContain("not loaded by default");
    const { programs } = JSON.parse((await runText(["prepare", out, "--json"])).stdout).objects[0];
    // call 0xbad2310
    expect(programs[0].instructions.slice(0, 16)).toBe("850000001023ad0b");
  });

  it("writes to standard output", async () => {
    const run = await relocate(object, "-t", whole, "-o", "-");
    expect(run.code).toBe(0);
    expect(run.stdout.startsWith("\x7fELF")).toBe(true);
    expect(run.stderr).toContain("not needed");
  });

  it.each([
    ["another byte order", [`${fixtures}objects-be/exec.o`, "-t", whole, "-o", out], "byte order"],
    ["several on standard output", [object, traced, "-t", whole, "-o", "-"], "several files"],
    ["no target", [object, "-o", out], "target"],
    ["no object", [whole, "-t", whole, "-o", out], "not a BPF object"],
  ])("refuses %s", async (_, args, words) => {
    const run = await relocate(...args);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(words);
  });
});
