/** Broken objects, alone and against broken targets: only a FormatError, in bounded time, and every result proved. */
import { beforeAll, describe, expect, it } from "vitest";
import { objectBytes } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { type BtfSeed, breakBtf, btfSeed } from "./btf-mutator.ts";
import { breakObject } from "./object-mutator.ts";
import { caseCount, oneOf, randomOfCase } from "./random.ts";
import { kernelSeeds, OBJECT_SEEDS } from "./seeds.ts";
import { eachCase, readObject, runAll } from "./subject.ts";

const SMALL_MS = 250;
const LONG_RUN_MS = 3_600_000;
let small: BtfSeed;

beforeAll(async () => {
  ({ small } = await kernelSeeds());
});

describe("a broken object", () => {
  it("against a sound target is resolved and proved, or refused", { timeout: LONG_RUN_MS }, () => {
    const tally = eachCase(caseCount(500), SMALL_MS, (index) => {
      const random = randomOfCase(index);
      const { bytes, done } = breakObject(oneOf(OBJECT_SEEDS, random), random);
      return [done, () => runAll(small.bytes, [readObject(bytes)])];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 4);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("against a broken target is resolved and proved, or refused", { timeout: LONG_RUN_MS }, () => {
    const tally = eachCase(caseCount(500), SMALL_MS, (index) => {
      const random = randomOfCase(index);
      const seed = oneOf(OBJECT_SEEDS, random);
      const object = breakObject(seed, random);
      // Half of them against what the object itself was compiled with, where every relocation matches.
      const target = breakBtf(random(2) === 0 ? seed.btfSeed : small, random);
      return [[...object.done, "/", ...target.done], () => runAll(target.bytes, [readObject(object.bytes)])];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 8);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("of random types, against ones that resemble them and may be broken too", { timeout: LONG_RUN_MS }, () => {
    const tally = eachCase(caseCount(400), SMALL_MS, (index) => {
      const random = randomOfCase(index);
      const pair = randomPair(random(0x7fff_ffff), 20 + random(80), 1 + random(20));
      const object = objectBytes(pair);
      const broken = random(2) === 0 ? breakBtf(btfSeed(pair.target), random) : { bytes: pair.target, done: [] };
      const options = { keepNames: random(4) === 0, keepLong: random(4) === 0 };
      return [broken.done, () => runAll(broken.bytes, [readObject(object)], options)];
    });
    expect(tally.done).toBeGreaterThan(tally.refused);
  });
});
