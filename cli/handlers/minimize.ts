import type { MinimizeOptions } from "../../lib/minimize/minimize.ts";
import type { Args } from "../command.ts";
import type { minimize as command } from "../commands/minimize.ts";
import { UsageError } from "../errors.ts";
import { type MinimizeRequest, minimizeOutcome, runMinimize } from "../minimize/run.ts";
import type { Outcome } from "../outcome.ts";

type MinimizeArgs = Args<typeof command>;

/** Minimizes one kernel, or a kernel and its modules. */
export async function minimize(args: MinimizeArgs): Promise<Outcome> {
  const request = requestOf(args);
  return minimizeOutcome(await runMinimize(request), request);
}

/** With --base the positional arguments are modules, else a kernel and objects. */
function requestOf(args: MinimizeArgs): MinimizeRequest {
  const { base, flatten, strict, allow, output } = args;
  const hasBase = base !== undefined;
  const modules = hasBase ? [args.btf, ...args.objects, ...args.module] : args.module;
  const objects = hasBase ? args.object : [...args.objects, ...args.object];
  const split = modules.length > 0 && !flatten;
  if (objects.length === 0) {
    throw new UsageError(
      "minimize: no object given",
      hasBase ? "With --base, name objects with --object FILE." : undefined,
    );
  }
  if (split && output === "-") {
    throw new UsageError(
      "minimize: kernel and modules are several files, which standard output cannot take",
      "Use --flatten, or -o DIR.",
    );
  }
  if (flatten && modules.length === 0) throw new UsageError("minimize: --flatten needs modules");
  if (allow !== undefined && !strict) throw new UsageError("minimize: --allow needs --strict");
  return {
    command: "minimize",
    kernel: base ?? args.btf,
    modules,
    objects,
    output,
    split,
    loaders: args.loader,
    options: optionsOf(args),
    keepAttachTargets: args["keep-attach-targets"],
    strict,
    allow,
    detail: args.json ? "all" : "summary",
  };
}

function optionsOf(args: MinimizeArgs): MinimizeOptions {
  return {
    keepNames: args["keep-names"],
    keepLong: args["keep-long"],
    layout: args["layout-section"],
    flatten: args.flatten,
    padding: args.padding ?? "offsets",
    keep: args.keep,
  };
}
