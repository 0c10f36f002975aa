import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Job, Worker } from "bullmq";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { collectAll } from "../../../corpus/batch/collect.ts";
import type { Executor } from "../../../corpus/batch/pool.ts";
import { startQueue } from "../../../corpus/batch/queue.ts";
import { type QueuedFile, queueName } from "../../../corpus/batch/queue-link.ts";
import { encodeRecord } from "../../../corpus/batch/record.ts";
import type { FileResult } from "../../../corpus/batch/result.ts";
import { holes, workspace } from "../../cli/workspace.ts";
import { type RedisServer, startRedis } from "../../oracle/redis.ts";
import { describeOracle } from "../../oracle/requirements.ts";
import { tinyKernel, tinySetup } from "./tiny-corpus.ts";

const { directory, put } = workspace();
const BUILD = "test";
/** More than is kept for the next file (see fileBuffer). */
const LARGE = 40 << 20;

describeOracle("a batch's end of the queue", ["redis"], () => {
  let redis: RedisServer;
  let queue: Executor;
  let worker: Worker | undefined;

  beforeAll(async () => {
    redis = await startRedis(directory);
    queue = await startQueue(redis.url, tinySetup(BUILD), new Set(), () => {});
  });
  afterEach(async () => {
    await worker?.close();
    worker = undefined;
  });
  afterAll(async () => {
    await queue.close();
    redis.stop();
  });

  /** A worker that gives such an answer to every job. */
  function answering(answer: (key: string, data: QueuedFile) => Uint8Array): void {
    const work = async ({ id = "", data }: Job<QueuedFile>) => Buffer.from(answer(id, data)).toString("base64");
    worker = new Worker(queueName(BUILD), work, { connection: { url: redis.url }, concurrency: 8 });
  }

  const nothing = (key: string): FileResult => ({ key, sourceHash: "", bytesRead: 0, parts: [] });
  const run = (path: string) => queue.run({ path, name: path, isNamed: false });

  it.each<[string, (key: string) => Uint8Array, string]>([
    ["is about another file", (key) => encodeRecord(nothing(key.replaceAll(/./g, "0"))), "answered for another file"],
    ["is damaged", (key) => encodeRecord(nothing(key)).subarray(1), "answer is damaged"],
  ])("does not take an answer that %s, and asks again the next time", async (what, answer, reason) => {
    const path = put(`${what}.btf`, tinyKernel(0));
    let asked = 0;
    answering((key) => (asked++ === 0 ? answer(key) : encodeRecord(nothing(key))));
    const refused = { state: "failed", reason: expect.stringContaining(reason) };
    expect(await run(path)).toMatchObject({ from: "work", result: { key: "", parts: [refused] } });
    expect(await run(path)).toMatchObject({ from: "work", result: { parts: [] } });
    expect(await run(path)).toMatchObject({ from: "work", result: { parts: [] } });
    expect(asked).toBe(2);
  });

  it.each([
    ["a file that is not there", "nowhere", "no such file or directory"],
    ["a directory", ".", "is a directory"],
  ])("says what the system says of %s, and asks nobody", async (_, name, reason) => {
    expect(await run(join(directory, name))).toMatchObject({ result: { parts: [{ state: "failed", reason }] } });
  });

  it("holds no file that it waits for", async () => {
    const paths = Array.from({ length: 3 }, (_, i) => holes(put(`large-${i}`, ""), LARGE));
    collectAll();
    const before = process.memoryUsage().arrayBuffers;
    const outcomes = paths.map(run);
    let held = 0;
    // Their hashes are made before anything else is done.
    for (let i = 0; i < 5; i++) {
      await pause(20);
      collectAll();
      held = process.memoryUsage().arrayBuffers - before;
    }
    answering((key) => encodeRecord(nothing(key)));
    await Promise.all(outcomes);
    expect(held).toBeLessThan(LARGE);
  });
});
