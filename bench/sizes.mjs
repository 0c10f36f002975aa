// @ts-check
// Bytes of the results, ours beside bpftool's.
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseBtf } from "../dist/lib/btf/parse.js";
import { indexCandidates } from "../dist/lib/core/candidates.js";
import { MATCH } from "../dist/lib/core/match-state.js";
import { parseBpfObject } from "../dist/lib/core/object.js";
import { reloClass } from "../dist/lib/core/relo-kind.js";
import { DEFAULT_RULE_SETS, resolveSets } from "../dist/lib/core/resolve-sets.js";
import { minimize } from "../dist/lib/minimize/minimize.js";
import { run } from "./measure.mjs";

/**
 * @typedef {{ ours: number, firstOnly: number, bpftool: number | null }} Sizes
 * `firstOnly`: without what second candidates take, which bpftool leaves out, so that relocations of theirs fail.
 */

/**
 * @param {import("./inputs.mjs").Input} kernel
 * @param {readonly import("./inputs.mjs").Input[]} inputs
 * @param {string} directory
 * @param {boolean} hasBpftool
 * @returns {Sizes}
 */
export function sizesOf(kernel, inputs, directory, hasBpftool) {
  const target = parseBtf(kernel.bytes);
  const objects = inputs.map(({ bytes, name }) => parseBpfObject(bytes, name));
  const sets = resolveSets(objects, indexCandidates(target), DEFAULT_RULE_SETS, true);
  const records = sets.flatMap((set) => [...set.records]);
  const first = records.map((record) => ({
    ...record,
    candidates: record.candidates.filter((candidate) => candidate.outcome === MATCH).slice(0, 1),
  }));
  return {
    ours: minimize(target, records).blobs[0].bytes.length,
    firstOnly: minimize(target, first).blobs[0].bytes.length,
    bpftool: hasBpftool ? bpftoolSize(kernel, inputs, directory) : null,
  };
}

/**
 * Null where bpftool fails (it crashes on some input).
 * @param {import("./inputs.mjs").Input} kernel
 * @param {readonly import("./inputs.mjs").Input[]} inputs
 * @param {string} directory
 */
function bpftoolSize(kernel, inputs, directory) {
  mkdirSync(directory, { recursive: true });
  const out = join(directory, "size.btf");
  try {
    run("bpftool", ["gen", "min_core_btf", kernel.path, out, ...inputs.map(({ path }) => path)]);
    return statSync(out).size;
  } catch {
    return null;
  }
}

/**
 * Objects with relocations of enumerators.
 * @param {readonly import("./inputs.mjs").Input[]} inputs
 */
export function withEnumerators(inputs) {
  return inputs.filter(({ bytes, name }) =>
    parseBpfObject(bytes, name).relocations.some(({ kind }) => reloClass(kind) === "enumval"),
  );
}
