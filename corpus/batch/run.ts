import { COLLECT_EVERY, collectAll } from "./collect.ts";
import type { BatchEvent, FileEvent, KernelEvent, ResultOrigin } from "./event.ts";
import type { BatchPlan, PlannedFile } from "./plan.ts";
import { type Executor, failureReason } from "./pool.ts";
import { type FileOutcome, failedFile } from "./process-file.ts";
import type { FileResult, PartResult } from "./result.ts";
import type { RunState } from "./state.ts";
import { type BatchTally, emptyTally } from "./tally.ts";

/** How to run. */
export interface RunOptions {
  /** Stop at the first failure. */
  readonly failFast: boolean;
  /** Null where nothing can be resumed: the bundle goes to standard output. */
  readonly state: RunState | null;
  readonly onEvent: (event: BatchEvent) => void;
  /** Stops the run: what is being done is dropped. */
  readonly signal?: AbortSignal;
}

/** How a run ended: `complete`, though kernels may have failed, or before that. */
export interface RunEnd extends BatchTally {
  readonly ended: "complete" | "fail-fast" | "interrupted";
}

/**
 * Runs a plan: at most `executor.slots` files at once, and nothing waits in a queue. Files finish in any order; what
 * they gave is put together in the plan's, so that the result depends on the inputs alone.
 */
export async function runPlan(plan: BatchPlan, executor: Executor, options: RunOptions): Promise<RunEnd> {
  const { failFast, state, onEvent, signal } = options;
  const tally = emptyTally();
  let next = 0;
  let done = 0;
  let ended: RunEnd["ended"] = "complete";
  const goesOn = () => ended === "complete" && next < plan.jobs.length;
  const stopped = new Promise<void>((resolve) => {
    const stop = () => {
      ended = "interrupted";
      resolve();
    };
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
  const lane = async () => {
    while (goesOn()) {
      const job = plan.jobs[next++] as PlannedFile;
      onEvent({ event: "file-start", index: job.index, file: job.name });
      const { result: nameless, from, milliseconds } = await doFile(job, executor, state);
      // What a stopped run gets is of workers that are being ended.
      if (ended === "interrupted") return;
      if (from !== "resume") state?.append(nameless);
      const result = named(nameless, job);
      tally.add(job, result, milliseconds);
      onEvent(fileEvent(job, result, from, milliseconds));
      if (++done % COLLECT_EVERY === 0) collectAll();
      if (failFast && result.parts.some((part) => part.state === "failed")) ended = "fail-fast";
    }
  };
  // What fails here (the journal's disk is full) ends the run, and the other lanes with it.
  const guarded = () =>
    lane().catch((error: unknown) => {
      ended = "interrupted";
      throw error;
    });
  const lanes = Array.from({ length: Math.min(executor.slots, plan.jobs.length) }, guarded);
  await Promise.race([Promise.all(lanes), stopped]);
  return { ...tally.sorted(), ended };
}

interface DoneFile {
  readonly result: FileResult;
  readonly from: ResultOrigin;
  readonly milliseconds: number;
}

async function doFile(job: PlannedFile, executor: Executor, state: RunState | null): Promise<DoneFile> {
  let outcome: FileOutcome;
  try {
    outcome = await executor.run({ path: job.path, name: job.name, isNamed: job.isNamed });
  } catch (error) {
    return { result: failedFile(failureReason(error)), from: "work", milliseconds: 0 };
  }
  if (outcome.from !== "known") return outcome;
  const result = state?.found.get(outcome.key);
  if (result === undefined) throw new Error(`a worker knows a result that is not there: ${outcome.key}`);
  return { result, from: "resume", milliseconds: 0 };
}

/** Puts the file's name in front of its parts' own. */
function named(result: FileResult, { name }: PlannedFile): FileResult {
  return { ...result, parts: result.parts.map((part) => ({ ...part, origin: `${name}${part.origin}` })) };
}

function fileEvent(job: PlannedFile, result: FileResult, from: ResultOrigin, milliseconds: number): FileEvent {
  const kernels = result.parts.map(kernelEvent);
  const bytes = result.bytesRead;
  return {
    event: "file",
    index: job.index,
    file: job.name,
    bytes,
    from,
    milliseconds: Math.round(milliseconds),
    kernels,
  };
}

function kernelEvent(part: PartResult): KernelEvent {
  const nothing = { identity: null, reason: null, bytes: null, sha256: null, unresolved: null };
  const { state, origin } = part;
  if (part.state === "failed" || part.state === "passed-over")
    return { ...nothing, state, origin, reason: part.reason };
  if (part.state === "skipped") return { ...nothing, state, origin, identity: part.identity, reason: part.reason };
  const { poisoned, ambiguous, error } = part.counts;
  return {
    state,
    origin,
    identity: part.identity,
    reason: null,
    bytes: part.bytes.length,
    sha256: part.blobHash,
    unresolved: { poisoned, ambiguous, error },
  };
}
