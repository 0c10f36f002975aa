import { availableParallelism } from "node:os";
import type { Piscina } from "piscina";
import type { FileOutcome, FileTask } from "./process-file.ts";
import type { BatchSetup } from "./setup.ts";
import type { WorkerData } from "./worker.ts";

/** Something that does files' work, so many at once. */
export interface Executor {
  /** How many files to give it at once. */
  readonly slots: number;
  /** Does one file. A rejection says why nothing came of it (see failureReason) and is about this file alone. */
  run(task: FileTask): Promise<FileOutcome>;
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

/** As many as there are processors for this process. */
export function defaultJobs(): number {
  return availableParallelism();
}

/** A file took too long. */
class TimeoutError extends Error {}

/**
 * Starts worker threads. A worker that exits, runs out of memory or is stopped for taking too long is replaced; only the
 * file it had is lost.
 */
export async function startPool(
  setup: BatchSetup,
  known: readonly string[],
  cache: string | null,
  { workerFile, jobs, timeout, heapMegabytes = HEAP_MEGABYTES }: PoolOptions,
): Promise<Executor> {
  const { Piscina } = await import("piscina");
  const data: WorkerData = { setup, cache, known };
  const pool: Piscina<FileTask, FileOutcome> = new Piscina({
    filename: workerFile,
    name: "work",
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

async function runWithin(pool: Piscina<FileTask, FileOutcome>, task: FileTask, seconds: number): Promise<FileOutcome> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), seconds * MILLISECONDS);
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
