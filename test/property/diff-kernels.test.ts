import { beforeAll, describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { permuteTypes, sortTypesByName } from "../../lib/btf/sort.ts";
import { typeCount } from "../../lib/btf/view.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { randomFrom } from "../core/random-types.ts";
import { mirrored, sortedByText } from "../diff/outline.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, kernelSample, moduleSamples } from "../samples.ts";
import { permuted, shuffled, withoutIds } from "./permuted.ts";

const SEED = 5_2026;

describe("a diff of kernels", () => {
  let kernel: Uint8Array;
  let other: Uint8Array;
  beforeAll(async () => {
    kernel = kernelSample(KERNEL_6_1).bytes;
    other = kernelSample(KERNEL_OF_MODULES).bytes;
  });

  it("is empty where only the order of types differs", () => {
    const view = parseBtf(kernel);
    const order = shuffled(typeCount(view) - 1, 1, randomFrom(SEED));
    for (const bytes of [permuteTypes(view, order), sortTypesByName(view)]) {
      expect(diffTypes(view, parseBtf(bytes)).types).toEqual([]);
    }
  });

  it("is empty where only the byte order differs", async () => {
    const big = parseBtf(kernelSample(KERNEL_BIG_ENDIAN).bytes);
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
    const modules = moduleSamples().map(({ bytes, name }) => ({ bytes, source: `${name}.btf` }));
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
