import type { BpfObject } from "../../lib/core/object.ts";
import { choiceHint } from "../choice.ts";
import type { Args } from "../command.ts";
import type { relocs as command } from "../commands/relocs.ts";
import { UsageError } from "../errors.ts";
import { globFilter } from "../glob.ts";
import { readObjects } from "../inputs/object-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import { type RelocsReport, reportRelocations, summaryLines } from "../inspect/relocs-report.ts";
import { relocsText } from "../inspect/relocs-text.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

/** Options that are about what becomes of relocations on a kernel. */
const NEEDY = ["module", "loader", "strict"] as const;

/** Lists relocations, alone or resolved against a target. */
export async function relocs(args: Args<typeof command>): Promise<Outcome> {
  const needy = args.target === undefined ? NEEDY.find((name) => isGiven(args[name])) : undefined;
  if (needy !== undefined) throw new UsageError(`relocs: --${needy} needs --target BTF`);
  checkStandardInput("relocs", [args.target, ...args.module, ...args.object]);
  const inputs = readObjects(args.object, args.target === undefined);
  requirePrograms(args.program, inputs.objects);
  const target = args.target === undefined ? null : (await readTarget(args.target, args.module)).target;
  const report = reportRelocations(inputs, {
    target,
    rules: args.loader ?? "libbpf",
    programs: args.program,
    failedOnly: args.failed,
  });
  return {
    exitCode: isFinding(report, args.strict) ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => relocsText(report),
    notes: summaryLines(report),
  };
}

/** A name that no program has is a mistake: its relocations would all be found in order. Throws UsageError. */
function requirePrograms(patterns: readonly string[], objects: readonly BpfObject[]): void {
  const names = objects.flatMap(({ programs }) => programs.map(({ name }) => name));
  const wrong = patterns.find((pattern) => !names.some(globFilter([pattern])));
  if (wrong === undefined) return;
  throw new UsageError(`relocs: --program ${wrong}: no object has such a program`, choiceHint(wrong, names));
}

function isGiven(value: readonly string[] | string | boolean | undefined): boolean {
  return typeof value === "object" ? value.length > 0 : value !== undefined && value !== false;
}

/** Without a target too: an access string that makes no sense is an error on any kernel. */
function isFinding({ summary: { byStatus }, relocations }: RelocsReport, strict: boolean): boolean {
  if (byStatus === null) return relocations.some(({ original }) => original === null);
  const failed = (byStatus.ambiguous ?? 0) + (byStatus.error ?? 0);
  return failed > 0 || (strict && (byStatus.poisoned ?? 0) > 0);
}
