/** Properties of minimizing that hold for real kernels and objects. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { orderByName, permuteTypes } from "../../lib/btf/sort.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { type JobOptions, type JobResult, runJob, runParsed } from "../../lib/job/job.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, kernelSample, moduleSamples, type Sample } from "../samples.ts";

const OBJECTS = join(import.meta.dirname, "../fixtures/objects");
const objects: BpfObject[] = readdirSync(OBJECTS)
  .filter((name) => name.endsWith(".o"))
  .map((name) => parseBpfObject(readFileSync(join(OBJECTS, name)), name));
const modes: [string, JobOptions][] = [
  ["default", {}],
  ["names kept", { keepNames: true }],
  ["layout", { layout: true }],
];

describe("a real kernel", () => {
  let kernel: Sample;
  let parsed: Btf;
  beforeAll(() => {
    kernel = kernelSample(KERNEL_6_1);
    parsed = parseBtf(kernel.bytes, { source: "kernel" });
  });
  const proved = ({ proof, blobs: [{ bytes }] }: JobResult) => {
    expect(proof.holds).toBe(true);
    return bytes;
  };
  const run = (bytes: Uint8Array, options: JobOptions) =>
    proved(runJob({ base: { bytes, source: "kernel" } }, objects, options));
  const runFor = (some: readonly BpfObject[], options: JobOptions) => proved(runParsed(parsed, some, options));

  it.each(modes)(
    "gives the same bytes again, from its own result and for objects in another order: %s",
    (_, options) => {
      const once = run(kernel.bytes, options);
      expect(Buffer.compare(run(kernel.bytes, options), once)).toBe(0);
      expect(Buffer.compare(run(once, options), once)).toBe(0);
      expect(Buffer.compare(runFor([...objects].reverse(), options), once)).toBe(0);
      expect(Buffer.compare(runFor([...objects, ...objects], options), once)).toBe(0);
    },
  );

  it("gives the same size for the same types in another order", () => {
    const sorted = permuteTypes(parsed, orderByName(parsed));
    expect(run(sorted, {}).length).toBe(run(kernel.bytes, {}).length);
    expect(Buffer.compare(sorted, kernel.bytes)).not.toBe(0);
  });

  it("gives what encodes and parses to itself, little of the kernel's", () => {
    const small = run(kernel.bytes, {});
    expect(Buffer.compare(encodeBtf(parseBtf(small)), small)).toBe(0);
    expect(small.length).toBeLessThan(kernel.bytes.length / 300);
  });

  it("gives no more for one object than for all", () => {
    const all = run(kernel.bytes, {}).length;
    for (const object of objects) expect(runFor([object], {}).length).toBeLessThan(all);
  });

  it("leaves the source's bytes alone", () => {
    const before = new Uint8Array(kernel.bytes);
    run(kernel.bytes, {});
    expect(Buffer.compare(before, kernel.bytes)).toBe(0);
  });

  it.each(["no_core.o", "no_btf.o", "no_btf_ext.o", "no_programs.o"])(
    "gives one integer for %s, which asks for nothing",
    (name) => {
      const object = objects.find(({ source }) => source === name) as BpfObject;
      expect(runFor([object], {}).length).toBe(41);
      expect(runFor([], {}).length).toBe(41);
    },
  );
});

describe("a real kernel with its modules", () => {
  it("gives the same bytes from its own result, apart and as one", async () => {
    const base = { bytes: kernelSample(KERNEL_OF_MODULES).bytes, source: "kernel" };
    const modules = moduleSamples().map(({ name, bytes }) => ({ source: name, bytes }));
    for (const flatten of [false, true]) {
      const result = runJob({ base, modules }, objects, { flatten });
      expect(result.proof.holds).toBe(true);
      expect(result.blobs.length).toBe(flatten ? 1 : modules.length + 1);
      const [small, ...split] = result.blobs;
      const again = runJob({ base: small, modules: split }, objects, { flatten });
      expect(again.proof.holds).toBe(true);
      expect(again.blobs.map(({ bytes }) => Buffer.from(bytes).toString("hex"))).toEqual(
        result.blobs.map(({ bytes }) => Buffer.from(bytes).toString("hex")),
      );
    }
  });
});
