/** The engine against a big-endian libbpf, under emulation. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { objectBytes } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { KERNEL_BIG_ENDIAN, kernelPath } from "../samples.ts";
import { type Comparison, compareRun, noComparison } from "./engine-compare.ts";
import { libbpfRelocateMany } from "./libbpf.ts";
import { describeOracle } from "./requirements.ts";
import { s390xLibbpf } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects-be");
/** libbpf refuses them before it comes to relocations: an extern without BTF; struct_ops that the kernel has not. */
const REFUSED = ["link_first.o", "struct_ops.o"];

function compare(objects: ReadonlyMap<string, BpfObject>, target: string, alone: boolean): Comparison {
  const index = indexCandidates(parseBtf(readFileSync(target), { source: target }));
  const sum = noComparison();
  for (const run of libbpfRelocateMany([...objects.keys()], target, { alone, command: s390xLibbpf() })) {
    compareRun(objects.get(run.object) as BpfObject, index, run, sum);
  }
  return sum;
}

describeOracle("big-endian objects as a big-endian libbpf relocates them", ["s390x", "libbpf", "clang"], () => {
  const directory = temporaryDirectory();

  it("ours, on a real kernel", () => {
    const paths = readdirSync(FIXTURES)
      .filter((name) => name.endsWith(".o") && !REFUSED.includes(name))
      .map((name) => join(FIXTURES, name));
    const objects = new Map(paths.map((path) => [path, parseBpfObject(readFileSync(path), path)]));
    const sum = compare(objects, kernelPath(KERNEL_BIG_ENDIAN), false);
    expect(sum.differences).toEqual([]);
    expect(sum.relocations).toBeGreaterThan(500);
    expect(sum.patched).toBeGreaterThan(500);
  });

  it("random ones", () => {
    const { target, rows, programs } = randomPair(1, 120, 200);
    const targetPath = join(directory(), "target.btf");
    const objectPath = join(directory(), "random.o");
    const bytes = objectBytes({ rows, programs, littleEndian: false });
    writeFileSync(targetPath, encodeBtf(parseBtf(target), { littleEndian: false }));
    writeFileSync(objectPath, bytes);
    const sum = compare(new Map([[objectPath, parseBpfObject(bytes, objectPath)]]), targetPath, true);
    expect(sum.differences).toEqual([]);
    expect(sum.patched).toBeGreaterThan(100);
  });
});
