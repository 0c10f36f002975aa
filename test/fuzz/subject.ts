/** What a case does with broken input, and what must hold whatever the input is. */
import { expect } from "vitest";
import { dumpJson } from "../../lib/btf/dump-json.ts";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { hasErrors, lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { orderByName } from "../../lib/btf/sort.ts";
import { dumpC } from "../../lib/c/header.ts";
import { applyRecords } from "../../lib/core/apply.ts";
import { assessObject } from "../../lib/core/assess.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { describeRecords, describeRelocations } from "../../lib/core/describe.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { type JobOptions, type JobResult, runJob } from "../../lib/job/job.ts";
import { formatMalformed } from "../../lib/verify/prove.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { seedOfCase } from "./random.ts";

/** How a case ended; anything else is a bug. */
export type Ending = "done" | "refused";

/** Runs a step; a FormatError is a fair answer. */
export function endingOf(step: () => void): Ending {
  try {
    step();
    return "done";
  } catch (error) {
    if (error instanceof FormatError) return "refused";
    throw error;
  }
}

/** How many times a slow case may be tried again: a collection of garbage may have been somebody else's. */
const TRIES = 3;

/** Runs a case and fails when it takes more of the processor than it may, each time it is tried. */
function inTime(limitMs: number, run: () => Ending): Ending {
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const start = cpuMilliseconds();
    const ending = run();
    fastest = Math.min(fastest, cpuMilliseconds() - start);
    if (fastest <= limitMs) return ending;
  }
  throw new Error(`takes ${Math.round(fastest)} ms, at most ${limitMs} are allowed`);
}

const nowhere = (): void => {};

/** Reads a blob in every way there is. */
export function readAll(bytes: Uint8Array): void {
  lintBtf(bytes);
  const btf = parseBtf(bytes, { source: "broken" });
  dumpRaw(btf, nowhere);
  dumpJson(btf, nowhere);
  // What can be read may still be nothing that C can say.
  endingOf(() => dumpC(btf, nowhere));
  encodeBtf(btf);
  orderByName(btf);
}

/** An object that may be broken; what can be told of it alone is asked for too. */
export function readObject(bytes: Uint8Array): BpfObject {
  const object = parseBpfObject(bytes, "broken.o");
  describeRelocations(object);
  return object;
}

/** The job, and that its result proves itself. */
export function runChecked(kernel: Uint8Array, objects: readonly BpfObject[], options: JobOptions = {}): JobResult {
  const result = runJob({ base: { bytes: kernel, source: "kernel" } }, objects, options);
  checkProof(kernel, result);
  for (const { bytes } of result.blobs) readAll(bytes);
  return result;
}

/**
 * The same, and everything that is done with records: they are judged, told in words and written into instructions.
 */
export function runAll(kernel: Uint8Array, objects: readonly BpfObject[], options: JobOptions = {}): void {
  const { sets, target } = runChecked(kernel, objects, options);
  const index = indexCandidates(target);
  for (const { records, rules } of sets) {
    for (const object of objects) {
      endingOf(() => assessObject(object, index, rules));
      const own = records.filter((record) => record.object === object);
      endingOf(() => describeRecords(own, target, rules));
      endingOf(() => applyRecords(object, own));
    }
  }
}

/**
 * Outcomes must be the same, whatever the kernel was. The result's form can be at fault only where the kernel's is:
 * what it has wrong with a kept type stays wrong.
 */
function checkProof(kernel: Uint8Array, { proof }: JobResult): void {
  const [difference] = proof.differences;
  if (difference !== undefined) {
    const { record, full, small, what, rules } = difference;
    const { index, kind, typeId, accessString } = record.relocation;
    const where = `${record.object.source} relocation ${index} (kind ${kind}, type ${typeId}, "${accessString}")`;
    throw new Error(`${what} under ${rules} differs at ${where}:\n  full  ${full}\n  small ${small}`);
  }
  const [malformed] = proof.malformed;
  if (malformed !== undefined && !hasErrors(lintBtf(kernel))) {
    throw new Error(`malformed from a sound kernel: ${formatMalformed(malformed)}`);
  }
}

/** Memory may grow by so much in a whole test file: caches of code, and what the collector has not taken yet. */
const MOST_GROWTH_BYTES = 600 * 1024 * 1024;

/** Cases of one test; each one says how it was made. */
export type MakeCase = (index: number) => readonly [done: readonly string[], step: () => void];

/**
 * Runs cases, each within its time, and counts how they end. Fails with the number and the changes of a case that does
 * not end well.
 */
export function eachCase(count: number, limitMs: number, makeCase: MakeCase): Readonly<Record<Ending, number>> {
  const tally: Record<Ending, number> = { done: 0, refused: 0 };
  const before = process.memoryUsage().rss;
  for (let index = 0; index < count; index++) {
    const [done, step] = makeCase(index);
    try {
      tally[inTime(limitMs, () => endingOf(step))]++;
    } catch (error) {
      throw new Error(`case ${index}, seed ${seedOfCase(index)} (${done.join(", ")})`, { cause: error });
    }
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH_BYTES);
  return tally;
}
