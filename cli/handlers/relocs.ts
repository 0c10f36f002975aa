import type { Args } from "../command.ts";
import type { relocs as command } from "../commands/relocs.ts";
import { UsageError } from "../errors.ts";
import { type BtfBlob, parseTarget, readBtf, readModules } from "../inputs/btf-input.ts";
import { readObjects } from "../inputs/object-input.ts";
import { type RelocsReport, reportRelocations, summaryLines } from "../inspect/relocs-report.ts";
import { relocsText } from "../inspect/relocs-text.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";

/** Lists relocations, alone or resolved against a target. */
export async function relocs(args: Args<typeof command>): Promise<Outcome> {
  const inputs = readObjects(args.object);
  const target = await readTarget(args);
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

async function readTarget(args: Args<typeof command>) {
  if (args.target === undefined) {
    const needy = ["module", "loader", "strict"].find((name) => isGiven(args[name as "module" | "loader" | "strict"]));
    if (needy !== undefined) throw new UsageError(`relocs: --${needy} needs --target BTF`);
    return null;
  }
  const modules: BtfBlob[] = [];
  for (const path of args.module) modules.push(...(await readModules(path)));
  return parseTarget(await readBtf(args.target), modules);
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
