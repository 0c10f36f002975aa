/** What the fuzz tests break: real objects, a real kernel, and a small BTF that has what all those objects look at. */
import { readdirSync, readFileSync } from "node:fs";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { runJob } from "../../lib/job/job.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { type BtfSeed, btfSeed } from "./btf-mutator.ts";
import { type ObjectSeed, objectSeed } from "./object-mutator.ts";

const FIXTURES = new URL("../fixtures/objects/", import.meta.url);

/** Objects of test/fixtures, sound. */
export const OBJECT_SEEDS: readonly ObjectSeed[] = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".o"))
  .sort()
  .flatMap((name) => objectSeed(name, new Uint8Array(readFileSync(new URL(name, FIXTURES)))) ?? []);

/** The same, parsed. */
export const OBJECTS: readonly BpfObject[] = OBJECT_SEEDS.map(({ bytes, name }) => parseBpfObject(bytes, name));

/** A kernel, with the types those objects look at as favourites, and what is left of it for them, names and all. */
export async function kernelSeeds(): Promise<{ readonly kernel: BtfSeed; readonly small: BtfSeed }> {
  const { bytes } = kernelSample(KERNEL_6_1);
  const { blobs, newIds } = runJob({ base: { bytes, source: KERNEL_6_1 } }, OBJECTS, {
    keepNames: true,
    keepLong: true,
  });
  return { kernel: btfSeed(new Uint8Array(bytes), [...newIds.keys()]), small: btfSeed(blobs[0].bytes) };
}
