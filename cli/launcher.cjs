// @ts-check
// The published command, `dist/btfgen.cjs`. It answers `--version` itself and starts everyday.cjs, diff.cjs or others.cjs
// (bundles of main.ts, each with some of the commands) with its compiled code at hand: compiling yargs and our modules
// anew is 18 of 62 ms otherwise (Node 20, `btfgen completion bash`; `node -e 0` is 33). The code V8 made at build time is used where this is the same V8.
// Elsewhere Node's own compile cache (22.1 and later, in the temporary directory) does the same from the second run on.
// Nothing is written beside the program, so a read-only install works, and a cache V8 rejects is just not used.
"use strict";
const { readFileSync, writeSync } = require("node:fs");
const nodeModule = require("node:module");

/** Replaced at build time. */
const VERSION = process.env.BTFGEN_BUILD_VERSION ?? "";
/**
 * The bundle of each command that is not in others.cjs; replaced at build time.
 * @type {ReadonlyMap<string | undefined, string>}
 */
const BUNDLES = new Map(JSON.parse(process.env.BTFGEN_BUNDLES ?? "[]"));

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === "--version") {
  writeSync(1, `${VERSION}\n`);
} else {
  load(argv[0] === undefined ? "everyday" : (BUNDLES.get(argv[0]) ?? "others"))
    .main(argv, VERSION)
    .then((code) => {
      process.exitCode = code;
    });
}

/**
 * @param {string} bundle
 * @returns {typeof import("./main.ts")}
 */
function load(bundle) {
  const filename = `${__dirname}/${bundle}.cjs`;
  const cachedData = readCache(`${__dirname}/${bundle}-${process.versions.v8}-${process.arch}.cache`);
  if (cachedData === undefined) {
    // Not in Node 20, whose types these are.
    const { enableCompileCache } = /** @type {{ enableCompileCache?: () => void }} */ (
      /** @type {unknown} */ (nodeModule)
    );
    enableCompileCache?.();
    return require(filename);
  }
  const { Script } = require("node:vm");
  // The bundle is ASCII, and latin1 is the faster way to read that.
  const source = nodeModule.wrap(readFileSync(filename, "latin1"));
  const script = new Script(source, { filename, cachedData });
  const exported = { exports: /** @type {any} */ ({}) };
  script.runInThisContext()(exported.exports, require, exported, filename, __dirname);
  return exported.exports;
}

/**
 * @param {string} path
 * @returns {Buffer | undefined}
 */
function readCache(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
