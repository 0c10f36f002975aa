import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { TINY_OBJECT, tinyKernel, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const { directory } = workspace();
const isRoot = process.getuid?.() === 0;

function argsOf(corpus: string, output: string, more: readonly string[] = []): string[] {
  return ["batch", corpus, "--object", TINY_OBJECT, "-o", output, "--no-cache", ...more];
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], { cwd: directory, stdio: "ignore" });
}

function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
}

/** Waits until the journal of a run has so many bytes, or the run is over. */
async function journalOf(output: string, bytes: number, child: ChildProcess): Promise<void> {
  const journal = join(directory, `${output}.state/journal`);
  while (child.exitCode === null && (!existsSync(journal) || readFileSync(journal).length < bytes)) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function bundleOf(name: string): readonly Buffer[] {
  return [name, `${name}.provenance.json`].map((file) => readFileSync(join(directory, file)));
}

describe("a run that is stopped", () => {
  it("goes on where it was killed, again and again, to the same bundle", async () => {
    const corpus = join(directory, "killed");
    writeTinyCorpus(corpus, 400);
    expect((await runText(argsOf(corpus, "whole.tar"), { cwd: directory })).code).toBe(0);
    let kills = 0;
    // Ever further: some of them in the middle of a record.
    for (let bytes = 1; bytes < 400_000; bytes = 2 * bytes + 7001) {
      const child = start(argsOf(corpus, "killed.tar", bytes === 1 ? [] : ["--resume"]));
      const end = ended(child);
      await journalOf("killed.tar", bytes, child);
      child.kill("SIGKILL");
      if ((await end) === "SIGKILL") kills++;
      // Whole or not there at all.
      if (existsSync(join(directory, "killed.tar"))) break;
    }
    expect(kills).toBeGreaterThan(1);
    if (!existsSync(join(directory, "killed.tar"))) {
      expect((await runText(argsOf(corpus, "killed.tar", ["--resume"]), { cwd: directory })).code).toBe(0);
    }
    expect(bundleOf("killed.tar")).toEqual(bundleOf("whole.tar"));
    expect(existsSync(join(directory, "killed.tar.state"))).toBe(false);
  }, 120_000);

  it.each(["SIGINT", "SIGTERM"] as const)(
    "says how to go on after %s, and takes what is done from the journal",
    async (signal) => {
      const corpus = join(directory, "interrupted");
      writeTinyCorpus(corpus, 1500);
      const output = `${signal}.tar`;
      const child = spawn(process.execPath, [COMMAND, ...argsOf(corpus, output)], { cwd: directory, stdio: "pipe" });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      const end = ended(child);
      await journalOf(output, 5000, child);
      child.kill(signal);
      expect(await end).toBe(signal === "SIGINT" ? 130 : 143);
      expect(stderr).toContain("the same command with --resume goes on");
      expect(readdirSync(join(directory, `${output}.state`))).toEqual(["journal"]);
      const { stdout, code } = await runText(argsOf(corpus, output, ["--resume", "--json"]), { cwd: directory });
      expect(code).toBe(0);
      expect(stdout).toContain('"from":"resume"');
    },
    60_000,
  );

  it("does not take results of other objects or options", async () => {
    const corpus = join(directory, "options");
    writeTinyCorpus(corpus, 300);
    const child = start(argsOf(corpus, "options.tar"));
    const end = ended(child);
    await journalOf("options.tar", 5000, child);
    child.kill("SIGKILL");
    await end;
    const more = ["--resume", "--keep-names", "--json"];
    const { stdout, code } = await runText(argsOf(corpus, "options.tar", more), { cwd: directory });
    expect(code).toBe(0);
    expect(stdout).not.toContain('"from":"resume"');
  }, 60_000);
});

describe("two runs into one output", () => {
  it("lets the second fail, and the first end as if it had been alone", async () => {
    const corpus = join(directory, "two");
    writeTinyCorpus(corpus, 1500);
    const first = start(argsOf(corpus, "two.tar"));
    const end = ended(first);
    await journalOf("two.tar", 1, first);
    const second = await runText(argsOf(corpus, "two.tar"), { cwd: directory });
    expect(second.code).toBe(3);
    expect(second.stderr).toBe(`btfgen: two.tar is being written by process ${first.pid}\n`);
    expect(await end).toBe(0);
    expect(bundleOf("two.tar")[0]?.length).toBeGreaterThan(0);
  }, 60_000);
});

describe("a corpus that changes", () => {
  it("loses the files that vanish, and no others", async () => {
    const corpus = join(directory, "changing");
    const names = writeTinyCorpus(corpus, 1200);
    const child = start([...argsOf(corpus, "changing.tar"), "--jobs", "1"]);
    const end = ended(child);
    await journalOf("changing.tar", 1, child);
    // The last of the walk: the run has not come to it.
    const last = names.at(-1) ?? "";
    rmSync(join(corpus, last));
    expect(await end).toBe(1);
    const kernels = JSON.parse(readFileSync(join(directory, "changing.tar.provenance.json"), "utf8")).kernels;
    expect(kernels).toHaveLength(1199);
    expect(kernels.map(({ source }: { source: { name: string } }) => source.name)).not.toContain(last);
  }, 60_000);
});

describe("very many files", () => {
  it("are done one after the other", async () => {
    const corpus = join(directory, "many");
    writeTinyCorpus(corpus, 10_000);
    const child = spawn(process.execPath, [COMMAND, ...argsOf(corpus, "many.tar", ["--json"])], {
      cwd: directory,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let last = "";
    child.stdout.on("data", (chunk: Buffer) => {
      last = (last + chunk.toString()).slice(-100_000);
    });
    expect(await ended(child)).toBe(0);
    const summary = JSON.parse(last.trim().split("\n").at(-1) ?? "");
    expect(summary.kernels).toMatchObject({ done: 10_000, failed: 0, distinct: 5 });
  }, 120_000);
});

describe.runIf(isRoot)("a full disk", () => {
  it("leaves nothing half-written, and a state that goes on where there is room", async () => {
    const mount = join(directory, "small");
    mkdirSync(mount);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", mount]);
    if (mounted.status !== 0) return;
    try {
      const corpus = join(directory, "full");
      writeTinyCorpus(corpus, 300);
      const output = join(mount, "out.tar");
      const full = await runText(argsOf(corpus, output), { cwd: directory });
      expect(full.code).toBe(3);
      expect(full.stderr).toBe(`btfgen: cannot write ${output}: no space left on the device\n`);
      expect(readdirSync(mount)).toEqual(["out.tar.state"]);
      expect(spawnSync("mount", ["-o", "remount,size=4m", mount]).status).toBe(0);
      const { code, stdout } = await runText(argsOf(corpus, output, ["--resume", "--json"]), { cwd: directory });
      expect(code).toBe(0);
      expect(stdout).toContain('"from":"resume"');
      expect(readdirSync(mount)).toEqual(["out.tar", "out.tar.provenance.json"]);
      expect((await runText(argsOf(corpus, "roomy.tar"), { cwd: directory })).code).toBe(0);
      expect(readFileSync(output)).toEqual(readFileSync(join(directory, "roomy.tar")));
    } finally {
      spawnSync("umount", [mount]);
    }
  }, 60_000);
});

/** Root reads what nobody may, but without the capabilities for that it is like anybody else. */
const UNPRIVILEGED: readonly string[] = isRoot ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];
const canDrop = !isRoot || spawnSync("setpriv", [...UNPRIVILEGED.slice(1), "true"]).status === 0;

describe.skipIf(!canDrop)("what may not be read", () => {
  it("is named and left out", () => {
    const corpus = join(directory, "unreadable");
    const [first = ""] = writeTinyCorpus(corpus, 3);
    writeFileSync(join(corpus, first), tinyKernel(0), { mode: 0 });
    spawnSync("chmod", ["000", join(corpus, first)]);
    const [program = "", ...args] = [...UNPRIVILEGED, process.execPath, COMMAND, ...argsOf(corpus, "unreadable.tar")];
    const { status, stderr } = spawnSync(program, args, { cwd: directory, encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain(`${first}: permission denied`);
    expect(existsSync(join(directory, "unreadable.tar"))).toBe(true);
  });
});
