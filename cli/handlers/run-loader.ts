import type { Args } from "../command.ts";
import type { runLoader as command } from "../commands/run-loader.ts";
import { runLoaderFiles } from "../loader/run-loader.ts";
import { runLoaderNotes, runLoaderText } from "../loader/run-loader-text.ts";
import { EXIT_COULD_NOT_RUN, EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

/** Has a kernel run a loader program. */
export async function runLoader(args: Args<typeof command>): Promise<Outcome> {
  const report = await runLoaderFiles({
    files: args.file,
    kernel: args.kernel,
    cert: args.cert,
    logLevel: args["log-level"],
    timeout: args.timeout,
  });
  const { loaders } = report;
  const isAny = (what: "cannot" | "failed") => loaders.some((loader) => loader[what] !== null);
  return {
    exitCode: isAny("cannot") ? EXIT_COULD_NOT_RUN : isAny("failed") ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => runLoaderText(report),
    notes: runLoaderNotes(report),
  };
}
