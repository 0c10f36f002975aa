import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import type { FileOutcome, FileTask } from "./process-file.ts";
import type { BatchSetup } from "./setup.ts";
import type { WorkerData } from "./worker.ts";

/** Something that does files' work, so many at once: a batch's, unless other types say so. */
export interface Executor<Task = FileTask, Outcome = FileOutcome> {
  /** How many files to give it at once. */
  readonly slots: number;
  /** Does one file. A rejection says why nothing came of it (see failureReason) and is about this file alone. */
  run(task: Task): Promise<Outcome>;
  /** Ends it, and whatever it is doing. */
  close(): Promise<void>;
}

/** How to run workers. */
export interface PoolOptions {
  /** The bundled worker: dist/worker.cjs. */
  readonly workerFile: string;
  readonly jobs: number;
  /** For one file, in seconds; null for no limit. */
  readonly timeout: number | null;
  /** JavaScript heap of one worker, in MiB. The bytes of files are not in it. */
  readonly heapMegabytes?: number;
}

/** A kernel's types live in typed arrays, outside of this; what is in it are records and strings. */
const HEAP_MEGABYTES = 1024;
const MILLISECONDS = 1000;
/** Timers that are set for longer end at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** As many as there are processors for this process. */
export function defaultJobs(): number {
  return availableParallelism();
}

/** A file took too long. */
class TimeoutError extends Error {}

/** Starts worker threads for a batch. */
export function startPool(
  setup: BatchSetup,
  known: readonly string[],
  cache: string | null,
  options: PoolOptions,
): Promise<Executor> {
  return startThreads("work", { setup, cache, known } satisfies WorkerData, options);
}

/**
 * Starts worker threads that run one of the worker file's exports: `data` is what each of them gets at its start. A
 * worker that exits, runs out of memory or is stopped for taking too long is replaced; only the file it had is lost.
 */
export async function startThreads<Task, Outcome>(
  name: string,
  data: unknown,
  { workerFile, jobs, timeout, heapMegabytes = HEAP_MEGABYTES }: PoolOptions,
): Promise<Executor<Task, Outcome>> {
  const { Piscina } = await import("piscina");
  const pool: Piscina<Task, Outcome> = new Piscina({
    filename: workerFile,
    name,
    minThreads: jobs,
    maxThreads: jobs,
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  return {
    slots: jobs,
    run: (task) => (timeout === null ? pool.run(task) : runWithin(pool, task, timeout)),
    close: () => pool.destroy(),
  };
}

async function runWithin<Task, Outcome>(pool: Piscina<Task, Outcome>, task: Task, seconds: number): Promise<Outcome> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), Math.min(seconds * MILLISECONDS, LONGEST_MS));
  try {
    return await pool.run(task, { signal: controller.signal });
  } catch (error) {
    if (controller.signal.aborted) throw new TimeoutError(`took more than ${seconds} s and was stopped`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Why an executor gave nothing for a file, in one line. */
export function failureReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof TimeoutError) return error.message;
  const code = "code" in error ? error.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return "its worker ran out of memory";
  const [line = ""] = error.message.split("\n");
  return `its worker failed: ${line}`;
}
