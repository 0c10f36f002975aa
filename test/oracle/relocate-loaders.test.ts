/** Relocated objects in the hands of other loaders, on the running kernel, where there is no BTF: cilium/ebpf and bpftool. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { bpftoolCommand } from "./bpftool.ts";
import { buildWithCilium } from "./cilium.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { type ProcessResult, runProcess } from "./process.ts";
import { loaderProgram, readLoads, relocateFiles, writeSides } from "./relocated-loads.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const OWN_BTF = "/sys/kernel/btf/vmlinux";
const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
const MINUTES = 300_000;
/** Debian 12's cilium/ebpf, 0.9, has no settings, no 64-bit enums, and asks maps for values' sizes that libbpf fills in. */
const NOT_FOR_0_9 = /not supported|unknown kind|Unknown \(19\)|map create/;

/** Runs a command where the kernel's BTF is not to be seen. */
function hidden(command: readonly string[]): ProcessResult {
  const hide = "mount -t tmpfs none /sys/kernel/btf && mount -t tmpfs none /boot && mount -t bpf none /mnt";
  return runProcess(["unshare", "-m", "sh", "-c", `${hide} && exec "$@"`, "sh", ...command], { timeoutMs: MINUTES });
}

function relocated(directory: string): string[] {
  const index = indexCandidates(parseBtf(new Uint8Array(readFileSync(OWN_BTF)), { source: OWN_BTF }));
  const fixtures = readdirSync(FIXTURES).filter((name) => name.endsWith(".o"));
  writeSides(
    relocateFiles([...fixtures.map((name) => join(FIXTURES, name)), ...libbpfToolsExecutables()], index),
    directory,
  );
  return readdirSync(join(directory, "after")).map((name) => join(directory, "after", name));
}

describeOracle("relocated objects with cilium/ebpf", ["bpf", "libbpf", "libbpf-tools", "cilium-ebpf"], () => {
  const directory = temporaryDirectory();
  it.skipIf(!existsSync(OWN_BTF))("are loaded where libbpf loads them", { timeout: MINUTES }, () => {
    const files = relocated(directory());
    const libbpf = loaderProgram();
    const cilium = buildWithCilium(join(import.meta.dirname, "cilium-load/main.go"));
    if ("missing" in libbpf || "missing" in cilium) throw new Error("no loader");
    const { after } = readLoads(Buffer.from(runProcess([libbpf.path, directory()]).stdout).toString());
    const run = hidden([cilium.path, ...files]);
    expect(run.code, run.stderr).toBe(0);
    const said = Buffer.from(run.stdout)
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { object: string; program: string; error: string });
    const byLibbpf = new Set(
      after.filter(({ errno }) => errno === 0).map(({ object, program }) => `${object} ${program}`),
    );
    const loaded = said.filter(({ error }) => error === "").map(({ object, program }) => `${object} ${program}`);
    // Nothing is refused for want of BTF, and nothing is loaded that libbpf does not load.
    expect(said.filter(({ error }) => /CO-RE|no BTF found/.test(error))).toEqual([]);
    expect(loaded.filter((one) => !byLibbpf.has(one))).toEqual([]);
    const others = said.filter(({ object, program, error }) => error !== "" && byLibbpf.has(`${object} ${program}`));
    expect(others.filter(({ error }) => !NOT_FOR_0_9.test(error))).toEqual([]);
    expect(loaded.length).toBeGreaterThan(byLibbpf.size * 0.8);
  });
});

describeOracle("relocated objects with bpftool", ["bpf", "bpftool", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  it.skipIf(!existsSync(OWN_BTF))("are loaded, the originals are not", { timeout: MINUTES }, () => {
    const files = relocated(directory()).filter((path) =>
      /tcpconnect|execsnoop|exitsnoop|tcp_connect/.test(basename(path)),
    );
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const load = (path: string) => hidden([bpftoolCommand()?.[0] ?? "", "prog", "loadall", path, "/mnt/programs"]);
      const run = load(file);
      expect(run.code, run.stderr).toBe(0);
      expect(load(file.replace("/after/", "/before/")).code).not.toBe(0);
    }
  });
});
