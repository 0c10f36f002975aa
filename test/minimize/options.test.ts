/** The promise holds whatever else is kept and however it is written: fixtures x kernels x all ways of minimizing. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { type JobOptions, type JobResult, runParsed } from "../../lib/job/job.ts";
import {
  KERNEL_6_1,
  KERNEL_BIG_ENDIAN,
  KERNEL_OF_MODULES,
  KERNELS_TO_ASK,
  kernelSample,
  moduleSamples,
  THOROUGH,
} from "../samples.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
const OBJECTS = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".o"))
  .map((name) => parseBpfObject(readFileSync(join(FIXTURES, name)), name));

/** In every sample kernel. */
const KEEP = ["task_struct.*", "struct file.f_inode.i_ino", "enum pid_type.*", "typedef kuid_t.val", "sock", "u64"];

/** Every combination: each option on or off; the first has none, the last all. */
const COMBINATIONS: readonly JobOptions[] = [false, true].flatMap((keepNames) =>
  [false, true].flatMap((keepAttachTargets) =>
    [[], KEEP].flatMap((keep) =>
      (["offsets", "explicit"] as const).map((padding) => ({ keepNames, keepAttachTargets, keep, padding })),
    ),
  ),
);

/** All combinations where the kernel is special, else the extremes: each takes a tenth of a second. */
const SPECIAL = THOROUGH ? [KERNEL_6_1, KERNEL_BIG_ENDIAN] : [KERNEL_6_1];
const combinationsFor = (kernel: string): readonly JobOptions[] =>
  SPECIAL.includes(kernel) ? COMBINATIONS : [COMBINATIONS[0], COMBINATIONS.at(-1)].flatMap((one) => one ?? []);

function expectProof(result: JobResult, options: JobOptions): void {
  const said = JSON.stringify(options);
  expect(
    result.proof.differences.map(({ record, full, small }) => [record.object.source, full, small]),
    said,
  ).toEqual([]);
  expect(result.proof.malformed, said).toEqual([]);
  expect(result.proof.relocations).toBeGreaterThan(500);
  expect(result.keepProblems, said).toEqual([]);
}

describe("combinations of options", () => {
  it.each(KERNELS_TO_ASK)("on %s", async (name) => {
    const { bytes } = kernelSample(name);
    const kernel = parseBtf(bytes, { source: name });
    const sizes = combinationsFor(name).map((options) => {
      const result = runParsed(kernel, OBJECTS, options);
      expectProof(result, options);
      return result.blobs[0].bytes.length;
    });
    // The first keeps nothing but the promise; the last keeps everything asked for.
    expect(Math.min(...sizes)).toBe(sizes[0]);
    expect(Math.max(...sizes)).toBe(sizes.at(-1));
  });

  it.each([false, true])("with modules, flattened: %s", async (flatten) => {
    const { bytes } = kernelSample(KERNEL_OF_MODULES);
    const modules = moduleSamples().map(({ name, bytes: own }) => ({ source: name, bytes: own }));
    const target = parseModules(parseBtf(bytes, { source: KERNEL_OF_MODULES }), modules);
    for (const options of combinationsFor(KERNEL_OF_MODULES)) {
      expectProof(runParsed(target, OBJECTS, { ...options, flatten }), options);
    }
  });
});
