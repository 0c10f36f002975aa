// @ts-check
// The published command, `dist/btfgen.cjs`. It answers `--version` itself and starts everyday.cjs or others.cjs (bundles
// of main.ts, each with some of the commands) with its compiled code at hand: compiling yargs and our modules anew is 18 of 62 ms otherwise (Node 20,
// `btfgen completion bash`; `node -e 0` is 33). The code V8 made at build time is used where this is the same V8.
// Elsewhere Node's own compile cache (22.1 and later, in the temporary directory) does the same from the second run on.
// Nothing is written beside the program, so a read-only install works, and a cache V8 rejects is just not used.
"use strict";
const { readFileSync, writeSync } = require("node:fs");
const nodeModule = require("node:module");

/** Replaced at build time. */
const VERSION = process.env.BTFGEN_BUILD_VERSION ?? "";
/** From about eight objects on there is so much to do that the 3 ms for loading node:v8 are won back. */
const MANY_ARGUMENTS = 10;
/** The commands of everyday.cjs; replaced at build time. */
const EVERYDAY = (process.env.BTFGEN_EVERYDAY ?? "").split(" ");

const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === "--version") {
  writeSync(1, `${VERSION}\n`);
} else {
  load(argv[0] === undefined || EVERYDAY.includes(argv[0]) ? "everyday" : "others")
    .main(argv, VERSION)
    .then((code) => {
      process.exitCode = code;
    });
}

/**
 * @param {"everyday" | "others"} bundle
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
  if (argv.length >= MANY_ARGUMENTS) compileLater();
  return exported.exports;
}

/**
 * V8 optimizes code early, which a process does not live to see: minimizing for 52 objects takes 177 ms in place of 240
 * when it waits for about twice as much work (bytes of bytecode that a function has run; 135,168 otherwise). Workers,
 * which live longer, are as fast either way. Only Node 20's V8 has the number; later ones have a quick compiler in
 * between (Maglev). Not before the code is loaded, or the cache would be for other flags.
 */
function compileLater() {
  if (process.versions.v8.startsWith("11.")) require("node:v8").setFlagsFromString("--interrupt-budget=300000");
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
