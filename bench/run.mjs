// @ts-check
// `npm run bench`: how fast and how small, as ratios against bpftool and Node in one run; writes bench/RESULTS.md with
// the figures of the run before beside them. `--quick` runs a few rounds and writes nothing: to see that it works.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseBtf } from "../dist/lib/btf/parse.js";
import { diffTypes } from "../dist/lib/diff/diff.js";
import { raceInProcess, WARM_UP } from "./in-process.mjs";
import { hasRelocations, KERNEL, readFixtures, readKernels, readObjects, root } from "./inputs.mjs";
import { kernelLoadTime } from "./kernel-load.mjs";
import { loaderRows } from "./loader.mjs";
import { exists, race, run } from "./measure.mjs";
import { prepareRows } from "./prepare.mjs";
import { sizesOf, withEnumerators } from "./sizes.mjs";
import { verifyRows } from "./verify.mjs";

const QUICK = process.argv.includes("--quick");
const ROUNDS = QUICK ? 3 : 21;
const RESULTS = join(root, "bench/RESULTS.md");
/** What an update from KERNEL could be. */
const LATER_KERNEL = "debian/12/x86_64/6.12.117+deb12-amd64";
const COMMAND = join(root, "dist/btfgen.cjs");
const NO_BPFTOOL = "bpftool is not installed";

/** @typedef {{ what: string, now: string, aim?: string }} Row */

const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-"));
try {
  const { source, tables } = await measure();
  const text = report(source, tables);
  process.stdout.write(text);
  if (!QUICK) writeFileSync(RESULTS, text);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function measure() {
  const kernels = await readKernels(join(directory, "kernels"));
  const { objects, source } = readObjects(join(directory, "objects"));
  const kernel = kernels.find(({ name }) => name === KERNEL);
  const small = objects.filter(hasRelocations).sort((a, b) => a.bytes.length - b.bytes.length)[0];
  if (kernel === undefined || small === undefined) throw new Error("no kernel or no object to measure with");
  const hasBpftool = exists("bpftool");
  const out = join(directory, "out.btf");
  const paths = objects.map(({ path }) => path);
  /** @param {readonly string[]} files */
  const bpftool = (files) => () => {
    if (hasBpftool) run("bpftool", ["gen", "min_core_btf", kernel.path, out, ...files]);
  };
  /** @param {...string} args */
  const btfgen =
    (...args) =>
    () =>
      run(process.execPath, [COMMAND, ...args]);

  const inside = raceInProcess(kernel, objects, ROUNDS, bpftool(paths));
  const load = await kernelLoadTime(kernel.bytes, Math.min(ROUNDS, 7));
  const outside = race(ROUNDS, {
    all: btfgen("min_core_btf", kernel.path, out, ...paths),
    allBpftool: bpftool(paths),
    one: btfgen("min_core_btf", kernel.path, out, small.path),
    oneBpftool: bpftool([small.path]),
    version: btfgen("--version"),
    node: () => run(process.execPath, ["-e", "0"]),
  });
  const dumps = race(Math.min(ROUNDS, 7), {
    ours: btfgen("dump", kernel.path),
    bpftool: () => hasBpftool && run("bpftool", ["btf", "dump", "file", kernel.path]),
    c: btfgen("dump", kernel.path, "--format", "c"),
    bpftoolC: () => hasBpftool && run("bpftool", ["btf", "dump", "file", kernel.path, "format", "c"]),
  });

  const later = kernels.find(({ name }) => name === LATER_KERNEL) ?? kernel;
  const [oldC, newC] = ["old.h", "new.h"].map((name) => join(directory, name));
  const twoDumps = `bpftool btf dump file "$1" format c > "$3"; bpftool btf dump file "$2" format c > "$4"; diff "$3" "$4"; :`;
  const compare = () => diffTypes(parseBtf(kernel.bytes), parseBtf(later.bytes));
  for (let i = 0; i < WARM_UP; i++) compare();
  const diffs = race(Math.min(ROUNDS, 7), {
    compare,
    ours: btfgen("diff", kernel.path, later.path),
    bpftoolDiff: () => hasBpftool && run("sh", ["-c", twoDumps, "sh", kernel.path, later.path, oldC ?? "", newC ?? ""]),
  });

  /** @param {number} value @param {number} by */
  const over = (value, by) => (hasBpftool ? ratio(value, by) : NO_BPFTOOL);
  /** @type {Row[]} */
  const speed = [
    { what: "bpftool's process / job in process, warm", now: over(inside.bpftool, inside.job), aim: "at least 10" },
    {
      what: "the same, with parsing of the objects",
      now: over(inside.bpftool, inside["job with parsing of objects"]),
    },
    {
      what: "btfgen / bpftool, processes, all objects",
      now: over(outside.all, outside.allBpftool),
      aim: "at most 1.0",
    },
    {
      what: `btfgen / bpftool, processes, one small object (${small.name})`,
      now: over(outside.one, outside.oneBpftool),
      aim: "at most 3.5",
    },
    { what: "btfgen --version / node -e 0", now: ratio(outside.version, outside.node), aim: "at most 2" },
    {
      what: "two bpftool dumps and a diff, 6.1 and 6.12 / parsing and comparing both in process, warm",
      now: over(diffs.bpftoolDiff, diffs.compare),
      aim: "at least 10",
    },
    {
      what: "the same / btfgen diff, processes",
      now: over(diffs.bpftoolDiff, diffs.ours),
      aim: "at least 10",
    },
    { what: "btfgen dump / bpftool btf dump, processes", now: over(dumps.ours, dumps.bpftool) },
    { what: "the same with format c", now: over(dumps.c, dumps.bpftoolC) },
    {
      what: "lint / the kernel's BPF_BTF_LOAD",
      now: load === null ? "the kernel cannot be asked here" : ratio(inside.lint, load),
    },
  ];
  const asking = await verifyRows(objects, directory, 3);
  const loaders = loaderRows(objects, directory, Math.min(ROUNDS, 7));
  const stages = ["parse", "index", "resolve", "minimize and write", "prove", "parse objects", "dump raw", "lint"];
  /** @type {Row[]} */
  const shares = stages.map((what) => ({ what, now: ratio(inside[/** @type {"parse"} */ (what)], inside.job) }));
  /** @type {Row[]} */
  const sizes = kernels.flatMap((each) => {
    const all = sizesOf(each, objects, directory, hasBpftool);
    return [
      { what: each.name, now: sizeText(all.ours, all.bpftool), aim: "at most 0.80" },
      { what: `${each.name}, first candidates only`, now: sizeText(all.firstOnly, all.bpftool) },
    ];
  });
  const enums = withEnumerators([...objects, ...readFixtures()]);
  const enumSizes = enums.map((object) => {
    const { ours, bpftool: theirs } = sizesOf(kernel, [object], directory, hasBpftool);
    return { what: `objects of enum values: ${object.name}`, now: sizeText(ours, theirs), aim: "at most 0.5" };
  });
  const milliseconds = Object.entries({ ...inside, ...prefixed(outside) })
    .filter(([name]) => hasBpftool || !/bpftool/i.test(name))
    .map(([what, value]) => ({ what: `ms: ${what}`, now: value.toFixed(2) }));
  const tables = {
    Speed: speed,
    "Asking libbpf and kernels": asking,
    "Prepared ahead of time": prepareRows(kernel, objects, directory, Math.min(ROUNDS, 9)),
    "Loader programs": loaders,
    "Stages, as shares of the job": shares,
    "Bytes, ours / bpftool's": [...sizes, ...enumSizes],
    "Milliseconds of this run, for orientation": milliseconds,
  };
  return { source: `${objects.length} objects of ${source}`, tables };
}

/** @param {Record<string, number>} times */
function prefixed(times) {
  return Object.fromEntries(Object.entries(times).map(([name, value]) => [`process ${name}`, value]));
}

/** @param {number} value @param {number} by */
function ratio(value, by) {
  return (value / by).toFixed(2);
}

/** @param {number} ours @param {number | null} theirs */
function sizeText(ours, theirs) {
  return theirs === null ? `${ours} / none` : `${ratio(ours, theirs)} (${ours} / ${theirs})`;
}

/**
 * @param {string} source
 * @param {Record<string, readonly Row[]>} tables
 */
function report(source, tables) {
  const before = previous();
  const model = cpus()[0]?.model ?? "an unknown processor";
  let text = `# Benchmarks

Made by \`npm run bench\`, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${model}.
Kernel \`${KERNEL}\` (${statSync(join(directory, "kernels", `${KERNEL.replaceAll("/", "-")}.btf`)).size} bytes), ${source}.
Medians of ${ROUNDS} rounds, in each of which every contender ran once. Only ratios compare between machines.
`;
  for (const [title, rows] of Object.entries(tables)) {
    text += `\n## ${title}\n\n| what | now | before | aim |\n|---|---:|---:|---|\n`;
    for (const { what, now, aim = "" } of rows) text += `| ${what} | ${now} | ${before.get(what) ?? ""} | ${aim} |\n`;
  }
  return text;
}

/** The figures in the file of the run before. */
function previous() {
  if (!existsSync(RESULTS)) return new Map();
  const rows = readFileSync(RESULTS, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return new Map(rows.map(([, what = "", now = ""]) => [what, now]));
}
