// @ts-check
// Runs the bundled command once on representative jobs and keeps the code V8 compiled for them, so that a start of
// the published command compiles nothing. Called by build.mjs, in a process of its own because the jobs print.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

const [directory = "dist", samples = "corpus/samples"] = process.argv.slice(2);
const filename = join(directory, "command.cjs");
const script = new Script(Module.wrap(readFileSync(filename, "latin1")), { filename });
const exported = { exports: /** @type {any} */ ({}) };
script.runInThisContext()(exported.exports, createRequire(filename), exported, filename, directory);

const files = readdirSync(samples, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();
const kernel = files.find((path) => path.includes("x86_64") && path.includes(".btf"));
const manifest = files.find((path) => path.endsWith("objects/manifest.json"));

/** @type {string[][]} */
const jobs = [["completion", "bash", "--json"]];
if (kernel !== undefined && manifest !== undefined) {
  /** @type {string[]} */
  const list = JSON.parse(readFileSync(manifest, "utf8")).objects;
  const objects = list.map((path) => join(dirname(manifest), path)).filter((path) => existsSync(path));
  jobs.push(["minimize", kernel, ...objects, "-o", "/dev/null"]);
}
for (const job of jobs) await exported.exports.main(job, "");

writeFileSync(join(directory, `command-${process.versions.v8}-${process.arch}.cache`), script.createCachedData());
