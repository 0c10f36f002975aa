import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { CREATE } from "../../lib/loader/attributes.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { slotsOf } from "../../lib/loader/emit.ts";
import { emitC } from "../../lib/loader/emit-c.ts";
import { emitGo } from "../../lib/loader/emit-go.ts";
import { CONTEXT, type Loader } from "../../lib/loader/loader.ts";
import { tooLarge } from "../../lib/loader/refusals.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

const OBJECTS = join(import.meta.dirname, "../fixtures/objects");
const object = (name: string) => parseBpfObject(readFileSync(join(OBJECTS, `${name}.o`)), `${name}.o`);

function build(name: string, change: (plan: Plan) => Plan = (plan) => plan): Loader {
  const from = object(name);
  const built = buildLoader(from, change(prepare(from, null)));
  if ("refusals" in built) throw new Error(built.refusals.join("; "));
  return built;
}

function refusals(name: string, change: (plan: Plan) => Plan = (plan) => plan): readonly string[] {
  const from = object(name);
  const built = buildLoader(from, change(prepare(from, null)));
  return "refusals" in built ? built.refusals : [];
}

const stepsOf = ({ steps }: Loader) => steps.map(({ action, name }) => `${action} ${name}`.trim());

describe("a loader program", () => {
  it("has a step for each thing that is done, in order", () => {
    expect(stepsOf(build("exec"))).toEqual([
      "load-btf",
      "create-map events",
      "find btf_trace_sched_process_exec",
      "load-program exec",
    ]);
  });

  it("fills and freezes maps of data", () => {
    const loader = build("globals");
    expect(stepsOf(loader)).toEqual([
      "load-btf",
      "create-map per_cpu_settings",
      ...["globals.rodata", ".rodata.str1.1"].flatMap((name) => [
        `create-map ${name}`,
        `fill-map ${name}`,
        `freeze-map ${name}`,
      ]),
      "create-map globals.data",
      "fill-map globals.data",
      ...["create-map .rodata.table", "fill-map .rodata.table", "freeze-map .rodata.table"],
      "create-map globals.bss",
      "fill-map globals.bss",
      "create-map .data.hidden",
      "fill-map .data.hidden",
      "load-program account",
      "load-program classify",
    ]);
  });

  it("is the same on every run, and of its plan alone", () => {
    expect(build("globals")).toEqual(build("globals"));
  });

  it("keeps no zeros at the end of its data, and puts empty sections there", () => {
    const { data, dataSize, maps } = build("globals");
    expect(data.length).toBeLessThan(dataSize);
    expect(data.at(-1)).not.toBe(0);
    const bss = maps.find(({ section }) => section === ".bss");
    expect(bss?.contentsAt).toBeGreaterThanOrEqual(data.length - 8);
    expect((bss?.contentsAt ?? 0) + (bss?.valueSize ?? 0)).toBeLessThanOrEqual(dataSize);
  });

  it("says where contents, variables and numbers of entries are", () => {
    const { data, maps } = build("globals");
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (const { maxEntriesAt, maxEntries } of maps) expect(view.getUint32(maxEntriesAt, true)).toBe(maxEntries);
    const table = maps.find(({ section }) => section === ".rodata.table");
    expect(table?.variables).toEqual([{ name: "table", offset: 0, size: 32 }]);
    const at = table?.contentsAt ?? 0;
    expect(Array.from({ length: 8 }, (_, i) => view.getUint32(at + i * 4, true))).toEqual([1, 1, 2, 3, 5, 8, 13, 21]);
  });

  it("is of the object's byte order", () => {
    const path = join(OBJECTS, "../objects-be/globals.o");
    const from = parseBpfObject(readFileSync(path), "globals.o");
    const loader = buildLoader(from, prepare(from, null));
    if ("refusals" in loader) throw new Error(loader.refusals.join("; "));
    const view = new DataView(loader.data.buffer, loader.data.byteOffset, loader.data.length);
    for (const { maxEntriesAt, maxEntries } of loader.maps) expect(view.getUint32(maxEntriesAt)).toBe(maxEntries);
    expect(view.getInt32(0)).toBe(-1);
    // r6 = r1; r9 = value of map 0
    expect(Buffer.from(loader.instructions.subarray(0, 16)).toString("hex")).toBe("bf610000000000001896000000000000");
    expect(stepsOf(loader)).toEqual(stepsOf(build("globals")));
  });

  it("gives descriptors in the context, maps first, one after the other", () => {
    const { maps, programs, contextSize } = build("globals");
    const places = [...maps, ...programs].map(({ descriptorAt }) => descriptorAt);
    expect(places).toEqual(places.map((_, i) => CONTEXT.descriptors + i * 4));
    expect(contextSize).toBe(CONTEXT.descriptors + places.length * 4);
  });

  it("wants a later kernel for relocations, and an earlier one where they are applied", async () => {
    const kernel = indexCandidates(parseBtf(kernelSample(KERNEL_6_1).bytes, { source: KERNEL_6_1 }));
    const from = object("exec");
    const applied = buildLoader(from, prepare(from, kernel));
    expect(build("exec").since).toBe("5.17");
    expect(applied).toMatchObject({ relocated: true, since: "5.14" });
    expect(build("no_core").since).toBe("5.14");
    expect(build("externs").since).toBe("5.17");
    const ksyms = buildLoader(object("externs"), prepare(object("externs"), kernel));
    expect(ksyms).toMatchObject({ since: "5.16" });
  });

  it("leaves out what is not loaded by default", () => {
    const loader = build("globals", (plan) => ({
      ...plan,
      programs: plan.programs.map((program) => ({ ...program, autoload: program.name !== "classify" })),
      maps: plan.maps.map((map) => ({ ...map, autocreate: map.section !== ".data.hidden" })),
    }));
    expect(loader.programs.map(({ name }) => name)).toEqual(["account"]);
    expect(loader.maps.map(({ section }) => section)).not.toContain(".data.hidden");
    expect(stepsOf(loader)).not.toContain("create-map .data.hidden");
  });

  it("creates inner maps first, and fills maps of maps and arrays of programs when all are there", () => {
    const plan = prepare(object("globals"), null);
    const [array] = plan.maps;
    if (array === undefined) throw new Error("no map");
    const outer = { ...array, name: "outer", type: 12, inner: { ...array, name: "outer.inner" }, slots: [null, 0] };
    const jumps = { ...array, name: "jumps", type: 3, slots: [1] };
    const steps = stepsOf(build("globals", (whole) => ({ ...whole, maps: [outer, jumps, ...whole.maps] })));
    expect(steps.slice(0, 4)).toEqual(["load-btf", "create-map outer.inner", "create-map outer", "create-map jumps"]);
    expect(steps.indexOf("fill-map outer")).toBe(steps.indexOf("load-program account") - 1);
    expect(steps.at(-1)).toBe("fill-map jumps");
  });

  it("cuts names as the kernel wants them", () => {
    const { maps, data } = build("globals");
    const at = (maps[0]?.maxEntriesAt ?? 0) - CREATE.maxEntries + CREATE.name;
    expect(Buffer.from(data.subarray(at, at + 16)).toString()).toBe("per_cpu_setting\0");
    expect(maps[0]).toMatchObject({ name: "per_cpu_settings", kernelName: "per_cpu_setting" });
  });
});

describe("source that embeds a loader", () => {
  it.each(["switch", "Class", "register"])("does not call a type or a package %s, which a compiler keeps", (name) => {
    const loader = build("globals", (plan) => ({ ...plan, name }));
    expect(emitC(loader)).toContain(`\nstruct ${name}_ {\n`);
    expect(emitGo(loader)).toContain(`\npackage ${name.toLowerCase()}_\n`);
    expect(emitC(build("globals"))).toContain("\nstruct globals {\n");
  });
});

describe("the table of descriptors", () => {
  it("has no module at its first place, which calls take for the kernel", () => {
    const { count, found, types, inner, program } = slotsOf(0, 2, 1);
    const places = [types, inner, found(0), found(1), program(0)];
    expect([...places].sort()).toEqual([0, 1, 2, 3, 4]);
    expect({ count, first: found(0) > 0 }).toEqual({ count: 5, first: true });
  });
});

describe("what cannot be a loader program", () => {
  it("is refused with the reason", () => {
    expect(refusals("struct_ops")[0]).toMatch(
      /^map 'fixture_cc': struct_ops is laid out by the running kernel's types/,
    );
    expect(refusals("freplace")).toContainEqual(expect.stringMatching(/freplace needs the program it replaces/));
    const unknown = refusals("exec", (plan) => ({
      ...plan,
      programs: plan.programs.map((program) => ({ ...program, type: null, section: "mine" })),
    }));
    expect(unknown).toEqual(["prog 'exec': the section 'mine' says no program type"]);
    const nameless = refusals("exec", (plan) => ({
      ...plan,
      programs: plan.programs.map((program) => ({ ...program, attachTarget: null, section: "tp_btf" })),
    }));
    expect(nameless).toEqual(["prog 'exec': the section 'tp_btf' names nothing to attach to"]);
    const inner = refusals("exec", (plan) => ({
      ...plan,
      maps: plan.maps.map((map) => ({ ...map, inner: { ...map, entryPerCpu: true } })),
    }));
    expect(inner).toEqual([expect.stringMatching(/^map 'events': its inner map wants an entry for each CPU/)]);
    expect(refusals("exec", (plan) => ({ ...plan, refusals: ["as the plan says"] }))).toEqual(["as the plan says"]);
    expect(refusals("exec")).toEqual([]);
  });

  it("is refused where it is too large", () => {
    const fine = { count: 1_000_000, isTooLong: false } as Parameters<typeof tooLarge>[0];
    expect(tooLarge(fine, 1 << 29, 16_000)).toEqual([]);
    expect(tooLarge({ ...fine, count: 1_000_001 }, (1 << 29) + 1, 16_378)).toEqual([
      "the loader program would have 1000001 instructions; a kernel takes 1000000",
      "its data would have 536870913 bytes; a kernel takes 536870912",
      "16378 maps and programs are more than the 16377 of a context",
    ]);
    expect(tooLarge({ ...fine, isTooLong: true }, 0, 0)).toHaveLength(1);
  });
});
