// @ts-check
// How long the running kernel takes to check BTF (BPF_BTF_LOAD), by the tests' oracle for it.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "./inputs.mjs";
import { race } from "./measure.mjs";

const TIMES = 5;

/**
 * Milliseconds of one load, or null where the kernel cannot be asked or refuses the blob. The process around it is
 * taken off: the difference of one load and several.
 * @param {Uint8Array} bytes
 * @param {number} rounds
 * @returns {Promise<number | null>}
 */
export async function kernelLoadTime(bytes, rounds) {
  const directory = join(root, "node_modules/.cache/btfgen-bench");
  mkdirSync(directory, { recursive: true });
  const outfile = join(directory, "kernel.mjs");
  const url = pathToFileURL(join(root, "test/oracle/native.ts")).href;
  await build({
    entryPoints: [join(root, "test/oracle/kernel.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile,
    packages: "external",
    define: {
      "import.meta.url": JSON.stringify(url),
      "import.meta.dirname": JSON.stringify(join(root, "test/oracle")),
    },
    logLevel: "error",
  });
  const { kernelMissing, loadBtfs } = await import(pathToFileURL(outfile).href);
  if (kernelMissing() !== undefined || !loadBtfs([bytes])[0].ok) return null;
  const { one, several } = race(rounds, {
    one: () => loadBtfs([bytes]),
    several: () => loadBtfs(Array.from({ length: TIMES + 1 }, () => bytes)),
  });
  return (several - one) / TIMES;
}
