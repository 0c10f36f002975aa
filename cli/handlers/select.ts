import { readEntry } from "../../corpus/bundle/read.ts";
import { selectKernel } from "../../corpus/bundle/select.ts";
import { openBundleArgument } from "../bundle/input.ts";
import { chosenKernel, selectReport } from "../bundle/select.ts";
import type { Args } from "../command.ts";
import type { select as command } from "../commands/select.ts";
import { kernelQuery } from "../inputs/host-kernel.ts";
import { nameOfInput } from "../inputs/input.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

/** Finds a kernel's entry and writes its BTF. */
export async function select(args: Args<typeof command>): Promise<Outcome> {
  const query = kernelQuery(args);
  const bundle = await openBundleArgument(args.bundle);
  // A tree does not say hashes; they are wanted where one release stands for several entries.
  const candidates = bundle.entries.map((entry) =>
    entry.identity.release === query.release ? { ...entry, blobHash: readEntry(bundle, entry).blobHash } : entry,
  );
  const selection = selectKernel(candidates, query);
  const chosen = chosenKernel(selection, args.nearest);
  const entry = chosen === null ? null : readEntry(bundle, chosen);
  const { notes, ...json } = selectReport(nameOfInput(args.bundle), query, selection, chosen, entry);
  return {
    exitCode: entry === null ? EXIT_FINDING : EXIT_FINE,
    json,
    text: () => (chosen === null ? "" : `${chosen.key}\n`),
    notes,
    files: entry === null || args.output === undefined ? [] : [{ path: args.output, bytes: entry.bytes }],
  };
}
