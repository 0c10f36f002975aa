import { batchOutcome } from "../batch/outcome.ts";
import { planOutcome } from "../batch/plan.ts";
import { requestOf } from "../batch/request.ts";
import { prepareBatch, runBatch } from "../batch/run.ts";
import type { Args } from "../command.ts";
import type { batch as command } from "../commands/batch.ts";
import type { Outcome } from "../outcome.ts";

/** Plans, and unless that is all that is wanted, minimizes a corpus into a bundle. */
export async function batch(args: Args<typeof command>): Promise<Outcome> {
  const request = requestOf(args);
  const prepared = await prepareBatch(request);
  return args.plan ? planOutcome(prepared) : batchOutcome(await runBatch(prepared), prepared);
}
