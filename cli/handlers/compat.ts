import type { Args } from "../command.ts";
import type { compat as command } from "../commands/compat.ts";
import { compatOutcome } from "../compat/outcome.ts";
import { compatRequestOf, runCompatRequest } from "../compat/run.ts";
import type { Outcome } from "../outcome.ts";

/** Compares objects with the kernels of a corpus. */
export async function compat(args: Args<typeof command>): Promise<Outcome> {
  const request = compatRequestOf(args);
  return compatOutcome(await runCompatRequest(request), request);
}
