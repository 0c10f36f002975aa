/**
 * Every word and every byte of a real small BTF, changed: the proof must fail wherever any candidate of any relocation
 * answers otherwise. What it lets pass is judged once more here, and (a sample) by libbpf in test/oracle.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { runJob } from "../../lib/job/job.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";
import { differingRecords, type Mutant, type Proved, proveMutants, stringMutants, wordMutants } from "./mutants.ts";

const OBJECTS = join(import.meta.dirname, "../fixtures/objects");
const NAMES = ["anonymous.o", "zero_length.o", "types.o"];
const TIMEOUT_MS = 120_000;

describe("a real small BTF with one change", () => {
  let full: Parameters<typeof proveMutants>[1];
  let objects: BpfObject[];
  let small: Uint8Array;
  beforeAll(async () => {
    objects = NAMES.map((name) => parseBpfObject(readFileSync(join(OBJECTS, name)), name));
    const base = { bytes: kernelSample(KERNEL_6_1).bytes, source: KERNEL_6_1 };
    const result = runJob({ base }, objects);
    expect(result.proof.holds).toBe(true);
    full = { target: result.target, sets: result.sets };
    small = result.blobs[0].bytes;
  });

  function judge(mutants: readonly Mutant[]): Proved {
    const proved = proveMutants(objects, full, mutants);
    for (const { mutant } of proved.passed) {
      const said = differingRecords(objects, small, mutant.bytes);
      expect(said, mutant.what).toEqual([]);
    }
    return proved;
  }

  it(
    "is told from the right one at every word of its types",
    () => {
      const mutants = wordMutants(small);
      const { passed, caught, refused } = judge(mutants);
      expect(mutants.length).toBeGreaterThan(500);
      expect(passed.length + caught + refused).toBe(mutants.length);
      // What passes in form as well says nothing to these objects: sizes of structs that nobody asks for, names that must
      // only differ from another, members that stand behind an array so that it is not the last.
      const equivalent = passed.filter(({ malformed }) => !malformed);
      expect(equivalent.length).toBeLessThan(mutants.length / 8);
    },
    TIMEOUT_MS,
  );

  it(
    "is told from the right one at every byte of its strings",
    () => {
      const mutants = stringMutants(small);
      const { passed, caught, refused } = judge(mutants);
      expect(mutants.length).toBeGreaterThan(200);
      expect(passed.length + caught + refused).toBe(mutants.length);
      // Names that must only differ from another, and those of members that only must be there.
      expect(passed.length).toBeLessThan(mutants.length / 8);
    },
    TIMEOUT_MS,
  );
});
