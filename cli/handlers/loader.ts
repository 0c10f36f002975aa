import type { Args } from "../command.ts";
import type { loader as command } from "../commands/loader.ts";
import { writeLoader } from "../loader/write.ts";
import { loaderNotes, loaderText } from "../loader/write-text.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

/** Writes an object's loader program. */
export async function loader(args: Args<typeof command>): Promise<Outcome> {
  const { report, bytes } = await writeLoader({
    ...args,
    btfFor: args["btf-for"],
    maxEntries: args["max-entries"],
    scheme: args["sign-scheme"],
  });
  // Standard output was to have the loader: it gets nothing at all instead.
  const none = args.output === "-" ? [{ path: "-", bytes: new Uint8Array() }] : [];
  return {
    exitCode: bytes === null ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => loaderText(report),
    notes: loaderNotes(report),
    files: bytes === null ? none : [{ path: args.output, bytes }],
  };
}
