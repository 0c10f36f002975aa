/** Broken BTF through everything: only a FormatError may be thrown, in bounded time, and every result proves itself. */
import { beforeAll, describe, expect, it } from "vitest";
import { type BtfSeed, breakBtf } from "./btf-mutator.ts";
import { caseCount, oneOf, randomOfCase } from "./random.ts";
import { kernelSeeds, OBJECT_SEEDS, OBJECTS } from "./seeds.ts";
import { eachCase, readAll, runAll, runChecked } from "./subject.ts";

const SMALL_MS = 250;
const KERNEL_MS = 4_000;
const LONG_RUN_MS = 3_600_000;
let kernel: BtfSeed;
let small: BtfSeed;

beforeAll(async () => {
  ({ kernel, small } = await kernelSeeds());
});

describe("broken BTF", () => {
  it("of small blobs is read or refused", { timeout: LONG_RUN_MS }, () => {
    const seeds = [small, ...OBJECT_SEEDS.map(({ btfSeed }) => btfSeed)];
    const tally = eachCase(caseCount(2_000), SMALL_MS, (index) => {
      const random = randomOfCase(index);
      const { bytes, done } = breakBtf(oneOf(seeds, random), random);
      return [done, () => readAll(bytes)];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 4);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("as a target is minimized and proved, or refused", { timeout: LONG_RUN_MS }, () => {
    const tally = eachCase(caseCount(300, 0.5), SMALL_MS, (index) => {
      const random = randomOfCase(index);
      const { bytes, done } = breakBtf(small, random);
      const objects = [oneOf(OBJECTS, random), oneOf(OBJECTS, random), oneOf(OBJECTS, random)];
      const options = { keepNames: random(4) === 0, keepLong: random(4) === 0 };
      return [done, () => runAll(bytes, objects, options)];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 4);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("of a whole kernel is minimized and proved, or refused", { timeout: LONG_RUN_MS }, () => {
    const tally = eachCase(caseCount(40, 0.1), KERNEL_MS, (index) => {
      const random = randomOfCase(index);
      const { bytes, done } = breakBtf(kernel, random);
      return [
        done,
        () =>
          runChecked(
            bytes,
            Array.from({ length: 6 }, () => oneOf(OBJECTS, random)),
          ),
      ];
    });
    expect(tally.done).toBeGreaterThan(tally.refused / 4);
  });
});
