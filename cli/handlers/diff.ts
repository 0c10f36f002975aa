import type { Args } from "../command.ts";
import type { diff as command } from "../commands/diff.ts";
import { diffObjects } from "../diff/objects.ts";
import { diffOutcome } from "../diff/outcome.ts";
import { diffRequestOf, runDiff } from "../diff/run.ts";
import type { Outcome } from "../outcome.ts";

/** Compares the types of two kernels, or what objects find on two kernels and more. */
export async function diff(args: Args<typeof command>): Promise<Outcome> {
  if (args.object.length > 0) return diffObjects(args);
  const request = diffRequestOf(args);
  return diffOutcome(await runDiff(request), request);
}
