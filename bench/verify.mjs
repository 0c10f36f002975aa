// @ts-check
// What it costs to ask libbpf, and a kernel, about all objects: beside loading them once with bpftool, and beside only
// booting that kernel. `npm run bench` has these rows; `node bench/verify.mjs` measures them alone and writes nothing.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bareBoot, imageToBoot } from "./bare-boot.mjs";
import { readObjects, root } from "./inputs.mjs";
import { exists, race, run } from "./measure.mjs";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const PINS = "/sys/fs/bpf";
const COMMAND = join(root, "dist/btfgen.cjs");

/** @typedef {{ what: string, now: string }} Row */
/** @typedef {{ path: string }} Input */

/**
 * The rows, each with why it is not measured where that is so.
 * @param {readonly Input[]} objects
 * @param {string} directory for files
 * @param {number} rounds
 * @returns {Promise<Row[]>}
 */
export async function verifyRows(objects, directory, rounds) {
  const paths = objects.map(({ path }) => path);
  return [...hostRows(paths, directory, rounds), await bootRow(paths[0] ?? "", directory, rounds)];
}

/**
 * @param {readonly string[]} paths
 * @param {string} directory
 * @param {number} rounds
 * @returns {Row[]}
 */
function hostRows(paths, directory, rounds) {
  const levels = /** @type {const} */ (["instructions", "libbpf", "kernel"]);
  /** @param {string} level */
  const what = (level) => `verify --level ${level}, all objects / bpftool prog loadall of each`;
  const missing = whatIsMissing();
  if (missing !== null) return levels.map((level) => ({ what: what(level), now: missing }));
  const small = join(directory, "verify.btf");
  run(process.execPath, [COMMAND, "minimize", HOST_BTF, ...paths, "-o", small]);
  // bpftool pins what it loads, here and only here.
  const pins = join(PINS, `btfgen-bench-${process.pid}`);
  const loadall = () => {
    for (const path of paths) {
      // Some objects are beyond this kernel; what was loaded of them counts all the same.
      spawnSync("bpftool", ["prog", "loadall", path, pins], { stdio: "ignore" });
      rmSync(pins, { recursive: true, force: true });
    }
  };
  /** @param {string} level */
  const verify = (level) => () =>
    run(process.execPath, [COMMAND, "verify", small, "--full", HOST_BTF, ...paths, "--level", level]);
  try {
    const times = race(rounds, {
      loadall,
      instructions: verify("instructions"),
      libbpf: verify("libbpf"),
      kernel: verify("kernel"),
    });
    return levels.map((level) => ({ what: what(level), now: (times[level] / times.loadall).toFixed(2) }));
  } finally {
    rmSync(pins, { recursive: true, force: true });
  }
}

/** @returns {string | null} */
function whatIsMissing() {
  if (process.getuid?.() !== 0) return "this wants root";
  if (!exists("bpftool")) return "bpftool is not installed";
  if (!existsSync(HOST_BTF)) return "the running kernel has no BTF";
  return existsSync(PINS) ? null : "no bpffs is mounted";
}

/**
 * @param {string} object
 * @param {string} directory
 * @param {number} rounds
 * @returns {Promise<Row>}
 */
async function bootRow(object, directory, rounds) {
  const what = "verify --kernel IMAGE, one object / a bare boot of it with bpftool loading one";
  const image = imageToBoot();
  if (image === null) return { what, now: "no kernel to boot: npm run test:vm fetches some" };
  const boot = await bareBoot(image, join(root, "test/fixtures/objects/no_core.o"), directory);
  if (typeof boot === "string") return { what, now: boot };
  const small = join(directory, "booted.btf");
  run(process.execPath, [COMMAND, "minimize", image, object, "-o", small]);
  const times = race(rounds, {
    boot,
    verify: () => run(process.execPath, [COMMAND, "verify", small, object, "--kernel", image]),
  });
  return { what, now: (times.verify / times.boot).toFixed(2) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-"));
  try {
    const { objects } = readObjects(join(directory, "objects"));
    for (const { what, now } of await verifyRows(objects, directory, 3)) process.stdout.write(`${what}: ${now}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
