// @ts-check
// Runs each bundle of the command once on representative jobs and keeps the code V8 compiled for them, so that a start
// of the published command compiles nothing. Called by build.mjs, in a process of its own because the jobs print.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import v8 from "node:v8";
import { Script } from "node:vm";

const [directory = "dist", samples = "corpus/samples"] = process.argv.slice(2);

// Compiled code is taken by a process of the same flags; what a command sets while it runs (cli/compile-later.ts) is not
// yet set when the code is loaded.
v8.setFlagsFromString = () => {};

const files = readdirSync(samples, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
const kernels = files.filter((path) => path.includes("x86_64") && path.endsWith(".btf.tar.xz"));
const manifest = files.find((path) => path.endsWith("objects/manifest.json"));
// What is published without the samples is built where they are.
const complete = kernels.length >= 2 && manifest !== undefined;
const scratch = mkdtempSync(join(tmpdir(), "btfgen-cache-"));
try {
  await cache("others", othersJobs());
  await cache("diff", diffJobs());
  await cache("everyday", everydayJobs());
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function* othersJobs() {
  if (!complete) return;
  yield ["extract", ...kernels.slice(0, 2), "-o", scratch];
  yield ["dump", ...extracted().slice(1), "--format", "c"];
}

function* diffJobs() {
  if (complete) yield ["diff", ...extracted()];
}

function* everydayJobs() {
  yield ["completion", "bash", "--json"];
  if (!complete) return;
  /** @type {string[]} */
  const list = JSON.parse(readFileSync(manifest, "utf8")).objects;
  const objects = list.map((path) => join(dirname(manifest), path)).filter(existsSync);
  // Raw BTF, the common case: what unpacks archives would only make each start longer.
  yield ["minimize", ...extracted().slice(0, 1), ...objects, "-o", "/dev/null"];
}

/** The kernels that the first job left. */
function extracted() {
  return readdirSync(scratch).map((name) => join(scratch, name));
}

/**
 * @param {string} bundle
 * @param {Iterable<string[]>} jobs
 */
async function cache(bundle, jobs) {
  const filename = join(directory, `${bundle}.cjs`);
  const script = new Script(Module.wrap(readFileSync(filename, "latin1")), { filename });
  const exported = { exports: /** @type {any} */ ({}) };
  script.runInThisContext()(exported.exports, createRequire(filename), exported, filename, directory);
  for (const job of jobs) {
    const code = await exported.exports.main(job, "");
    if (code !== 0) throw new Error(`btfgen ${job.join(" ")}: exit ${code}`);
  }
  const data = script.createCachedData();
  writeFileSync(join(directory, `${bundle}-${process.versions.v8}-${process.arch}.cache`), data);
}
