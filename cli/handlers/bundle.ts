import type { Args } from "../command.ts";
import type { bundle as command } from "../commands/bundle.ts";
import { UsageError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";

/** Hands over to the action. */
export async function bundle(args: Args<typeof command>): Promise<Outcome> {
  const { output, naming, partial } = args;
  if (args.action !== "merge" && (output !== undefined || naming !== undefined || partial)) {
    throw new UsageError(`bundle ${args.action} takes neither --output nor --naming nor --partial`);
  }
  const actions = await import("../bundle/actions.ts");
  if (args.action === "merge") return actions.mergeAction(args.bundles, output, { partial, ...(naming && { naming }) });
  if (args.action === "verify") return actions.verifyAction(args.bundles);
  const [path, ...others] = args.bundles;
  if (path === undefined || others.length > 0) throw new UsageError(`bundle ${args.action} takes one bundle`);
  return args.action === "list" ? actions.listAction(path) : actions.showAction(path);
}
