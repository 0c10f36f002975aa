import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { permuteTypes, permuteView, sortTypesByName } from "../../lib/btf/sort.ts";
import { type Btf, typeCount } from "../../lib/btf/view.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { btf } from "../btf/builder.ts";
import { type Random, randomFrom } from "../core/random-types.ts";
import { mirrored, sortedByText } from "../diff/outline.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { randomScene, randomTypes } from "./kernel-types.ts";

const SEED = 5_2026;
const TYPES = 60;

/** The ids from `first` on, in any order. */
function shuffled(count: number, first: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => first + i);
  for (let i = count - 1; i > 0; i--) {
    const j = random(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

function permuted(view: Btf, random: Random, segmentIndex = 0): Btf {
  const { startId = 1, endId = 1 } = view.segments[segmentIndex] ?? {};
  return permuteView(view, shuffled(endId - startId, startId, random), segmentIndex);
}

/** What a diff says, without the ids that a type has on each side. */
function withoutIds(types: ReturnType<typeof diffTypes>["types"]): unknown[] {
  const side = (one: { readonly id: number; readonly fileId: number } | null) => one && { ...one, id: 0, fileId: 0 };
  return sortedByText(types.map((type) => ({ ...type, old: side(type.old), new: side(type.new) })));
}

describe("a diff of random BTFs", () => {
  const pair = fc.nat({ max: 1 << 30 }).map((seed) => {
    const random = randomFrom(seed);
    const make = (percent: number) =>
      parseBtf(btf(randomTypes({ seed, count: TYPES, changes: { random, percent }, names: 12 })));
    return { seed, old: make(2), next: make(8) };
  });

  let differed = 0;
  test.prop([pair], { seed: SEED, numRuns: 150 })("mirrors the diff the other way round", ({ old, next }) => {
    const forth = diffTypes(old, next).types;
    if (forth.some(({ status }) => status === "changed")) differed++;
    expect(mirrored(diffTypes(next, old).types)).toEqual(sortedByText(forth));
  });

  it("had something to mirror", () => {
    expect(differed).toBeGreaterThan(75);
  });

  test.prop([pair], { seed: SEED, numRuns: 150 })("does not depend on ids", ({ seed, old, next }) => {
    const random = randomFrom(seed + 1);
    expect(diffTypes(old, permuted(old, random)).types).toEqual([]);
    expect(withoutIds(diffTypes(permuted(old, random), permuted(next, random)).types)).toEqual(
      withoutIds(diffTypes(old, next).types),
    );
  });

  test.prop([fc.nat({ max: 1 << 30 })], { seed: SEED, numRuns: 40 })("does not depend on modules' ids", (seed) => {
    const random = randomFrom(seed);
    const scene = (modules: number) => {
      const { base, modules: files } = randomScene({
        seed,
        types: 40,
        relocations: 1,
        modules,
        objects: 0,
        long: 8,
        littleEndian: true,
      });
      return parseModules(
        parseBtf(base),
        files.map((bytes, i) => ({ bytes, source: `m${i}` })),
      );
    };
    const view = scene(2);
    expect(diffTypes(view, permuted(permuted(view, random, 1), random, 2)).types).toEqual([]);
    expect(mirrored(diffTypes(scene(1), view).types)).toEqual(sortedByText(diffTypes(view, scene(1)).types));
  });
});

describe("a diff of kernels", () => {
  let kernel: Uint8Array;
  let other: Uint8Array;
  beforeAll(async () => {
    kernel = (await kernelSample(KERNEL_6_1)).bytes;
    other = (await kernelSample(KERNEL_OF_MODULES)).bytes;
  });

  it("is empty where only the order of types differs", () => {
    const view = parseBtf(kernel);
    const order = shuffled(typeCount(view) - 1, 1, randomFrom(SEED));
    for (const bytes of [permuteTypes(view, order), sortTypesByName(view)]) {
      expect(diffTypes(view, parseBtf(bytes)).types).toEqual([]);
    }
  });

  it("is empty where only the byte order differs", async () => {
    const big = parseBtf((await kernelSample(KERNEL_BIG_ENDIAN)).bytes);
    expect(diffTypes(big, permuted(big, randomFrom(SEED))).types).toEqual([]);
  });

  it("mirrors the diff the other way round, and does not depend on ids", () => {
    const [old, next] = [parseBtf(kernel), parseBtf(other)];
    const forth = diffTypes(old, next).types;
    expect(forth.length).toBeGreaterThan(10_000);
    const back = diffTypes(next, old).types;
    expect(mirrored(back)).toEqual(sortedByText(forth));
    const random = randomFrom(SEED);
    expect(withoutIds(diffTypes(permuted(old, random), permuted(next, random)).types)).toEqual(withoutIds(forth));
  });

  it("of modules compares each with its own base, and what several have once", async () => {
    const modules = (await moduleSamples()).map(({ bytes, name }) => ({ bytes, source: `${name}.btf` }));
    const view = parseModules(parseBtf(other), modules);
    expect(diffTypes(view, parseModules(parseBtf(other), [...modules].reverse())).types).toEqual([]);
    const without = diffTypes(view, parseBtf(other));
    expect(without.old.modules.length).toBe(modules.length);
    expect(without.types.length).toBeGreaterThan(10);
    // What only a module defines may be declared by the kernel as well.
    const stays = without.types.filter(({ status }) => status !== "removed");
    const declared = [{ what: "definition", old: "defined", new: "declared" }];
    expect(stays.map(({ changes }) => changes)).toEqual(stays.map(() => declared));
    expect(stays.length).toBeLessThan(without.types.length / 10);
  });
});
