import { pruneCache } from "../../corpus/batch/cache-prune.ts";
import { defaultJobs } from "../../corpus/batch/pool.ts";
import { startQueueWorker } from "../../corpus/batch/queue-worker.ts";
import { cacheOf, countOf, positive, queueUrl } from "../batch/request.ts";
import { buildId, workerFile } from "../batch/run.ts";
import type { Args } from "../command.ts";
import type { worker as command } from "../commands/worker.ts";
import { EXIT_FINE, type Outcome } from "../outcome.ts";
import { writeErr, writeOut } from "../output.ts";

/** Works for a queue until a signal ends it; the files at hand are finished first. */
export async function worker(args: Args<typeof command>): Promise<Outcome> {
  let files = 0;
  const cache = cacheOf(args.cache, args["no-cache"]);
  const stop = await startQueueWorker({
    url: queueUrl(args.queue),
    build: buildId(),
    workerFile: workerFile(),
    jobs: countOf("jobs", args.jobs) ?? defaultJobs(),
    timeout: positive("timeout", args.timeout),
    cache,
    onFile: (file, milliseconds) => {
      files++;
      if (args.json) writeOut(`${JSON.stringify({ event: "file", file, milliseconds: Math.round(milliseconds) })}\n`);
    },
  });
  writeErr(`btfgen: worker of version ${buildId()} waits for files\n`);
  await new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, resolve);
  });
  await stop();
  if (cache !== null) pruneCache(cache);
  return { exitCode: EXIT_FINE, json: { event: "end", files }, text: () => `${files} files done\n` };
}
