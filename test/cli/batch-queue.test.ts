import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import { TINY_OBJECT, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { describeOracle, oracleIt } from "../oracle/requirements.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const { directory } = workspace();
const SLOW_MS = 120_000;

/** A port of loopback that nobody has at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

describeOracle("a queue", ["redis"], () => {
  let redis: ChildProcess;
  let url = "";
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    const port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    redis = spawn("redis-server", settings, { cwd: directory, stdio: ["ignore", "pipe", "ignore"] });
    await new Promise<void>((resolve) => {
      redis.stdout?.on("data", (chunk: Buffer) => chunk.includes("Ready to accept") && resolve());
    });
  });
  afterAll(() => {
    for (const worker of workers) worker.kill("SIGKILL");
    redis.kill("SIGKILL");
  });

  /** Starts a worker, and waits for what it says after so many files. */
  async function startWorker(files: number): Promise<ChildProcess> {
    const args = [COMMAND, "worker", "--queue", url, "--jobs", "2", "--no-cache", "--json"];
    const child = spawn(process.execPath, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    workers.push(child);
    let lines = 0;
    await new Promise<void>((resolve) => {
      if (files === 0) child.stderr.once("data", () => resolve());
      child.stdout.on("data", (chunk: Buffer) => {
        lines += chunk.toString().split("\n").length - 1;
        if (files > 0 && lines >= files) resolve();
      });
    });
    return child;
  }

  function argsOf(corpus: string, output: string, more: readonly string[]): string[] {
    return ["batch", corpus, "--object", TINY_OBJECT, "-o", output, ...more];
  }

  function bundleOf(name: string): readonly Buffer[] {
    return [name, `${name}.provenance.json`].map((file) => readFileSync(join(directory, file)));
  }

  oracleIt(
    "gives the bundle of a local run, though workers are killed in the middle",
    ["redis"],
    async () => {
      const corpus = join(directory, "corpus");
      writeTinyCorpus(corpus, 2000);
      expect((await runText(argsOf(corpus, "local.tar", ["--no-cache"]), { cwd: directory })).code).toBe(0);
      const args = argsOf(corpus, "queued.tar", ["--queue", url, "--json"]);
      const batch = spawn(process.execPath, [COMMAND, ...args], { cwd: directory, stdio: "ignore" });
      const end = new Promise((resolve) => batch.on("close", resolve));
      for (const files of [50, 200]) (await startWorker(files)).kill("SIGKILL");
      await startWorker(1);
      expect(await end).toBe(0);
      expect(bundleOf("queued.tar")).toEqual(bundleOf("local.tar"));
    },
    SLOW_MS,
  );

  oracleIt(
    "does what was done before not again, and names what failed",
    ["redis"],
    async () => {
      const corpus = join(directory, "failing");
      const [first = ""] = writeTinyCorpus(corpus, 5);
      writeFileSync(join(corpus, first), "");
      await startWorker(0);
      for (const name of ["once.tar", "twice.tar"]) {
        const { code, stdout } = await runText(argsOf(corpus, name, ["--queue", url, "--json"]), { cwd: directory });
        expect(code).toBe(1);
        expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
          kernels: { done: 4, failed: 1 },
          failed: [{ origin: first, reason: "is empty" }],
        });
      }
      expect(bundleOf("twice.tar")).toEqual(bundleOf("once.tar"));
    },
    SLOW_MS,
  );

  oracleIt("says where nobody answers", ["redis"], async () => {
    const silent = `redis://:secret@127.0.0.1:${await freePort()}`;
    const args = argsOf(join(directory, "corpus"), "silent.tar", ["--queue", silent]);
    const { code, stderr } = await runText(args, { cwd: directory });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^btfgen: no queue at redis:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED/);
  });
});
