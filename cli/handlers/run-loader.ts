import type { Args } from "../command.ts";
import type { runLoader as command } from "../commands/run-loader.ts";
import { EXIT_COULD_NOT_RUN, EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { runLoaderFile } from "../run-loader-run.ts";
import { runLoaderNotes, runLoaderText } from "../run-loader-text.ts";

/** Has a kernel run a loader program. */
export async function runLoader(args: Args<typeof command>): Promise<Outcome> {
  const report = await runLoaderFile({
    file: args.file,
    kernel: args.kernel,
    logLevel: args["log-level"],
    timeout: args.timeout,
  });
  const { failed, cannot } = report;
  return {
    exitCode: cannot !== null ? EXIT_COULD_NOT_RUN : failed !== null ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => runLoaderText(report),
    notes: runLoaderNotes(report),
  };
}
