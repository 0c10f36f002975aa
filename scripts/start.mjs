// @ts-check
// `npm start`: minimizes every sample kernel for the sample objects with the published command, and prints its proofs.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const command = join(root, "dist/btfgen.cjs");
const samples = join(root, "corpus/samples");

const kernels = filesBelow(samples).filter((path) => path.includes(".btf") && !path.includes("modules"));
const objects = [samples, join(root, "test/fixtures")].flatMap(filesBelow).filter((path) => path.endsWith(".bpf.o"));
const out = mkdtempSync(join(tmpdir(), "btfgen-start-"));
try {
  process.exitCode = kernels.map(minimize).reduce((worst, code) => Math.max(worst, code), 0);
} finally {
  rmSync(out, { recursive: true, force: true });
}

/**
 * @param {string} kernel
 * @param {number} index
 */
function minimize(kernel, index) {
  const args = ["minimize", kernel, ...objects, "-o", join(out, `${index}.btf`)];
  process.stdout.write(`\n${relative(root, kernel)}\n`);
  return spawnSync(process.execPath, [command, ...args], { stdio: ["ignore", "inherit", "inherit"] }).status ?? 3;
}

/**
 * @param {string} directory
 * @returns {string[]}
 */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
