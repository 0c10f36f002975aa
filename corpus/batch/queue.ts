import { resolve } from "node:path";
import type { Job } from "bullmq";
import { fileBuffer } from "./file-buffer.ts";
import { hashOfFile } from "./load-file.ts";
import type { Executor } from "./pool.ts";
import { type FileOutcome, type FileTask, failedFile, reasonOf } from "./process-file.ts";
import { connect, importQueue, putSetup, type QueuedFile, queueName } from "./queue-link.ts";
import { readRecord } from "./record.ts";
import { type FileResult, isReusable } from "./result.ts";
import { type BatchSetup, contentKey, fileHint } from "./setup.ts";

/** Files given to the queue at once: enough for any number of workers, and few enough to hold. */
const SLOTS = 256;
const ATTEMPTS = 2;
/** How long finished work is kept for runs that ask for the same. */
const KEEP_SECONDS = 24 * 3600;
const KEEP_COUNT = 20_000;
/** Events can be lost with a connection: then the job itself is asked. */
const ASK_EVERY_MS = 5000;

/**
 * An executor that lets other machines do the work, through BullMQ on Redis. A job's id is its content key: a file that
 * is added twice, by this run or another, is done once, and one that two workers have done gives the same twice.
 * @throws CouldNotRunError where packages or server are missing.
 */
export async function startQueue(
  url: string,
  setup: BatchSetup,
  known: ReadonlySet<string>,
  onNote: (note: string) => void,
): Promise<Executor> {
  const packages = await importQueue();
  const client = await connect(packages, url);
  const name = queueName(setup.build);
  const queue = new packages.bullmq.Queue<QueuedFile, string>(name, { connection: client });
  const events = new packages.bullmq.QueueEvents(name, { connection: client.duplicate() });
  queue.on("error", () => {});
  events.on("error", () => {});
  // Each file that is waited for listens to both.
  queue.setMaxListeners(0);
  events.setMaxListeners(0);
  await events.waitUntilReady();
  await putSetup(client, setup);
  if ((await queue.getWorkersCount()) === 0) onNote(`no worker of version ${setup.build} is on the queue yet`);

  const buffer = fileBuffer();
  const run = async (task: FileTask): Promise<FileOutcome> => {
    const begin = performance.now();
    let expectedHash: string;
    try {
      expectedHash = await hashOfFile(task.path, buffer);
    } catch (error) {
      return { from: "work", result: failedFile(reasonOf(error)), milliseconds: performance.now() - begin };
    }
    const key = contentKey(setup, expectedHash, fileHint(task, setup));
    if (known.has(key)) return { from: "known", key };
    const data: QueuedFile = { setup: setup.digest, ...task, path: resolve(task.path), expectedHash };
    const job = await queue.add("file", data, {
      jobId: key,
      attempts: ATTEMPTS,
      removeOnComplete: { age: KEEP_SECONDS, count: KEEP_COUNT },
      removeOnFail: true,
    });
    const result = resultOf(await finished(job), key);
    // What failed may be another worker's to do, the next time it is asked for.
    if (!isReusable(result)) await job.remove().catch(() => {});
    return { from: "work", result, milliseconds: performance.now() - begin };
  };

  const finished = async (job: Job<QueuedFile, string>): Promise<string> => {
    for (;;) {
      try {
        return await job.waitUntilFinished(events, ASK_EVERY_MS);
      } catch (error) {
        if (!(error instanceof Error && error.message.includes("timed out before finishing"))) throw error;
      }
    }
  };

  return {
    slots: SLOTS,
    run,
    close: async () => {
      await events.close();
      await queue.close();
      client.disconnect();
    },
  };
}

/** A worker's answer to the job of this key. One that is not whole, or about another file, is none. */
function resultOf(base64: string, key: string): FileResult {
  const found = readRecord(Buffer.from(base64, "base64"));
  if (found === null) return failedFile("a worker's answer is damaged");
  const { result } = found;
  return isReusable(result) && result.key !== key ? failedFile("a worker has answered for another file") : result;
}
