/** Broken objects planned and relocated: only a FormatError, in bounded time, and what is written can be read. */
import { beforeAll, describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { relocateObject } from "../../lib/prepare/relocate.ts";
import { btfFeatures } from "../../lib/prepare/sanitize-btf.ts";
import { breakObject } from "./object-mutator.ts";
import { caseCount, oneOf, randomOfCase } from "./random.ts";
import { kernelSeeds, OBJECT_SEEDS } from "./seeds.ts";
import { eachCase } from "./subject.ts";

const SMALL_MS = 250;
const LONG_RUN_MS = 3_600_000;
let index: CandidateIndex;

beforeAll(async () => {
  const { small } = await kernelSeeds();
  index = indexCandidates(parseBtf(small.bytes, { source: "small" }));
});

describe("a broken object", () => {
  it("is planned, or refused", { timeout: LONG_RUN_MS }, () => {
    let planned = 0;
    const tally = eachCase(caseCount(600), SMALL_MS, (i) => {
      const random = randomOfCase(i);
      const { bytes, done } = breakObject(oneOf(OBJECT_SEEDS, random), random);
      const features = random(2) === 0 ? undefined : btfFeatures(4 + random(3), random(20));
      return [
        done,
        () => {
          const object = parseBpfObject(bytes, "broken.o");
          const options = { kconfig: "CONFIG_HZ=250\n", ...(features === undefined ? {} : { features }) };
          const plan = prepare(object, random(4) === 0 ? null : index, options);
          planned += plan.programs.length;
          // What goes to a kernel is BTF again, if it was before.
          if (plan.btf !== null && plan.refusals.length === 0) parseBtf(plan.btf, { source: "planned" });
        },
      ];
    });
    expect(planned).toBeGreaterThan(0);
    expect(tally.done).toBeGreaterThan(tally.refused / 8);
    expect(tally.refused).toBeGreaterThan(0);
  });

  it("is relocated, or refused", { timeout: LONG_RUN_MS }, () => {
    let written = 0;
    const tally = eachCase(caseCount(600), SMALL_MS, (i) => {
      const random = randomOfCase(i);
      const { bytes, done } = breakObject(oneOf(OBJECT_SEEDS, random), random);
      const before = new Uint8Array(bytes);
      return [
        done,
        () => {
          const object = parseBpfObject(bytes, "broken.o");
          const result = relocateObject(object, resolveObject(object, index));
          expect(Buffer.compare(bytes, before)).toBe(0);
          if (result.bytes === null) return;
          written++;
          expect(parseBpfObject(result.bytes, "relocated.o").relocations).toEqual([]);
        },
      ];
    });
    expect(written).toBeGreaterThan(0);
    expect(tally.refused).toBeGreaterThan(0);
  });
});
