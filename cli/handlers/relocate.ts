import type { Args } from "../command.ts";
import type { relocate as command } from "../commands/relocate.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { runRelocate } from "../prepare/relocate.ts";
import { relocateNotes, relocateText } from "../prepare/relocate-text.ts";

/** Relocates objects ahead of time. */
export async function relocate(args: Args<typeof command>): Promise<Outcome> {
  const { report, files, directory } = await runRelocate(args);
  // Standard output was to have the object: it gets nothing at all instead.
  const none = args.output === "-" ? [{ path: "-", bytes: new Uint8Array() }] : [];
  return {
    exitCode: report.written ? EXIT_FINE : EXIT_FINDING,
    json: report,
    text: () => relocateText(report),
    notes: relocateNotes(report),
    directories: report.written && directory !== null ? [directory] : [],
    files: report.written ? files : none,
  };
}
