// @ts-check
// `npm run check:package`: packs the package as it would be published, judges the tarball (publint,
// are-the-types-wrong), installs it elsewhere, and uses the command and every entry point from there.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";

const run = $({ quiet: true, preferLocal: true });
const { name, version, exports } = JSON.parse(readFileSync("package.json", "utf8"));
/** @type {string[]} */
const specifiers = [];
const directory = mkdtempSync(join(tmpdir(), "btfgen-package-"));
try {
  // dist/ is built already, so that packing need not do it again.
  await run`npm pack --ignore-scripts --silent --pack-destination ${directory}`;
  const tarball = join(directory, `${name}-${version}.tgz`);
  await step("publint", () => run`publint run ${tarball} --strict`);
  // The library is ESM only, which every Node we support can also require().
  await step("are the types wrong", () => run`attw ${tarball} --profile esm-only --no-emoji`);
  await step("install the tarball elsewhere", async () => {
    const elsewhere = $({ quiet: true, cwd: directory });
    await elsewhere`npm init -y --init-type=module`;
    await elsewhere`npm install --no-audit --no-fund --loglevel=error --omit=optional ${tarball}`;
    const printed = await elsewhere`node_modules/.bin/btfgen --version`;
    if (printed.stdout.trim() !== version) throw new Error(`--version printed ${printed.stdout}`);
    for (const entry of Object.keys(exports).filter((path) => !path.endsWith(".json"))) {
      const specifier = join(name, entry);
      await elsewhere`node --input-type=module -e ${`await import(${JSON.stringify(specifier)})`}`;
      specifiers.push(specifier);
    }
  });
  await step("find the documents that it speaks of", async () => {
    const installed = join(directory, "node_modules", name);
    const programs = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
    const texts = programs
      .filter((path) => /js$/.test(path))
      .map((path) => readFileSync(join(installed, "dist", path), "utf8"));
    const named = new Set(texts.flatMap((text) => text.match(/\bdocs\/\w+\.md\b/g) ?? []));
    const missing = [...named].filter((path) => !existsSync(join(installed, path)));
    if (named.size === 0 || missing.length > 0)
      throw new Error(`not there: ${missing.join(", ") || "any name of one"}`);
  });
  await step("compile against it, every declaration checked", async () => {
    const lines = specifiers.map(
      (specifier, index) => `export * as entry${index} from ${JSON.stringify(specifier)};\n`,
    );
    writeFileSync(join(directory, "consumer.ts"), lines.join(""));
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", ""];
    await run`tsc ${flags} ${join(directory, "consumer.ts")} --ignoreConfig`;
  });
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/**
 * @param {string} what
 * @param {() => Promise<unknown>} action
 */
async function step(what, action) {
  try {
    await action();
    process.stdout.write(`ok    ${what}\n`);
  } catch (error) {
    process.exitCode = 1;
    const output = error instanceof Error && "stdout" in error ? `${error.stdout}` : "";
    process.stdout.write(`FAIL  ${what}\n${output}${error instanceof Error ? error.message : error}\n`);
  }
}
