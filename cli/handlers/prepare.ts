import type { Args } from "../command.ts";
import type { prepare as command } from "../commands/prepare.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { planJson } from "../prepare/json.ts";
import { runPrepare } from "../prepare/run.ts";
import { prepareNotes, prepareText } from "../prepare/text.ts";

/** Plans what a loader does. */
export async function prepare(args: Args<typeof command>): Promise<Outcome> {
  const plans = await runPrepare({ ...args, btfFor: args["btf-for"] });
  const isFinding = plans.some(
    ({ refusals, programs }) =>
      refusals.length > 0 || (args.strict && programs.some(({ poisoned }) => poisoned.length > 0)),
  );
  return {
    exitCode: isFinding ? EXIT_FINDING : EXIT_FINE,
    json: { objects: plans.map(planJson) },
    text: () => plans.map(prepareText).join("\n"),
    notes: plans.flatMap(prepareNotes),
  };
}
