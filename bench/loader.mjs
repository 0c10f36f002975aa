// @ts-check
// Loader programs beside those of `bpftool gen skeleton -L`: what it costs to write one, and what has to be embedded. `npm run
// bench` has these rows; `node bench/loader.mjs` measures them alone and writes nothing.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildLoader, emitC } from "../dist/api/loader.js";
import { prepare } from "../dist/api/prepare.js";
import { parseBpfObject } from "../dist/lib/core/object.js";
import { readObjects, root } from "./inputs.mjs";
import { exists, race, run } from "./measure.mjs";

const COMMAND = join(root, "dist/btfgen.cjs");

/** @typedef {{ what: string, now: string, aim?: string }} Row */
/** @typedef {{ path: string, name: string, bytes: Uint8Array }} Input */

/**
 * The rows, each with why it is not measured where that is so.
 * @param {readonly Input[]} objects
 * @param {string} directory for files
 * @param {number} rounds
 * @returns {Row[]}
 */
export function loaderRows(objects, directory, rounds) {
  const sorted = [...objects].sort((a, b) => a.bytes.length - b.bytes.length);
  const [small, large] = [sorted[0], sorted.at(-1)];
  if (small === undefined || large === undefined) return [];
  const what = "btfgen loader --emit c / bpftool gen skeleton -L, processes";
  if (!exists("bpftool")) return [{ what, now: "bpftool is not installed" }];
  const out = join(directory, "loader.h");
  /** @param {Input} object */
  const ours = ({ path }) => run(process.execPath, [COMMAND, "loader", path, "--emit", "c", "-o", out]);
  /** @param {Input} object */
  const theirs = ({ path }) => run("bpftool", ["gen", "skeleton", "-L", path, "name", "object"]);
  const times = race(rounds, {
    small: () => ours(small),
    smallBpftool: () => theirs(small),
    large: () => ours(large),
    largeBpftool: () => theirs(large),
    inside: () => objects.forEach(inProcess),
    outside: () => objects.forEach(theirs),
  });
  const sizes = objects.map((object) => embeddedBytes(object, directory));
  /** @param {"ours" | "theirs"} who */
  const sum = (who) => sizes.reduce((total, size) => total + size[who], 0);
  return [
    { what: `${what}, the smallest object (${small.name})`, now: ratio(times.small, times.smallBpftool) },
    { what: `${what}, the largest (${large.name})`, now: ratio(times.large, times.largeBpftool) },
    { what: "bpftool gen skeleton -L, processes / in process, all objects", now: ratio(times.outside, times.inside) },
    {
      what: "bytes embedded (instructions and data), all objects, ours / bpftool's",
      now: `${ratio(sum("ours"), sum("theirs"))} (${sum("ours")} / ${sum("theirs")})`,
      aim: "at most 1.0",
    },
  ];
}

/** @param {Input} object */
function inProcess({ bytes, name }) {
  const object = parseBpfObject(bytes, name);
  const loader = buildLoader(object, prepare(object, null));
  if ("refusals" in loader) throw new Error(loader.refusals.join("; "));
  emitC(loader);
}

/**
 * @param {Input} object
 * @param {string} directory
 */
function embeddedBytes({ path }, directory) {
  const out = join(directory, "loader.json");
  run(process.execPath, [COMMAND, "loader", path, "-o", out]);
  const { instructions, data } = JSON.parse(readFileSync(out, "utf8"));
  const ours = Buffer.from(instructions, "base64").length + Buffer.from(data, "base64").length;
  const header = spawnSync("bpftool", ["gen", "skeleton", "-L", path, "name", "object"], { encoding: "latin1" }).stdout;
  const theirs = ["data", "insns"].map((field) => literalBytes(header, field)).reduce((a, b) => a + b, 0);
  return { ours, theirs };
}

/**
 * Bytes of a string literal in bpftool's header, which says so itself until 7.2.
 * @param {string} header
 * @param {string} field
 */
function literalBytes(header, field) {
  const said = new RegExp(`opts\\.${field}_sz = (\\d+);`).exec(header)?.[1];
  if (said !== undefined) return Number(said);
  const start = header.search(new RegExp(`opts_${field}\\[\\]`));
  const text = header.slice(start, header.indexOf('";', start));
  return [...text.matchAll(/\\(x[0-9a-f]{2}|0)/g)].length;
}

/** @param {number} value @param {number} by */
function ratio(value, by) {
  return (value / by).toFixed(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-loader-"));
  try {
    const { objects } = readObjects(join(directory, "objects"));
    for (const { what, now } of loaderRows(objects, directory, 7)) process.stdout.write(`${what}: ${now}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
