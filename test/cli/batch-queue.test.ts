import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect } from "vitest";
import { TINY_OBJECT, tinyKernel, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { freePort, type RedisServer, startRedis } from "../oracle/redis.ts";
import { describeOracle, oracleIt } from "../oracle/requirements.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const { directory } = workspace();
const SLOW_MS = 120_000;
/** Threads take a moment to end. */
const SETTLE_MS = 500;

describeOracle("a queue", ["redis"], () => {
  let redis: RedisServer;
  let url = "";
  const workers: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await startRedis(directory);
    url = redis.url;
  });
  afterAll(() => {
    for (const worker of workers) worker.kill("SIGKILL");
    redis.stop();
  });

  /** Starts a worker, and waits for what it says after so many files. */
  async function startWorker(files: number, cache: readonly string[] = ["--no-cache"]): Promise<ChildProcess> {
    const args = [COMMAND, "worker", "--queue", url, "--jobs", "2", ...cache, "--json"];
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
    "gives the files that a killed worker held to another within seconds",
    ["redis"],
    async () => {
      const corpus = join(directory, "taken-over");
      const files = writeTinyCorpus(corpus, 2);
      // No other worker is to take them first.
      for (const worker of workers.splice(0)) worker.kill("SIGKILL");
      const dying = await startWorker(0);
      // With other options, for what was asked before is not done again.
      const args = [COMMAND, ...argsOf(corpus, "taken-over.tar", ["--queue", url, "--json", "--keep-names"])];
      const batch = spawn(process.execPath, args, { cwd: directory, stdio: "ignore" });
      const end = new Promise((resolve) => batch.on("close", resolve));
      // Its threads are not up yet, so it has both for a while.
      const client = new Redis(url);
      for (let held = 0; held < files.length && batch.exitCode === null; await setTimeout(5)) {
        held = 0;
        for (const key of await client.keys("bull:*:active")) held += await client.llen(key);
      }
      dying.kill("SIGKILL");
      const killed = performance.now();
      client.disconnect();
      await startWorker(files.length);
      expect(await end).toBe(0);
      const seconds = (performance.now() - killed) / 1000;
      // It holds them until its lock is over, and what was done meanwhile would have been no takeover.
      expect(seconds).toBeGreaterThan(1);
      // 12 at most (see queue-worker.ts), and the other one's start.
      expect(seconds).toBeLessThan(25);
    },
    SLOW_MS,
  );

  oracleIt(
    "takes no answer about another file that a worker sees under the path, and has done before",
    ["redis"],
    async () => {
      for (const worker of workers.splice(0)) worker.kill("SIGKILL");
      const corpus = join(directory, "stale");
      const [name = ""] = writeTinyCorpus(corpus, 1);
      const path = join(corpus, name);
      const args = (output: string) => argsOf(corpus, output, ["--queue", url, "--json", "--keep-long"]);
      const cache = ["--cache", join(directory, "worker-cache")];
      const old = readFileSync(path);
      const before = await startWorker(0, cache);
      expect((await runText(args("old.tar"), { cwd: directory })).code).toBe(0);
      before.kill("SIGKILL");

      const update = tinyKernel(64);
      writeFileSync(path, update);
      const batch = runText(args("new.tar"), { cwd: directory });
      const client = new Redis(url);
      for (let waiting = 0; waiting === 0; await setTimeout(5)) {
        for (const key of await client.keys("bull:*:wait")) waiting += await client.llen(key);
      }
      client.disconnect();
      // As one sees it who has mounted it long ago.
      writeFileSync(path, old);
      await startWorker(0, cache);
      const { code, stdout } = await batch;
      expect(code).toBe(1);
      expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
        kernels: { done: 0, failed: 1 },
        failed: [{ origin: name, reason: expect.stringContaining("its worker sees another file") }],
      });

      writeFileSync(path, update);
      expect((await runText(args("new.tar"), { cwd: directory })).code).toBe(0);
      const local = argsOf(corpus, "local-new.tar", ["--no-cache", "--keep-long"]);
      expect((await runText(local, { cwd: directory })).code).toBe(0);
      expect(bundleOf("new.tar")).toEqual(bundleOf("local-new.tar"));
      expect(bundleOf("new.tar")).not.toEqual(bundleOf("old.tar"));
    },
    SLOW_MS,
  );

  oracleIt(
    "keeps threads for the runs of now, and not for all that a worker ever saw",
    ["redis"],
    async () => {
      const corpus = join(directory, "changing");
      writeTinyCorpus(corpus, 4);
      for (const worker of workers.splice(0)) worker.kill("SIGKILL");
      const worker = await startWorker(0);
      const threads = () => readdirSync(`/proc/${worker.pid}/task`).length;
      const options = [[], ["--keep-names"], ["--layout-section"], ["--keep-long"], ["--padding", "explicit"]];
      const seen: number[] = [threads()];
      for (const [i, more] of options.entries()) {
        const args = argsOf(corpus, `changing-${i}.tar`, ["--queue", url, "--max-size", "99", ...more]);
        expect((await runText(args, { cwd: directory })).code).toBe(0);
        await setTimeout(SETTLE_MS);
        seen.push(threads());
      }
      // Two threads a run, of the last two.
      expect(seen.map((count) => count - (seen[0] ?? 0))).toEqual([0, 2, 4, 4, 4, 4]);
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
