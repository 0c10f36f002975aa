import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { btf, int, m, type Row, struct } from "../btf/builder.ts";
import { EXIT, LDX_W, objectBytes } from "../core/object-builder.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const { put } = workspace();
const INT = int("int", 4, 32, 1);
const ROWS: Row[] = [struct("s", 8, [m("x", 2, 0), m("y", 2, 32)]), INT];
const program = (member: string, access: string, section: string) => ({
  name: `reads_${member}`,
  section,
  insns: [{ ...LDX_W, off: member === "x" ? 0 : 4 }, EXIT],
  relos: [{ kind: RELO_FIELD_BYTE_OFFSET, typeId: 1, access }],
});
const object = put(
  "readers.o",
  objectBytes({ rows: ROWS, programs: [program("x", "0:0", "xdp"), program("y", "0:1", "?fentry/vfs_read")] }),
);
const whole = put("whole.btf", btf([struct("s", 16, [m("x", 2, 64), m("y", 2, 96)]), INT]));
const partial = put("partial.btf", btf([struct("s", 16, [m("x", 2, 64)]), INT]));
const twice = put("twice.btf", btf([struct("s", 16, [m("x", 2, 64)]), INT, struct("s", 8, [m("x", 2, 0)])]));
const prepare = (...args: string[]) => runText(["prepare", ...args]);

describe("btfgen prepare", () => {
  it("shows maps, programs and externs as tables", async () => {
    const { stdout, stderr, code } = await prepare(`${fixtures}objects/globals.o`);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toContain("CO-RE    not applied (no --target)\n");
    expect(stdout).toMatch(/^1 {2}globals\.rodata {4}array {4}4 {5}32 {8}1 {2}0x480 {2}filled, frozen$/m);
    expect(stdout).toMatch(/^account {3}raw_tp\/sys_enter {2}raw_tracepoint {2}- +99 +0 {2}weigh at 68, visit at 90$/m);
    const externs = await prepare(`${fixtures}objects/externs.o`);
    expect(externs.stdout).toMatch(/^CONFIG_HZ +kconfig int +needed$/m);
    expect(externs.stdout).toMatch(/^CONFIG_BPF_LSM +kconfig bool +absent +weak$/m);
  });

  it("fills settings from a kernel's config", async () => {
    const kconfig = put("config", "CONFIG_HZ=250\nCONFIG_BPF_LSM=y\nLINUX_KERNEL_VERSION=393985\n");
    const { stdout } = await prepare(`${fixtures}objects/externs.o`, "--kconfig", kconfig, "--json");
    const [{ maps, externs }] = JSON.parse(stdout).objects;
    const settings = maps.find(({ origin }: { origin: string }) => origin === "kconfig");
    expect(settings).toMatchObject({ contents: "fa000000000000000103060001", frozen: true, valueSize: 13 });
    expect(externs[0]).toMatchObject({ name: "CONFIG_HZ", state: "resolved", setting: { offset: 0, size: 8 } });
    const packed = put("config.gz", gzipSync(readFileSync(kconfig)));
    expect((await prepare(`${fixtures}objects/externs.o`, "--kconfig", packed, "--json")).stdout).toBe(stdout);
  });

  it("calls an embedded object's maps by its own name, as its skeleton does", async () => {
    const tool = put("tool", Buffer.concat([Buffer.from("MZ"), readFileSync(`${fixtures}objects/globals.o`)]));
    const { stdout } = await prepare(tool);
    expect(stdout).toContain(`object   ${tool}#globals (named globals)`);
    expect(stdout).toContain("globals.rodata");
  });

  it("has everything in its JSON", async () => {
    const { stdout, code } = await prepare(object, "--target", partial, "--name", "mine", "--json");
    expect(code).toBe(0);
    const [plan] = JSON.parse(stdout).objects;
    expect(plan).toMatchObject({ name: "mine", byteOrder: "little", relocated: true, refusals: [], maps: [] });
    expect(plan.programs).toMatchObject([
      // 61 10 08 00: a load at offset 8 now.
      { name: "reads_x", type: "xdp", attachType: 37, autoload: true, instructionCount: 2, poisoned: [] },
      { name: "reads_y", section: "fentry/vfs_read", type: "tracing", autoload: false, poisoned: [0] },
    ]);
    expect(plan.programs[0].instructions.slice(4, 8)).toBe("0800");
    expect(plan.programs[1].attachTarget).toEqual({ kind: "fentry", name: "vfs_read", module: null, typeId: null });
    expect(plan.needs).toEqual([{ kind: "fentry", user: "reads_y", name: "vfs_read", optional: true }]);
  });

  it.each([
    ["fine", [object, "-t", whole, "--strict"], 0],
    ["poisoned", [object, "-t", partial], 0],
    ["poisoned", [object, "-t", partial, "--strict"], 1],
    ["ambiguous", [object, "-t", twice], 1],
    ["no types of maps", [`${fixtures}objects/no_btf.o`], 1],
    ["another byte order", [`${fixtures}objects-be/exec.o`, "-t", whole], 2],
    ["no release", [object, "--btf-for", "new"], 2],
    ["a module without a kernel", [object, "--module", whole], 2],
    ["one name for two", [object, object, "--name", "x"], 2],
    ["a config that is none", [object, "--kconfig", whole], 2],
    ["a config in damaged gzip", [object, "--kconfig", put("cut.gz", gzipSync("CONFIG_HZ=250\n").subarray(0, 20))], 2],
  ])("%s: %j exits %i", async (_, args, code) => {
    const run = await prepare(...args);
    expect(run.code).toBe(code);
    if (code === 1 && !args.includes("--strict")) expect(run.stderr).toContain("refused:");
  });
});
