// @ts-check
// What is measured: the sample kernels, and the BPF objects of Debian's libbpf-tools, or our own where that is missing.
import { spawnSync } from "node:child_process";
import { accessSync, constants, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ArchiveReader, libarchiveWasm } from "libarchive-wasm";
import { parseBpfObject } from "../dist/lib/core/object.js";
import { findBpfObjects } from "../dist/lib/elf/embedded.js";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SAMPLES = join(root, "corpus/samples");
const SUFFIX = ".btf.tar.xz";
/** The kernel that stages and commands are measured with. */
export const KERNEL = "debian/12/x86_64/6.1.0-56-cloud-amd64";

/**
 * @typedef {{ name: string, path: string, bytes: Uint8Array }} Input
 */

/**
 * All sample kernels, unpacked into a directory.
 * @param {string} directory
 * @returns {Promise<Input[]>}
 */
export async function readKernels(directory) {
  const archives = readdirSync(SAMPLES, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.endsWith(SUFFIX))
    .sort();
  const wasm = await libarchiveWasm();
  mkdirSync(directory, { recursive: true });
  return archives.flatMap((archive) => {
    const name = relative(SAMPLES, archive).slice(0, -SUFFIX.length);
    const reader = new ArchiveReader(wasm, new Int8Array(readFileSync(archive)));
    const kernels = [];
    for (const entry of reader.entries()) {
      const data = entry.readData();
      if (data === undefined) continue;
      const path = join(directory, `${name.replaceAll("/", "-")}.btf`);
      writeFileSync(path, data);
      // Memory of its own: that of WebAssembly may move.
      kernels.push({ name, path, bytes: new Uint8Array(readFileSync(path)) });
    }
    reader.free();
    return kernels;
  });
}

/**
 * The objects, one a file, and where they are from.
 * @param {string} directory
 * @returns {{ objects: Input[], source: string }}
 */
export function readObjects(directory) {
  mkdirSync(directory, { recursive: true });
  const tools = toolPaths();
  if (tools.length > 0) {
    const objects = tools.flatMap((tool) =>
      findBpfObjects(new Uint8Array(readFileSync(tool)), basename(tool)).map(({ bytes }, i) => {
        const name = i === 0 ? basename(tool) : `${basename(tool)}.${i}`;
        const path = join(directory, `${name}.o`);
        writeFileSync(path, bytes);
        return { name, path, bytes: new Uint8Array(bytes) };
      }),
    );
    return { objects, source: "libbpf-tools" };
  }
  return { objects: readFixtures(), source: "test/fixtures (libbpf-tools is not installed)" };
}

/** Our own objects that have relocations. */
export function readFixtures() {
  const fixtures = join(root, "test/fixtures/objects");
  return readdirSync(fixtures)
    .filter((name) => name.endsWith(".o"))
    .sort()
    .map((name) => ({ name, path: join(fixtures, name), bytes: new Uint8Array(readFileSync(join(fixtures, name))) }))
    .filter(hasRelocations);
}

/**
 * @param {Input} input
 */
export function hasRelocations({ bytes, name }) {
  return parseBpfObject(bytes, name).relocations.length > 0;
}

function toolPaths() {
  const { status, stdout } = spawnSync("dpkg", ["-L", "libbpf-tools"], { encoding: "utf8" });
  if (status !== 0) return [];
  return stdout
    .split("\n")
    .filter((path) => /\/s?bin\/[^/]+$/.test(path) && isProgram(path))
    .sort();
}

/**
 * @param {string} path
 */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}
