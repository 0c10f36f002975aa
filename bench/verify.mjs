// @ts-check
// `node bench/verify.mjs`: what it costs to ask libbpf, and the kernel, about all objects, beside loading them once with
// bpftool. Wants root, libbpf and bpftool; says so where they are missing. bpftool pins what it loads below /sys/fs/bpf
// and only there, in a directory that is taken away again.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readObjects, root } from "./inputs.mjs";
import { exists, race, run } from "./measure.mjs";

const HOST_BTF = "/sys/kernel/btf/vmlinux";
const PINS = "/sys/fs/bpf";
const ROUNDS = 3;
const command = join(root, "dist/btfgen.cjs");
const directory = mkdtempSync(join(tmpdir(), "btfgen-bench-"));
const pins = join(PINS, `btfgen-bench-${process.pid}`);

try {
  const missing = whatIsMissing();
  if (missing === null) measure();
  else process.stdout.write(`not measured: ${missing}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
  rmSync(pins, { recursive: true, force: true });
}

function measure() {
  const { objects, source } = readObjects(join(directory, "objects"));
  const paths = objects.map(({ path }) => path);
  const small = join(directory, "small.btf");
  run(process.execPath, [command, "minimize", HOST_BTF, ...paths, "-o", small]);
  let loaded = 0;
  const loadAll = () => {
    loaded = 0;
    for (const path of paths) {
      // Some objects are beyond this kernel; what was loaded of them counts all the same.
      const { status } = spawnSync("bpftool", ["prog", "loadall", path, pins], { stdio: "ignore" });
      if (status === 0) loaded++;
      rmSync(pins, { recursive: true, force: true });
    }
  };
  /** @param {string} level */
  const verify = (level) => () =>
    run(process.execPath, [command, "verify", small, "--full", HOST_BTF, ...paths, "--level", level]);
  const times = race(ROUNDS, {
    loadAll,
    instructions: verify("instructions"),
    libbpf: verify("libbpf"),
    kernel: verify("kernel"),
  });
  const rows = [
    ["level instructions", times.instructions],
    ["level libbpf: each object relocated with full and with small BTF", times.libbpf],
    ["level kernel: each program loaded six times: alone, together, in reverse, with both", times.kernel],
  ];
  process.stdout.write(`${objects.length} objects of ${source}; bpftool prog loadall takes ${loaded} of them, once\n`);
  process.stdout.write(`bpftool prog loadall, a process each: ${times.loadAll.toFixed(0)} ms\n`);
  for (const [what, time] of rows) {
    process.stdout.write(
      `${what}: ${Number(time).toFixed(0)} ms, ${(Number(time) / times.loadAll).toFixed(2)} of that\n`,
    );
  }
}

/** @returns {string | null} */
function whatIsMissing() {
  if (process.getuid?.() !== 0) return "this wants root";
  if (!exists("bpftool")) return "bpftool is not installed";
  if (!existsSync(HOST_BTF)) return "the running kernel has no BTF";
  return existsSync(PINS) ? null : "no bpffs is mounted";
}
