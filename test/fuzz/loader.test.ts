/** Broken objects written as loaders: only a FormatError or a refusal, in bounded time, and what is written adds up. */
import { beforeAll, describe, expect, it } from "vitest";
import { decodeLoader, encodeLoader } from "../../cli/loader/file.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { emitC } from "../../lib/loader/emit-c.ts";
import { emitGo } from "../../lib/loader/emit-go.ts";
import { emitTypeScript } from "../../lib/loader/emit-ts.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { breakObject } from "./object-mutator.ts";
import { caseCount, oneOf, randomOfCase } from "./random.ts";
import { kernelSeeds, OBJECT_SEEDS } from "./seeds.ts";
import { eachCase } from "./subject.ts";

const SMALL_MS = 400;
const LONG_RUN_MS = 3_600_000;
/** What a line of source may have in it: names come from the object. */
const PRINTABLE = /^[\t -~]*$/;
let index: CandidateIndex;

beforeAll(async () => {
  const { small } = await kernelSeeds();
  index = indexCandidates(parseBtf(small.bytes, { source: "small" }));
});

describe("a broken object", () => {
  it("becomes a loader, or is refused", { timeout: LONG_RUN_MS }, () => {
    let written = 0;
    const tally = eachCase(caseCount(400), SMALL_MS, (i) => {
      const random = randomOfCase(i);
      const { bytes, done } = breakObject(oneOf(OBJECT_SEEDS, random), random);
      return [
        done,
        () => {
          const object = parseBpfObject(bytes, "broken.o");
          const plan = prepare(object, random(4) === 0 ? index : null);
          const loader = buildLoader(object, { ...plan, refusals: [] }, { checksData: random(2) === 0 });
          if ("refusals" in loader) return;
          written++;
          // The file is read again, which checks every place in it.
          const again = decodeLoader(encodeLoader(loader), "again");
          expect(Buffer.compare(again.instructions, loader.instructions)).toBe(0);
          for (const source of [emitC(loader), emitGo(loader), emitTypeScript(loader)]) {
            expect(source.split("\n").filter((line) => !PRINTABLE.test(line))).toEqual([]);
          }
        },
      ];
    });
    expect(written).toBeGreaterThan(0);
    expect(tally.refused).toBeGreaterThan(0);
  });
});
