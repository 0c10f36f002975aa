/** The engine against libbpf on types and relocations that no compiler would write. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { objectBytes } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { type Comparison, compareRun, noComparison } from "./engine-compare.ts";
import { libbpfRelocateMany } from "./libbpf.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const TYPES = 120;
const PROGRAMS = 200;

describeOracle("random types as libbpf takes them", ["libbpf"], () => {
  const directory = temporaryDirectory();

  /** Each program alone: most of them hold something that makes libbpf refuse the object. */
  function compare(seed: number): Comparison {
    const { target, rows, programs } = randomPair(seed, TYPES, PROGRAMS);
    const targetPath = join(directory(), "target.btf");
    const objectPath = join(directory(), `seed-${String(seed)}.o`);
    const bytes = objectBytes({ rows, programs });
    writeFileSync(targetPath, target);
    writeFileSync(objectPath, bytes);
    const object = parseBpfObject(bytes, objectPath);
    const index = indexCandidates(parseBtf(target, { source: "target.btf" }));
    const sum = noComparison();
    for (const run of libbpfRelocateMany([objectPath], targetPath, { alone: true })) {
      compareRun(object, index, run, sum);
    }
    return sum;
  }

  it.each(Array.from({ length: 10 }, (_, i) => i + 1))("seed %i", (seed) => {
    const sum = compare(seed);
    expect(sum.differences).toEqual([]);
    expect(sum.candidates).toBeGreaterThan(PROGRAMS / 4);
    expect(sum.patched).toBeGreaterThan(PROGRAMS / 4);
  });
});
