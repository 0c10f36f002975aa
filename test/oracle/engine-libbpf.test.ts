/** The engine against libbpf: all objects there are on all little-endian sample kernels. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNELS_TO_ASK, kernelPath, THOROUGH } from "../samples.ts";
import { type Comparison, compareRun, noComparison } from "./engine-compare.ts";
import { libbpfRelocateMany } from "./libbpf.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
/** Objects that libbpf refuses to open for reasons of its own: an extern without BTF, no BTF at all. */
const NOT_OPENED = ["link_first.o", "no_btf.o"];
const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);

const fixtures = (): string[] =>
  readdirSync(FIXTURES)
    .filter((name) => name.endsWith(".o") && !NOT_OPENED.includes(name))
    .map((name) => join(FIXTURES, name));

/** Asks libbpf about objects on one kernel and compares. With `alone`, also with every program loaded alone. */
function compare(objects: ReadonlyMap<string, BpfObject>, kernel: string, alone: boolean): Comparison {
  const path = kernelPath(kernel);
  const index = indexCandidates(parseBtf(readFileSync(path), { source: kernel }));
  const sum = noComparison();
  for (const run of libbpfRelocateMany([...objects.keys()], path, { alone })) {
    compareRun(objects.get(run.object) as BpfObject, index, run, sum);
  }
  return sum;
}

const parsed = (paths: readonly string[]): Map<string, BpfObject> =>
  new Map(paths.map((path) => [path, parseBpfObject(readFileSync(path), path)]));

describeOracle("our objects as libbpf relocates them", ["libbpf"], () => {
  it.each(KERNELS)("on %s", (kernel) => {
    const sum = compare(parsed(fixtures()), kernel, kernel === KERNEL_6_1);
    expect(sum.differences).toEqual([]);
    expect(sum.relocations).toBeGreaterThan(600);
    expect(sum.patched).toBeGreaterThan(600);
  });
});

describeOracle("the objects of libbpf-tools as libbpf relocates them", ["libbpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  let paths: string[] | undefined;
  const tools = (): string[] => {
    paths ??= libbpfToolsExecutables()
      .flatMap((executable) => findBpfObjects(readFileSync(executable), executable))
      .map(({ bytes, name }, i) => {
        const path = join(directory(), `${String(i)}-${name.replaceAll(/[^\w.-]/g, "_")}.o`);
        writeFileSync(path, bytes);
        return path;
      });
    return paths;
  };
  it.each(KERNELS)("on %s", (kernel) => {
    // As our own objects above, in three times the time.
    const sum = compare(parsed(tools()), kernel, THOROUGH && kernel === KERNEL_6_1);
    expect(sum.differences).toEqual([]);
    expect(sum.relocations).toBeGreaterThan(400);
    expect(sum.patched).toBeGreaterThan(400);
  });
});
