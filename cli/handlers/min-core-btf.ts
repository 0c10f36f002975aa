import { placeText } from "../../lib/core/place.ts";
import type { Args } from "../command.ts";
import type { minCoreBtf as command } from "../commands/min-core-btf.ts";
import { type MinimizeRequest, minimizeOutcome, runMinimize } from "../minimize/run.ts";
import type { Outcome } from "../outcome.ts";
import { printable } from "../table.ts";

/** Does what bpftool's command of this name does, as silently. */
export async function minCoreBtf({ btf, output, object, json }: Args<typeof command>): Promise<Outcome> {
  const request: MinimizeRequest = {
    command: "min_core_btf",
    kernel: btf,
    modules: [],
    objects: object,
    output,
    split: false,
    loaders: [],
    options: {},
    keepAttachTargets: false,
    strict: false,
    allow: undefined,
    detail: json ? "all" : "refusals",
  };
  const run = await runMinimize(request);
  const outcome = minimizeOutcome(run, request, true);
  // Without a summary there is no other place that says why the exit code is not 0.
  const refused = run.report.unresolved
    .filter(({ status }) => status === "error" || status === "ambiguous")
    .map((one) => printable(`${one.status}: ${placeText(one)}: ${one.reason}`));
  return { ...outcome, notes: [...(outcome.notes ?? []), ...refused] };
}
