// @ts-check
// Makes dist/: the library (api/ and lib/ as JavaScript with types, by tsc) and the command (cli/ and what it uses,
// by esbuild, with V8's compiled code beside it). `--loose` goes on after a type error: a test run has
// its own opinion of half-done work, and `npm run check` judges the types.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildPage } from "./bundle/page.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const modules = join(root, "node_modules");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Native code, WebAssembly and what has files of its own: loaded from node_modules by the few commands that need them. */
const EXTERNAL = ["@cloudpss/zstd", "bullmq", "ioredis", "koffi", "libarchive-wasm", "piscina"];

/**
 * The command is built several times, each with some of the commands' code, and the launcher takes the one that has the
 * command it is asked for: what all commands together are costs each start 10 ms of reading (Node 20). Everyday is what
 * a build loop or a loader's start runs for every kernel or object.
 * @type {Record<string, readonly string[]>}
 */
const COMMAND_BUNDLES = { everyday: ["minimize", "min_core_btf", "relocs", "completion"], diff: ["diff"] };
/** The bundle of the commands that no other one has. */
const OTHERS = "others";
const BUNDLE_OF = new Map(
  Object.entries(COMMAND_BUNDLES).flatMap(([name, commands]) => commands.map((command) => [command, name])),
);

// Made beside dist/ and put in place at the end: a command that runs meanwhile finds all of the old or all of the new.
const fresh = join(root, `dist.${process.pid}.tmp`);
const old = join(root, `dist.${process.pid}.old.tmp`);
mkdirSync(fresh, { recursive: true });
try {
  buildLibrary();
  await buildCommand();
  await buildPage(root, "corpus/compat/page", join(fresh, "compat.html"));
  await buildPage(root, "cli/diff-page", join(fresh, "diff.html"));
  makeCache();
  swap();
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}

function buildLibrary() {
  const tsc = join(modules, "typescript", "bin", "tsc");
  const loose = process.argv.includes("--loose");
  run(tsc, ["-p", join(root, "tsconfig.build.json"), "--outDir", fresh], loose ? "ignore" : "inherit", loose);
  for (const entry of readdirSync(fresh, { recursive: true, withFileTypes: true })) {
    if (entry.name.endsWith(".d.ts")) rewriteImports(join(entry.parentPath, entry.name));
  }
}

/**
 * tsc rewrites the `.ts` of imports in code, not in declarations; compilers before 5.0 do not find those.
 * @param {string} path
 */
function rewriteImports(path) {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"'));
}

async function buildCommand() {
  /** @type {import("esbuild").BuildOptions} */
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    // Less to read and to hash at each start; names stay, for stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    // `require` is what a script run by node:vm has; import() would need a loader of its own.
    supported: { "dynamic-import": false },
    define: {
      "process.env.BTFGEN_BUILD_VERSION": JSON.stringify(version),
      "import.meta.dirname": "__dirname",
    },
  };
  for (const name of [...Object.keys(COMMAND_BUNDLES), OTHERS]) {
    await build({
      ...common,
      entryPoints: ["cli/main.ts"],
      outfile: join(fresh, `${name}.cjs`),
      external: EXTERNAL,
      // See bundle/yargs-shim.mjs for why.
      alias: {
        "bundle:cliui": join(modules, "cliui/build/lib/index.js"),
        "bundle:parser": join(modules, "yargs-parser/build/lib/yargs-parser.js"),
        "bundle:parser-strings": join(modules, "yargs-parser/build/lib/string-utils.js"),
      },
      plugins: [
        replace("lazy-zlib.mjs", /^node:zlib$/, within("cli", "lib")),
        replace("lazy-crypto.mjs", /^node:crypto$/, within("cli", "lib", "corpus")),
        replace("yargs-shim.mjs", /platform-shims\/esm\.mjs$/, () => true),
        replace("other-bundle.mjs", /^\.\/[\w-]+\.ts$/, ({ importer, kind, path }) => {
          const isHandler = kind === "dynamic-import" && importer === join(root, "cli/handlers/index.ts");
          return isHandler && (BUNDLE_OF.get(basename(path, ".ts").replaceAll("-", "_")) ?? OTHERS) !== name;
        }),
      ],
    });
  }
  // What a worker thread of a batch runs.
  await build({
    ...common,
    entryPoints: ["corpus/batch/worker.ts"],
    outfile: join(fresh, "worker.cjs"),
    external: EXTERNAL,
  });
  // What calls native libraries, in a process of its own.
  await build({
    ...common,
    entryPoints: ["checker/main.ts"],
    outfile: join(fresh, "checker.cjs"),
    external: EXTERNAL,
  });
  // What has the kernel run a loader program.
  await build({
    ...common,
    entryPoints: ["checker/runner.ts"],
    outfile: join(fresh, "runner.cjs"),
    external: EXTERNAL,
  });
  // What starts the checker inside a virtual machine.
  await build({
    ...common,
    entryPoints: ["vm/guest.ts"],
    outfile: join(fresh, "guest.cjs"),
    external: EXTERNAL,
  });
  await build({
    ...common,
    entryPoints: ["cli/launcher.cjs"],
    outfile: join(fresh, "btfgen.cjs"),
    define: { ...common.define, "process.env.BTFGEN_BUNDLES": JSON.stringify(JSON.stringify([...BUNDLE_OF])) },
    banner: { js: "#!/usr/bin/env node" },
  });
  chmodSync(join(fresh, "btfgen.cjs"), 0o755);
}

/**
 * A plugin that puts a file of scripts/bundle in a module's place.
 * @param {string} file
 * @param {RegExp} filter
 * @param {(asked: import("esbuild").OnResolveArgs) => boolean} where
 * @returns {import("esbuild").Plugin}
 */
function replace(file, filter, where) {
  const path = join(root, "scripts/bundle", file);
  return {
    name: file,
    setup: (bundler) => bundler.onResolve({ filter }, (asked) => (where(asked) ? { path } : undefined)),
  };
}

/**
 * Says of an import whether it is one of these rooms'.
 * @param {string[]} rooms
 * @returns {(asked: import("esbuild").OnResolveArgs) => boolean}
 */
function within(...rooms) {
  return ({ importer }) => rooms.some((room) => importer.startsWith(join(root, room, "/")));
}

function makeCache() {
  const script = join(root, "scripts/bundle/make-cache.mjs");
  // The jobs it runs talk, about the sample objects; that is news only when they fail.
  const { status, stderr } = spawnSync(process.execPath, [script, fresh, join(root, "corpus/samples")], {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: root,
  });
  if (status !== 0) throw new Error(`${script} failed\n${stderr}`);
}

function swap() {
  const had = readdirSync(root).includes("dist");
  if (had) renameSync(dist, old);
  renameSync(fresh, dist);
}

/**
 * @param {string} script
 * @param {string[]} args
 * @param {"inherit" | "ignore"} stdout
 */
function run(script, args, stdout, mayFail = false) {
  const { status } = spawnSync(process.execPath, [script, ...args], {
    stdio: ["ignore", stdout, "inherit"],
    cwd: root,
  });
  if (status !== 0 && !mayFail) throw new Error(`${script} failed`);
}
