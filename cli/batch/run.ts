import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Assembled, assemble } from "../../corpus/batch/assemble.ts";
import { pruneCache } from "../../corpus/batch/cache-prune.ts";
import { findFiles } from "../../corpus/batch/find-files.ts";
import { tagFor } from "../../corpus/batch/object-tag.ts";
import { type BatchPlan, planBatch } from "../../corpus/batch/plan.ts";
import { defaultJobs, type Executor, startPool } from "../../corpus/batch/pool.ts";
import { startQueue } from "../../corpus/batch/queue.ts";
import type { FailedPart, PassedOver } from "../../corpus/batch/result.ts";
import { type RunEnd, runPlan } from "../../corpus/batch/run.ts";
import { type BatchObject, type BatchSetup, batchObject, batchSetup } from "../../corpus/batch/setup.ts";
import { hasState, openState, type RunState, statePath } from "../../corpus/batch/state.ts";
import { sha256 } from "../../corpus/bundle/bundle.ts";
import { type WrittenBundle, writeBundle } from "../../corpus/bundle/write.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { makeDirectory } from "../atomic.ts";
import { bundleError, checkBundleOutput } from "../bundle/output.ts";
import { InputError, UsageError } from "../errors.ts";
import { type AllowRule, parseAllowList, readAllowList } from "../inputs/allow-list.ts";
import { requireThere } from "../inputs/input.ts";
import { readObjects } from "../inputs/object-input.ts";
import { objectArgument } from "../inputs/tagged-objects.ts";
import { writeErr, writeOut } from "../output.ts";
import { printable } from "../table.ts";
import { checkObjectTargets, type EmittedReport, writeObjects } from "./objects.ts";
import { checkNotInput } from "./output.ts";
import { startProgress } from "./progress.ts";
import type { BatchRequest } from "./request.ts";
import { type KernelChecks, requireMachines, verifyKernels } from "./verify.ts";
import { kernelCheckLine, withChecks } from "./verify-report.ts";

/** A batch that could start now. */
export interface PreparedBatch {
  readonly request: BatchRequest;
  readonly setup: BatchSetup;
  /** In the order of the setup's objects. */
  readonly objects: readonly BpfObject[];
  readonly plan: BatchPlan;
  /** What of the corpus could not be looked at. */
  readonly problems: readonly FailedPart[];
  /** Bundles in the corpus. */
  readonly passedOver: readonly PassedOver[];
  /** Null without --strict. */
  readonly rules: readonly AllowRule[] | null;
}

/** A batch that has ended. */
export interface BatchRun {
  readonly end: RunEnd;
  /** Null where the run ended early. */
  readonly assembled: Assembled | null;
  /** Null where the run ended early, or nothing came of it. */
  readonly bundle: WrittenBundle | null;
  /** Bundles of relocated objects, instead of one of BTF; null where those were not asked for, or as `bundle`. */
  readonly objects: readonly EmittedReport[] | null;
  /** Null where no kernel was to be booted, or the run ended early. */
  readonly checks: KernelChecks | null;
}

const NO_FILE = "no file is in the corpus";
const ONLY_BUNDLES = "nothing but bundles of small BTF is in the corpus; one that is named itself is read";
const WORKER_FILE = "worker.cjs";
const BUILD_DIGITS = 12;
const SIGNAL_EXIT_BASE = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const VERSION = process.env.BTFGEN_BUILD_VERSION ?? "0.0.0";

/** The worker's code, beside the command's. */
export function workerFile(): string {
  return join(import.meta.dirname, WORKER_FILE);
}

/** What identifies this program: results of another one are not this one's. */
export function buildId(): string {
  return `${VERSION}-${sha256(readFileSync(workerFile())).slice(0, BUILD_DIGITS)}`;
}

/** Reads objects and lists the corpus. Throws UsageError, InputError or FormatError. */
export async function prepareBatch(request: BatchRequest): Promise<PreparedBatch> {
  const objects: BpfObject[] = [];
  const tagged: BatchObject[] = [];
  for (const argument of request.objects) {
    const { path, tag } = objectArgument(argument);
    for (const object of readObjects([path]).objects) {
      objects.push(object);
      tagged.push(batchObject(object, tagFor(tag, object.source)));
    }
  }
  requireThere(request.corpora);
  const { files, problems, passedOver } = findFiles(request.corpora);
  if (files.length === 0 && problems.length === 0) {
    throw new InputError(request.corpora.join(", "), passedOver.length === 0 ? NO_FILE : ONLY_BUNDLES);
  }
  checkNotInput(request.output, files);
  // What is no file is nobody's share: the first says it for all.
  const isFirst = request.shard === null || request.shard.index === 0;
  return {
    request,
    setup: batchSetup(buildId(), tagged, request.options),
    objects,
    plan: planBatch(files, request.shard),
    problems: isFirst ? problems : [],
    passedOver: isFirst ? passedOver : [],
    rules: request.strict ? readAllowList(request.allow, parseAllowList) : null,
  };
}

/**
 * Runs a prepared batch and writes its bundle. An interrupted one leaves its state and ends the process as the signal
 * asks. Throws RunError where the machine does not let it run.
 */
export async function runBatch(prepared: PreparedBatch): Promise<BatchRun> {
  const { request } = prepared;
  const { output } = request;
  return attempt(output, async () => {
    if (request.emit === "objects") checkObjectTargets(prepared);
    else checkBundleOutput(output);
    if (request.verifyKernel !== null) await requireMachines(prepared.plan.jobs, request.shard !== null);
    if (request.resume && !hasState(output)) {
      throw new UsageError(`batch: nothing to resume: there is no ${statePath(output)}`);
    }
    makeDirectory(dirname(output), true);
    const state = openState(output, request.resume);
    try {
      const { end, signal } = await runWorkers(prepared, state);
      if (end.ended !== "complete") {
        state.leave();
        if (signal !== undefined) endBySignal(prepared, end, signal);
        return { end, assembled: null, bundle: null, objects: null, checks: null };
      }
      if (hasNothing(prepared, end)) {
        state.finish();
        return { end, assembled: null, bundle: null, objects: null, checks: null };
      }
      const unchecked = assemble(end, prepared.setup, VERSION, request.shape, prepared.plan);
      const { assembled, checks } = await askKernels(prepared, end, unchecked, state);
      const written = await writeResults(prepared, assembled, checks);
      state.finish();
      if (request.cache !== null && request.queue === null) pruneCache(request.cache);
      return { end, assembled, ...written, checks };
    } catch (error) {
      state.leave();
      throw error;
    }
  });
}

/** Writes what there is. A bundle without a kernel is one for shards alone: it would take the place of a good one. */
async function writeResults(
  prepared: PreparedBatch,
  assembled: Assembled,
  checks: KernelChecks | null,
): Promise<Pick<BatchRun, "bundle" | "objects">> {
  const { output, shape, shard, emit } = prepared.request;
  const { entries, provenance } = assembled;
  if (entries.length === 0 && shard === null) return { bundle: null, objects: null };
  if (emit === "btf") return { bundle: await writeBundle(output, entries, shape, provenance), objects: null };
  const objects = await writeObjects(prepared, assembled, checks);
  return { bundle: objects[0]?.bundle ?? null, objects };
}

/** True where nothing of the corpus is a kernel's: hardly what was meant, and no bundle to replace another with. A shard may be so. */
function hasNothing({ request, problems }: PreparedBatch, { kernels, skipped, failed }: RunEnd): boolean {
  return request.shard === null && [kernels, skipped, failed, problems].every(({ length }) => length === 0);
}

/** Has kernels asked where that is wanted; what one of them refuses does not enter the bundle. */
async function askKernels(
  prepared: PreparedBatch,
  { kernels }: RunEnd,
  assembled: Assembled,
  state: RunState,
): Promise<{ readonly assembled: Assembled; readonly checks: KernelChecks | null }> {
  const { verifyKernel, json } = prepared.request;
  if (verifyKernel === null) return { assembled, checks: null };
  const kept = new Set(assembled.entries.map(({ identity }) => kernelKey(identity)));
  const onSignal = (name: NodeJS.Signals) => {
    state.leave();
    sayHowToGoOn(prepared, "while kernels were asked");
    // A machine that runs is ended, with this process, by whoever started it.
    setImmediate(() => process.exit(SIGNAL_EXIT_BASE + SIGNALS[name as keyof typeof SIGNALS]));
  };
  for (const name of Object.keys(SIGNALS)) process.once(name, onSignal);
  try {
    const inBundle = kernels.filter(({ identity }) => kept.has(kernelKey(identity)));
    const checks = await verifyKernels(prepared, inBundle, verifyKernel, (check) => {
      if (json) writeOut(`${JSON.stringify({ event: "verify-kernel", ...check })}\n`);
      else writeErr(`btfgen: ${printable(kernelCheckLine(check))}\n`);
    });
    return { assembled: withChecks(assembled, checks), checks };
  } finally {
    for (const name of Object.keys(SIGNALS)) process.removeListener(name, onSignal);
  }
}

interface WorkersEnd {
  readonly end: RunEnd;
  /** What interrupted it, if anything did. */
  readonly signal: keyof typeof SIGNALS | undefined;
}

async function runWorkers(prepared: PreparedBatch, state: RunState): Promise<WorkersEnd> {
  const { request, plan, problems } = prepared;
  const stop = new AbortController();
  const onSignal = (name: NodeJS.Signals) => stop.abort(name);
  for (const name of Object.keys(SIGNALS)) process.once(name, onSignal);
  const executor = await startExecutor(prepared, [...state.found.keys()]);
  const progress = startProgress(request.json);
  try {
    progress.onEvent({
      event: "start",
      files: plan.jobs.length,
      bytes: plan.jobs.reduce((sum, { size }) => sum + size, 0),
      workers: executor.slots,
      plan: plan.digest,
      shard: plan.shard === null ? null : `${plan.shard.index + 1}/${plan.shard.count}`,
    });
    for (const { origin, reason } of problems) progress.onProblem(origin, reason);
    const { onEvent } = progress;
    const end = await runPlan(plan, executor, { failFast: request.failFast, state, onEvent, signal: stop.signal });
    return { end, signal: stop.signal.reason };
  } finally {
    progress.end();
    await executor.close();
    for (const name of Object.keys(SIGNALS)) process.removeListener(name, onSignal);
  }
}

/** Says what to do next, and ends the process with the code that a shell gives to one that the signal has ended. */
function endBySignal(prepared: PreparedBatch, { files }: RunEnd, signal: keyof typeof SIGNALS): never {
  sayHowToGoOn(prepared, `after ${files} of ${prepared.plan.jobs.length} files`);
  process.exit(SIGNAL_EXIT_BASE + SIGNALS[signal]);
}

function sayHowToGoOn({ request: { output } }: PreparedBatch, when: string): void {
  writeErr(
    `btfgen: interrupted ${when}; no bundle is written\n` +
      `btfgen: what is done is in ${statePath(output)}: the same command with --resume goes on\n`,
  );
}

function startExecutor({ request, setup, plan }: PreparedBatch, known: readonly string[]): Promise<Executor> {
  if (request.queue !== null) {
    return startQueue(request.queue, setup, new Set(known), (note) => writeErr(`btfgen: ${note}\n`));
  }
  const jobs = Math.max(1, Math.min(request.jobs ?? defaultJobs(), plan.jobs.length));
  return startPool(setup, known, request.cache, { workerFile: workerFile(), jobs, timeout: request.timeout });
}

async function attempt<T>(output: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw bundleError(output, error);
  }
}
