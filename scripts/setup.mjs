// @ts-check
// Makes a fresh clone ready: installs what the lock file names and builds dist/, each only when it is missing or out
// of date. Uses Node's own modules alone, since nothing else is there yet. Does nothing, in about 20 ms, when nothing is
// to be done.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const installStamp = join(modules, ".btfgen-install");
const buildStamp = join(modules, ".btfgen-build");
const lock = join(root, "setup.lock.tmp");
const LOCK_STALE_MS = 180_000;
const LOCK_POLL_MS = 100;

const SOURCES = ["api", "lib", "checker", "vm", "cli", "corpus", "scripts/build.mjs", "scripts/bundle", "package.json"];
const SETTINGS = ["tsconfig.json", "tsconfig.build.json"];

if (isReady()) process.exit(0);
acquire();
process.on("exit", () => rmSync(lock, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

if (!isInstalled()) {
  say("installing packages");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(installStamp, lockDigest());
}
if (!isBuilt()) {
  say("building");
  // Taken before: what changes during the build is built the next time.
  const digest = sourceDigest();
  run(process.execPath, [join(root, "scripts/build.mjs"), "--loose"]);
  writeFileSync(buildStamp, digest);
}

function isReady() {
  return isInstalled() && isBuilt();
}

/** By us, or by somebody's own `npm ci` or `npm install` after the lock file's last change. */
function isInstalled() {
  if (readOrEmpty(installStamp) === lockDigest()) return true;
  const installed = statSync(join(modules, ".package-lock.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return installed > statSync(join(root, "package-lock.json")).mtimeMs;
}

function isBuilt() {
  return existsSync(join(root, "dist/btfgen.cjs")) && readOrEmpty(buildStamp) === sourceDigest();
}

function lockDigest() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/** Of names, sizes and times, which is quick; also of Node's version, for the compiled code is of one V8. */
function sourceDigest() {
  const hash = createHash("sha256").update(process.version);
  for (const path of [...SOURCES, ...SETTINGS].flatMap((name) => filesOf(join(root, name)))) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesOf(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return [path];
  // Samples are data, not source.
  if (path.endsWith("samples")) return [];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)));
}

/** Two at once (a test run and a start) must not install into each other. */
function acquire() {
  const begin = Date.now();
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - Math.max(since, begin - LOCK_STALE_MS) > LOCK_STALE_MS) {
        rmSync(lock, { recursive: true, force: true });
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
    }
  }
}

/**
 * @param {string} path
 */
function readOrEmpty(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) say(`${command}: ${error.message}`);
  if (status !== 0) process.exit(1);
}

/**
 * @param {string} text
 */
function say(text) {
  process.stderr.write(`btfgen: ${text}\n`);
}
