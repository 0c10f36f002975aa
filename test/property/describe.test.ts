import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { describeRecords, describeRelocations, type ReloResult } from "../../lib/core/describe.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { THOROUGH } from "../samples.ts";
import { property } from "./property.ts";

const SEED = 20_262;
const RUNS = THOROUGH ? 1500 : 600;
const defects = fileURLToPath(new URL("../fixtures/defects/", import.meta.url));

/** Objects and the small targets that were made for them. */
const PAIRS = readdirSync(defects, { withFileTypes: true })
  // Its target is split BTF.
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("08"))
  .map(({ name }) => ({
    object: readFileSync(`${defects}${name}/local.o`),
    target: readFileSync(`${defects}${name}/target.btf`),
  }));

/** Where to change a file (cut to its length), and to what; not drawn to the ends, where the headers are. */
const changes = fc.array(fc.tuple(fc.noBias(fc.nat(0xffffff)), fc.nat(255)), { maxLength: 3 });

function changed(bytes: Uint8Array, at: readonly (readonly [number, number])[]): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (const [position, value] of at) copy[position % copy.length] = value;
  return copy;
}

describe("a description", () => {
  let described = 0;
  let refused = 0;
  property(
    "of anything that parses has words for what went wrong, and for nothing else",
    [fc.constantFrom(...PAIRS), changes, changes],
    { seed: SEED, numRuns: RUNS },
    ({ object: bytes, target: targetBytes }, inObject, inTarget) => {
      try {
        const object = parseBpfObject(changed(bytes, inObject));
        const target = parseBtf(changed(targetBytes, inTarget));
        const index = indexCandidates(target);
        const alone = describeRelocations(object);
        const against = describeRecords(resolveObject(object, index), target);
        expect(against.map(({ result: _, ...rest }) => rest)).toEqual(alone.map(({ result: _, ...rest }) => rest));
        for (const { result } of against) if (result !== null) expectConsistent(result);
        described += against.length;
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused++;
      }
    },
  );

  it("was tried both ways", () => {
    expect(described).toBeGreaterThan(RUNS / 2);
    expect(refused).toBeGreaterThan(RUNS / 10);
  });
});

function expectConsistent(result: ReloResult): void {
  const { status, reason, value, chosen, candidates } = result;
  if (status === "resolved") expect(reason).toBeNull();
  else expect(reason).toMatch(/\S/);
  expect(value === null).toBe(status !== "resolved" && status !== "absent");
  if (status === "absent") expect(value).toBe(0n);
  for (const candidate of candidates) {
    expect(candidate.failure === null).toBe(candidate.outcome === "match");
    expect(candidate.path).not.toBe("");
  }
  if (chosen === null) return;
  expect(candidates[chosen]?.outcome).toBe("match");
  if (status === "resolved") expect(candidates[chosen]?.value).toBe(value);
}
