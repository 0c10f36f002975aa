/** Loaders of maps in maps, program arrays, data sections and settings, as TypeScript, run here: what the kernel has then. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { expect, it } from "vitest";
import { ATTR_BYTES, type BpfCall, bpfCall } from "../../checker/kernel.ts";
import { CStruct, loadKoffi } from "../../checker/native.ts";
import { runLoader } from "../../checker/run-loader.ts";
import { questionOf } from "../../cli/loader/run-loader.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { emitTypeScript } from "../../lib/loader/emit-ts.ts";
import { namedMaps } from "../../lib/loader/source-text.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { compileBpf } from "./clang.ts";
import { LOADED, PREFIX, SETTINGS } from "./prepare-cases.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const MAP_LOOKUP = 1;
/** Its programs are none that a verifier takes: they are there to be linked. */
const ONLY_TO_LINK = "subprograms";
const KOFFI = fileURLToPath(new URL("../../node_modules/koffi", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../fixtures/objects/", import.meta.url));
const require = createRequire(import.meta.url);
const directory = temporaryDirectory();

/** What an emitted module offers. */
interface LoaderModule {
  open(): { readonly data: Uint8Array };
  load(opened: { readonly data: Uint8Array }): {
    readonly maps: Readonly<Record<string, number>>;
    readonly programs: Readonly<Record<string, number>>;
    close(): void;
  };
}

function planAndModule(name: string, bytes: Uint8Array) {
  const object = parseBpfObject(bytes, `${name}.o`);
  const plan = prepare(object, null, { kconfig: SETTINGS });
  const loader = buildLoader(object, plan);
  if ("refusals" in loader) throw new Error(loader.refusals.join("; "));
  const source = join(directory(), `${createHash("sha1").update(bytes).digest("hex")}.ts`);
  writeFileSync(source, emitTypeScript(loader));
  const outfile = source.replace(/ts$/, "cjs");
  const common = { bundle: true, platform: "node", format: "cjs", logLevel: "silent" } as const;
  buildSync({ ...common, entryPoints: [source], outfile, alias: { koffi: KOFFI }, external: [KOFFI] });
  return { plan, loader, module: require(outfile) as LoaderModule };
}

async function lookup() {
  const koffi = await loadKoffi();
  const bpf = koffi === null ? null : bpfCall(koffi);
  if (koffi === null || bpf === null) throw new Error("no koffi");
  /** The value of a 32-bit key; null where there is none. */
  return (fd: number, key: number, size: number): Buffer | null => {
    const value = Buffer.alloc(size);
    const attr = new CStruct(koffi, ATTR_BYTES);
    attr.setU32(0, fd);
    attr.setPointer(8, Buffer.from(Uint32Array.of(key).buffer));
    attr.setPointer(16, value);
    return bpf(MAP_LOOKUP, attr) < 0 ? null : value;
  };
}

describeOracle("a loader, run", ["bpf", "clang"], () => {
  it.each(Object.entries(LOADED).filter(([name]) => name !== ONLY_TO_LINK))(
    "has all of %s in the kernel",
    async (name, source) => {
      const bytes = compileBpf(`${PREFIX}${source}`, "bpfel", ["-mcpu=v3", "-Wno-everything"]);
      const { plan, loader, module } = planAndModule(name, bytes);
      const read = await lookup();
      const loaded = module.load(module.open());
      try {
        expect(Object.keys(loaded.programs)).toHaveLength(plan.programs.filter(({ autoload }) => autoload).length);
        for (const { id, what } of namedMaps(loader)) {
          const planned = plan.maps.find((map) => map.name === what.name && map.section === what.section);
          const fd = loaded.maps[id] ?? -1;
          if (planned?.contents !== null && planned !== undefined && what.origin !== "kconfig") {
            expect(read(fd, 0, what.valueSize)?.toString("hex"), what.name).toBe(
              Buffer.from(planned.contents).toString("hex"),
            );
          }
          // A map or program is shown by its id.
          for (const [key, slot] of (planned?.slots ?? []).entries()) {
            expect(read(fd, key, 4) !== null, `${what.name}[${key}]`).toBe(slot !== null);
          }
        }
      } finally {
        loaded.close();
      }
    },
  );

  it("has variables that were set before", async () => {
    const { loader, module } = planAndModule("globals", readFileSync(join(FIXTURES, "globals.o")));
    const opened = module.open();
    const table = loader.maps.find(({ section }) => section === ".rodata.table");
    opened.data.set([9, 0, 0, 0], (table?.contentsAt ?? 0) + 4);
    const loaded = module.load(opened);
    try {
      const value = (await lookup())(loaded.maps.rodata_table ?? -1, 0, 32);
      expect([value?.readUInt32LE(0), value?.readUInt32LE(4), value?.readUInt32LE(8)]).toEqual([1, 9, 2]);
    } finally {
      loaded.close();
    }
  });
});

describeOracle("a loader, run where a signal comes between", ["bpf"], () => {
  const PROG_TEST_RUN = 10;
  const RESULT = 4;
  const EAGAIN = 11;

  // What the kernel answers then, so many times; five for the run and five for the log of it are tried.
  it.each([
    [0, null],
    [4, null],
    [9, null],
    [10, EAGAIN],
  ])("%i times", async (times, expected) => {
    const object = parseBpfObject(readFileSync(join(FIXTURES, "globals.o")), "globals.o");
    const loader = buildLoader(object, prepare(object, null));
    const koffi = await loadKoffi();
    const bpf = koffi === null ? null : bpfCall(koffi);
    if ("refusals" in loader || koffi === null || bpf === null) throw new Error("no loader");
    let left = times;
    const interrupted: BpfCall = (command, attr) => {
      if (command !== PROG_TEST_RUN || left === 0) return bpf(command, attr);
      left--;
      attr.setU32(RESULT, -EAGAIN >>> 0);
      return 0;
    };
    const paths = { instructions: join(directory(), "instructions"), data: join(directory(), "data") };
    writeFileSync(paths.instructions, loader.instructions);
    writeFileSync(paths.data, loader.data);
    const { failed, created } = runLoader(koffi, interrupted, { ...questionOf(loader, 0), ...paths });
    expect(failed?.errno ?? null).toBe(expected);
    expect(created.length > 0).toBe(expected === null);
  });
});
