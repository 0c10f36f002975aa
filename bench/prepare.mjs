// @ts-check
// Objects relocated ahead of time and planned, beside `bpftool gen min_core_btf`: the nearest that bpftool has, which reads
// the same kernel for the same objects. `npm run bench` has these rows; `node bench/prepare.mjs` measures them alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasRelocations, KERNEL, readKernels, readObjects, root } from "./inputs.mjs";
import { exists, race, run } from "./measure.mjs";

const COMMAND = join(root, "dist/btfgen.cjs");

/** @typedef {{ what: string, now: string }} Row */

/**
 * @param {import("./inputs.mjs").Input} kernel
 * @param {readonly import("./inputs.mjs").Input[]} objects
 * @param {string} directory for files
 * @param {number} rounds
 * @returns {Row[]}
 */
export function prepareRows(kernel, objects, directory, rounds) {
  const paths = objects.map(({ path }) => path);
  const small = objects.filter(hasRelocations).sort((a, b) => a.bytes.length - b.bytes.length)[0];
  if (small === undefined) throw new Error("no object to measure with");
  const hasBpftool = exists("bpftool");
  const out = join(directory, "relocated");
  /** @param {...string} args */
  const btfgen =
    (...args) =>
    () =>
      run(process.execPath, [COMMAND, ...args]);
  /** @param {readonly string[]} files */
  const bpftool = (files) => () => {
    if (hasBpftool) run("bpftool", ["gen", "min_core_btf", kernel.path, join(directory, "prepare.btf"), ...files]);
  };
  const times = race(rounds, {
    all: btfgen("relocate", ...paths, "-t", kernel.path, "-o", out),
    allBpftool: bpftool(paths),
    one: btfgen("relocate", small.path, "-t", kernel.path, "-o", `${out}.o`),
    oneBpftool: bpftool([small.path]),
    plan: btfgen("prepare", ...paths, "-t", kernel.path, "--json"),
  });
  /** @param {number} value @param {number} by */
  const over = (value, by) => (hasBpftool ? (value / by).toFixed(2) : "bpftool is not installed");
  return [
    { what: "relocate / bpftool gen min_core_btf, processes, all objects", now: over(times.all, times.allBpftool) },
    { what: `the same, one small object (${small.name})`, now: over(times.one, times.oneBpftool) },
    { what: "prepare --json / relocate, processes, all objects", now: (times.plan / times.all).toFixed(2) },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-"));
  try {
    const kernels = await readKernels(join(directory, "kernels"));
    const kernel = kernels.find(({ name }) => name === KERNEL);
    if (kernel === undefined) throw new Error("no kernel to measure with");
    const { objects } = readObjects(join(directory, "objects"));
    for (const { what, now } of prepareRows(kernel, objects, directory, 9)) process.stdout.write(`${now}  ${what}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
