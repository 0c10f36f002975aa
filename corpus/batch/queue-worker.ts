import type { Job } from "bullmq";
import { type PoolOptions, startPool } from "./pool.ts";
import { connect, getSetup, importQueue, type QueuedFile, queueName } from "./queue-link.ts";
import { encodeRecord } from "./record.ts";
import { setupPools } from "./setup-pools.ts";

/**
 * A worker that dies holds its job for LOCK_MS at most (a living one renews that every half of it). Those that are left
 * look for such jobs, and because a look within STALLED_EVERY_MS of another's is not done, up to two of these pass. So a
 * job is taken over 4 to 12 seconds after its worker's death.
 */
const LOCK_MS = 8000;
const STALLED_EVERY_MS = 2000;
/** A job whose worker died this often kills workers. */
const MOST_DEATHS = 3;

/** How a queue's worker works. */
export interface QueueWorkerOptions extends PoolOptions {
  readonly url: string;
  /** See BatchSetup. */
  readonly build: string;
  readonly cache: string | null;
  /** A file is done. */
  readonly onFile: (name: string, milliseconds: number) => void;
}

/** Starts to take files from a queue; the function ends that, after the files at hand. @throws CouldNotRunError */
export async function startQueueWorker(options: QueueWorkerOptions): Promise<() => Promise<void>> {
  const packages = await importQueue();
  const client = await connect(packages, options.url);
  const pools = setupPools(async (digest) => {
    const setup = await getSetup(client, options.build, digest);
    if (setup === null) throw new Error("the run's objects are not on the queue any more");
    return startPool(setup, [], options.cache, options);
  });
  const process = async ({ data }: Job<QueuedFile, string>): Promise<string> => {
    const begin = performance.now();
    const { setup, ...task } = data;
    const outcome = await pools.run(setup, task);
    // Nothing is known beforehand to a worker of a queue.
    if (outcome.from === "known") throw new Error("a result without content");
    options.onFile(task.name, performance.now() - begin);
    return Buffer.from(encodeRecord(outcome.result)).toString("base64");
  };
  const worker = new packages.bullmq.Worker<QueuedFile, string>(queueName(options.build), process, {
    connection: client,
    concurrency: options.jobs,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_EVERY_MS,
    maxStalledCount: MOST_DEATHS,
  });
  worker.on("error", () => {});
  await worker.waitUntilReady();
  return async () => {
    await worker.close();
    await pools.close();
    client.disconnect();
  };
}
