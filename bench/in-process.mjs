// @ts-check
// The library, warm, in this process: the whole job and its stages, beside bpftool's process for the same.
import { dumpRaw } from "../dist/lib/btf/dump-raw.js";
import { lintBtf } from "../dist/lib/btf/lint.js";
import { parseBtf } from "../dist/lib/btf/parse.js";
import { indexCandidates } from "../dist/lib/core/candidates.js";
import { parseBpfObject } from "../dist/lib/core/object.js";
import { DEFAULT_RULE_SETS, resolveSets } from "../dist/lib/core/resolve-sets.js";
import { runJob } from "../dist/lib/job/job.js";
import { minimize } from "../dist/lib/minimize/minimize.js";
import { prove } from "../dist/lib/verify/prove.js";
import { race } from "./measure.mjs";

/** Rounds after which V8 has compiled what there is to compile. */
export const WARM_UP = 10;

/**
 * Median milliseconds of the job and of its stages.
 * @param {import("./inputs.mjs").Input} kernel
 * @param {readonly import("./inputs.mjs").Input[]} inputs
 * @param {number} rounds
 * @param {() => unknown} bpftool
 */
export function raceInProcess(kernel, inputs, rounds, bpftool) {
  const parseObjects = () => inputs.map(({ bytes, name }) => parseBpfObject(bytes, name));
  const objects = parseObjects();
  const base = { bytes: kernel.bytes, source: kernel.name };
  const target = parseBtf(kernel.bytes);
  const index = indexCandidates(target);
  const resolve = () => resolveSets(objects, index, DEFAULT_RULE_SETS, true);
  const sets = resolve();
  const records = sets.flatMap((set) => [...set.records]);
  const { blobs } = minimize(target, records);
  const stages = {
    job: () => runJob({ base }, objects),
    "job with parsing of objects": () => runJob({ base }, parseObjects()),
    parse: () => parseBtf(kernel.bytes),
    index: () => indexCandidates(target),
    resolve,
    "minimize and write": () => minimize(target, records),
    prove: () => prove(objects, { target, sets }, blobs),
    "parse objects": parseObjects,
    lint: () => lintBtf(kernel.bytes),
    "dump raw": () => dumpRaw(target, () => {}),
    bpftool,
  };
  race(Math.min(rounds, WARM_UP), { ...stages, bpftool: () => {} });
  return race(rounds, stages);
}
