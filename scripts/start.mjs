// @ts-check
// `npm start`: minimizes every sample kernel for the sample objects with the published command, into ./out/, and shows
// what became of each and its proof. Big-endian kernels get the objects built for them, and the kernel with sample
// modules is minimized together with these as well. Exit code 1 where anything fails.
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Job
 * @property {string} name what the table calls it
 * @property {string[]} args of the command
 * @typedef {object} Result
 * @property {string} name
 * @property {any} report the command's JSON; undefined where it failed
 * @property {string} error what it said then
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const command = join(root, "dist/btfgen.cjs");
const samples = join(root, "corpus/samples");
const out = join(root, "out");
const KERNEL = ".btf.tar.xz";
const MODULES = ".modules.tar.xz";
const BIG_ENDIAN = new Set(["s390x"]);

const manifest = JSON.parse(readFileSync(join(samples, "objects/manifest.json"), "utf8"));
/** @type {{ little: string[], big: string[], modules: string[] }} */
const objects = { little: paths(manifest.objects), big: paths(manifest.bigEndian), modules: paths(manifest.modules) };

const begin = Date.now();
rmSync(out, { recursive: true, force: true });
const files = readdirSync(samples, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
const archives = files.filter((path) => path.endsWith(MODULES));
const jobs = files.filter((path) => path.endsWith(KERNEL)).flatMap(jobsOf);
const results = await runAll(jobs);
show(results);

/**
 * The kernel alone, and with its modules where there are samples of these.
 * @param {string} kernel
 * @returns {Job[]}
 */
function jobsOf(kernel) {
  const release = basename(kernel, KERNEL);
  const directory = relative(samples, dirname(kernel));
  const path = join(out, directory, `${release}.btf`);
  mkdirSync(dirname(path), { recursive: true });
  const fitting = BIG_ENDIAN.has(basename(directory)) ? objects.big : objects.little;
  const alone = { name: `${basename(directory)} ${release}`, args: [kernel, ...fitting, "-o", path] };
  const archive = archives.find((candidate) => basename(candidate, MODULES) === release);
  if (archive === undefined) return [alone];
  const split = join(out, directory, `${release}.modules`);
  const args = ["--base", kernel, archive, "-o", split, ...objects.modules.flatMap((object) => ["--object", object])];
  return [alone, { name: "  with its modules", args }];
}

/**
 * Runs the jobs, as many at once as there are processors.
 * @param {Job[]} list
 */
async function runAll(list) {
  /** @type {Result[]} */
  const done = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < list.length; i = next++) done[i] = await run(/** @type {Job} */ (list[i]));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return done;
}

/**
 * @param {Job} job
 * @returns {Promise<Result>}
 */
function run({ name, args }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [command, "minimize", ...args, "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let json = "";
    let error = "";
    child.stdout.on("data", (chunk) => {
      json += chunk;
    });
    child.stderr.on("data", (chunk) => {
      error += chunk;
    });
    child.on("error", (failure) => resolve({ name, report: undefined, error: `${failure.message}\n` }));
    child.on("close", (code) => resolve({ name, report: code === 0 ? JSON.parse(json) : undefined, error }));
  });
}

/** @param {Result[]} list */
function show(list) {
  const header = [
    "kernel",
    "types",
    "",
    "bytes",
    "",
    "relocations",
    "resolved",
    "absent",
    "guarded",
    "poisoned",
    "proof",
  ];
  const rows = list.map(({ name, report }) => (report === undefined ? [name, "FAILED"] : rowOf(name, report)));
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => (row[i] ?? "").length)));
  process.stdout.write("Every sample kernel's BTF, minimized for the sample objects:\n\n");
  for (const row of [header, ...rows]) {
    const cells = row.map((cell, i) => {
      const width = widths[i] ?? 0;
      return i === 0 || i === row.length - 1 ? cell.padEnd(width) : cell.padStart(width);
    });
    process.stdout.write(`${cells.join("  ").trimEnd()}\n`);
  }
  const failed = list.filter(({ report }) => report === undefined);
  for (const { name, error } of failed) process.stdout.write(`\n${name.trim()} failed:\n${error}`);
  const proved = list.length - failed.length;
  process.stdout.write(
    `\n${proved} of ${list.length} proved: every pair of relocation and candidate type has the same outcome on the ` +
      "full and on the small BTF,\nunder libbpf's and the kernel's rules, and every small BTF is well formed. " +
      `Written to ${relative(process.cwd(), out) || "."}/ in ${((Date.now() - begin) / 1000).toFixed(1)} s.\n`,
  );
  process.exitCode = failed.length === 0 && list.length > 0 ? 0 : 1;
}

/**
 * @param {string} name
 * @param {any} report
 */
function rowOf(name, { types, bytes, relocations, proof }) {
  const { resolved = 0, absent = 0, guarded = 0, poisoned = 0 } = relocations.byStatus;
  const counts = [relocations.total, resolved, absent, guarded, poisoned].map(grouped);
  return [
    name,
    grouped(types.before),
    `-> ${grouped(types.after)}`,
    grouped(bytes.before),
    `-> ${grouped(bytes.after)}`,
    ...counts,
    `${grouped(proof.pairs)} pairs the same`,
  ];
}

/** @param {number} count */
function grouped(count) {
  return count.toLocaleString("en-US");
}

/**
 * Paths in the manifest are relative to it.
 * @param {string[]} list
 */
function paths(list) {
  return list.map((path) => join(samples, "objects", path));
}
