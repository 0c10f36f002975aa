import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { btf } from "../btf/builder.ts";
import { randomFrom } from "../core/random-types.ts";
import { mirrored, sortedByText } from "../diff/outline.ts";
import { THOROUGH } from "../samples.ts";
import { randomScene, randomTypes } from "./kernel-types.ts";
import { permuted, withoutIds } from "./permuted.ts";
import { property } from "./property.ts";

const SEED = 5_2026;
const TYPES = 60;
const RUNS = THOROUGH ? 150 : 30;

describe("a diff of random BTFs", () => {
  const pair = fc.nat({ max: 1 << 30 }).map((seed) => {
    const random = randomFrom(seed);
    const make = (percent: number) =>
      parseBtf(btf(randomTypes({ seed, count: TYPES, changes: { random, percent }, names: 12 })));
    return { seed, old: make(2), next: make(8) };
  });

  let differed = 0;
  property("mirrors the diff the other way round", [pair], { seed: SEED, numRuns: RUNS }, ({ old, next }) => {
    const forth = diffTypes(old, next).types;
    if (forth.some(({ status }) => status === "changed")) differed++;
    expect(mirrored(diffTypes(next, old).types)).toEqual(sortedByText(forth));
  });

  it("had something to mirror", () => {
    expect(differed).toBeGreaterThan(RUNS / 2);
  });

  property("does not depend on ids", [pair], { seed: SEED, numRuns: RUNS }, ({ seed, old, next }) => {
    const random = randomFrom(seed + 1);
    expect(diffTypes(old, permuted(old, random)).types).toEqual([]);
    expect(withoutIds(diffTypes(permuted(old, random), permuted(next, random)).types)).toEqual(
      withoutIds(diffTypes(old, next).types),
    );
  });

  property(
    "does not depend on modules' ids",
    [fc.nat({ max: 1 << 30 })],
    { seed: SEED, numRuns: THOROUGH ? 40 : 20 },
    (seed) => {
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
    },
  );
});
