// @ts-check
// `npm run bench:batch`: whole corpora, both cores. Three questions, each answered by a ratio within one run:
// (a) raw BTF: kernels a second against `xargs -P` over bpftool;
// (b) BTFHub archives: how much of what `xz -dc` alone does is left when everything else is done as well;
// (c) whether processor time a kernel and peak memory stay the same from 40 kernels to 4,000, raw and in archives.
// Writes bench/BATCH.md. `--quick` does little of each and writes nothing; `--only-growth` does (c) anew and leaves the rest.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { readKernels, readObjects, root } from "./inputs.mjs";
import { exists, median } from "./measure.mjs";

const QUICK = process.argv.includes("--quick");
const ONLY_GROWTH = process.argv.includes("--only-growth");
const ROUNDS = QUICK ? 1 : 5;
/** Runs of each small corpus before the large one, and after it. */
const GROWTH_ROUNDS = QUICK ? 1 : 3;
/** Of each sample kernel: enough that starting the workers is a small part of it, as it is of a corpus. */
const COPIES = QUICK ? 2 : 60;
const SIZES = QUICK ? [8, 40] : [40, 400, 4000];
/** Where (c) begins in the results. */
const GROWTH = "## (c) From 40 kernels to 4,000, no cache";
const CORES = String(availableParallelism());
const COMMAND = join(root, "dist/btfgen.cjs");
const SAMPLES = join(root, "corpus/samples/debian");
const RESULTS = join(root, "bench/BATCH.md");
const SUFFIX = ".btf.tar.xz";

/** @typedef {{ seconds: number, cpu: number, summary: any }} Run */
/** @typedef {{ path: string, arch: string }} Sample */

const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-"));
try {
  const { objects, source } = readObjects(join(directory, "objects"));
  const paths = objects.map(({ path }) => path);
  const kernels = (await readKernels(join(directory, "kernels")))
    .filter(({ name }) => !name.includes("s390x"))
    .map(({ name, path }) => ({ path, arch: basename(dirname(name)) }));
  const archives = copyArchives();
  const races = () => [
    "# A whole corpus",
    "",
    `\`npm run bench:batch\` on ${cpus()[0]?.model ?? "?"}, ${CORES} cores, Node ${process.version}; ${paths.length} objects of`,
    `${source}; medians of ${ROUNDS} rounds, each of our runs between two of the other's.`,
    "",
    ...raceRaw(kernels, paths),
    ...raceArchives(archives, paths),
    "",
  ];
  const before = ONLY_GROWTH ? readFileSync(RESULTS, "utf8").split(GROWTH, 1)[0] : races().join("\n");
  const growth = [
    GROWTH,
    "",
    "To start (Node, the workers, the objects in each of them, code that is still cold) takes a second of processor time for any",
    "corpus, which is what a kernel of a small one has more; so what a further kernel takes has to stay the same. The largest is",
    `run once, the others ${GROWTH_ROUNDS} times before it and ${GROWTH_ROUNDS} after, for the machine changes its pace; medians.`,
    "",
    ...grow("raw BTF", kernels, paths),
    "",
    ...grow("BTFHub archives", archives, paths),
  ];
  const text = `${before}${growth.join("\n")}\n`;
  process.stdout.write(text);
  if (!QUICK) writeFileSync(RESULTS, text);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/**
 * (a)
 * @param {readonly Sample[]} kernels
 * @param {readonly string[]} objects
 */
function raceRaw(kernels, objects) {
  if (!exists("bpftool")) return ["bpftool is not installed: (a) is left out.", ""];
  const corpus = join(directory, "raw");
  const files = repeat(kernels, corpus, COPIES * kernels.length);
  const list = join(directory, "raw.txt");
  writeFileSync(list, files.join("\n"));
  const out = join(directory, "bpftool-out");
  mkdirSync(out);
  const bpftool = `xargs -P ${CORES} -I{} sh -c 'exec bpftool gen min_core_btf "$0" "${out}/$$.btf" "$@"' {} ${objects.join(" ")} < ${list}`;
  const { ours, theirs, ratio } = raceRuns(
    () => batch(corpus, objects),
    () => shell(bpftool),
  );
  return [
    "## (a) Raw BTF",
    "",
    "| | kernels/s |",
    "|---|---|",
    `| btfgen batch, proofs included | ${rate(files.length, ours)} |`,
    `| xargs -P ${CORES} bpftool gen min_core_btf | ${rate(files.length, theirs)} |`,
    `| ratio (aim: 5) | ${ratio.toFixed(1)} |`,
    "",
  ];
}

/**
 * (b)
 * @param {readonly Sample[]} archives
 * @param {readonly string[]} objects
 */
function raceArchives(archives, objects) {
  const corpus = join(directory, "archives");
  const files = repeat(archives, corpus, COPIES * archives.length);
  const list = join(directory, "archives.txt");
  writeFileSync(list, files.join("\n"));
  const { ours, theirs, ratio } = raceRuns(
    () => batch(corpus, objects),
    () => shell(`xargs -P ${CORES} -n 1 xz -dc > /dev/null < ${list}`),
  );
  return [
    "## (b) BTFHub archives (.btf.tar.xz)",
    "",
    "| | files/s |",
    "|---|---|",
    `| btfgen batch, proofs included | ${rate(files.length, ours)} |`,
    `| xargs -P ${CORES} xz -dc, to nowhere | ${rate(files.length, theirs)} |`,
    `| share of xz alone (aim: 0.85) | ${ratio.toFixed(2)} |`,
    "",
  ];
}

/**
 * (c)
 * @param {string} what
 * @param {readonly Sample[]} samples
 * @param {readonly string[]} objects
 */
function grow(what, samples, objects) {
  const all = SIZES.map((size) => ({ size, corpus: join(directory, `grow-${size}`) }));
  for (const { size, corpus } of all) repeat(samples, corpus, size);
  const small = all.slice(0, -1);
  const turns = Array.from({ length: GROWTH_ROUNDS }, () => small).flat();
  /** @type {Map<number, Run[]>} */
  const runs = new Map(SIZES.map((size) => [size, []]));
  for (const { size, corpus } of [...turns, ...all.slice(-1), ...turns]) {
    // A store, for a tree in a tar is a file a kernel and has to be in memory once.
    runs.get(size)?.push(batch(corpus, objects, ["--layout", "store"]));
  }
  for (const { corpus } of all) rmSync(corpus, { recursive: true, force: true });
  const sizes = SIZES.map((size) => medianRun(size, runs.get(size) ?? []));
  // The first kernels of each worker pay for code that is still cold.
  const further = sizes.map(({ size, cpu }, i) => {
    const before = sizes[i - 1] ?? { size: 0, cpu: 0 };
    return (1000 * (cpu - before.cpu)) / (size - before.size);
  });
  const [least, most] = [sizes[0]?.memory ?? 0, sizes.at(-1)?.memory ?? 0];
  const rows = sizes.map(({ size, cpu, seconds, memory }, i) => {
    const each = ((1000 * cpu) / size).toFixed(1);
    return `| ${size} | ${seconds.toFixed(1)} | ${each} | ${further[i]?.toFixed(1)} | ${memory} |`;
  });
  return [
    `| ${what} | seconds | processor time a kernel, ms | a further one, ms | peak memory, MiB |`,
    "|---|---|---|---|---|",
    ...rows,
    "",
    `Growth (aim: 0.85 to 1.15): of a further one's time, the last to the one before ${((further.at(-1) ?? 0) / (further.at(-2) ?? 0)).toFixed(2)};`,
    `of memory, the last to the first ${(most / least).toFixed(2)}.`,
  ];
}

/**
 * @param {number} size
 * @param {readonly Run[]} runs
 */
function medianRun(size, runs) {
  return {
    size,
    cpu: median(runs.map(({ cpu }) => cpu)),
    seconds: median(runs.map(({ seconds }) => seconds)),
    memory: median(runs.map(({ summary }) => summary.peakMemory)),
  };
}

/** The sample kernels' archives, copied so that they can be linked to. */
function copyArchives() {
  const home = join(directory, "samples");
  mkdirSync(home);
  return readdirSync(SAMPLES, { recursive: true, withFileTypes: true })
    .filter(({ name, parentPath }) => name.endsWith(SUFFIX) && !parentPath.includes("s390x"))
    .map(({ name, parentPath }) => {
      const arch = basename(parentPath);
      const path = join(home, `${arch}-${name}`);
      copyFileSync(join(parentPath, name), path);
      return { path, arch };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * The samples again and again under new names, in BTFHub's tree.
 * @param {readonly Sample[]} samples
 * @param {string} corpus
 * @param {number} count
 */
function repeat(samples, corpus, count) {
  return Array.from({ length: count }, (_, i) => {
    const { path = "", arch = "" } = samples[i % samples.length] ?? {};
    const link = place(corpus, i, arch, path.endsWith(SUFFIX) ? SUFFIX : ".btf");
    linkSync(path, link);
    return link;
  });
}

/**
 * @param {string} corpus
 * @param {number} number
 * @param {string} arch
 * @param {string} suffix
 */
function place(corpus, number, arch, suffix) {
  const path = join(corpus, "debian", "12", arch, `6.1.0-${String(number).padStart(5, "0")}${suffix}`);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/**
 * Each of our runs between two of theirs: a machine that becomes slower or faster meanwhile does so for both. The ratio
 * is the median of the rounds' own.
 * @param {() => Run} ours
 * @param {() => number} theirs
 */
function raceRuns(ours, theirs) {
  /** @type {number[]} */
  const own = [];
  const other = [theirs()];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(ours().seconds);
    other.push(theirs());
  }
  const ratios = own.map((seconds, i) => ((other[i] ?? 0) + (other[i + 1] ?? 0)) / 2 / seconds);
  return { ours: median(own), theirs: median(other), ratio: median(ratios) };
}

/**
 * @param {string} corpus
 * @param {readonly string[]} objects
 * @param {readonly string[]} more
 * @returns {Run}
 */
function batch(corpus, objects, more = []) {
  const out = join(directory, `${basename(corpus)}.tar`);
  const args = objects.flatMap((path) => ["--object", path]);
  const begin = performance.now();
  const { stdout, stderr, status } = spawnSync(
    "bash",
    ["-c", 'TIMEFORMAT="cpu %U %S"; time "$@"', "-", process.execPath, COMMAND, "batch", corpus, ...args].concat([
      "-o",
      out,
      "--no-cache",
      "--json",
      "--jobs",
      CORES,
      ...more,
    ]),
    { encoding: "utf8", env: { ...process.env, NODE_EXTRA_CA_CERTS: "" }, maxBuffer: 1 << 30 },
  );
  const seconds = (performance.now() - begin) / 1000;
  // 1: some objects are refused by some kernels, which is no matter here.
  if (status !== 0 && status !== 1) throw new Error(stderr);
  const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  if (summary.kernels.failed > 0 || statSync(out).size === 0) throw new Error(JSON.stringify(summary.failed[0]));
  const [, user = "0", system = "0"] = /cpu ([\d.]+) ([\d.]+)/.exec(stderr) ?? [];
  return { seconds, cpu: Number(user) + Number(system), summary };
}

/** @param {string} line */
function shell(line) {
  const begin = performance.now();
  const { status, stderr } = spawnSync("sh", ["-c", line], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (status !== 0) throw new Error(`${line.slice(0, 80)}: ${stderr.slice(0, 300)}`);
  return (performance.now() - begin) / 1000;
}

/**
 * @param {number} count
 * @param {number} seconds
 */
function rate(count, seconds) {
  return (count / seconds).toFixed(1);
}
