import type { Args } from "../command.ts";
import type { extract as command } from "../commands/extract.ts";
import { extractOutcome } from "../extract/outcome.ts";
import { requestOf, runExtract } from "../extract/run.ts";
import { checkStandardInput } from "../inputs/target-input.ts";
import type { Outcome } from "../outcome.ts";

/** Writes the BTF of every kernel in the sources. */
export async function extract(args: Args<typeof command>): Promise<Outcome> {
  checkStandardInput("extract", args.source);
  return extractOutcome(await runExtract(args.source, requestOf(args)), args.source);
}
