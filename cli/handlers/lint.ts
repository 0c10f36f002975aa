import { hasErrors, lintBtf } from "../../lib/btf/lint.ts";
import { formatFinding } from "../../lib/btf/lint-finding.ts";
import type { Args } from "../command.ts";
import type { lint as command } from "../commands/lint.ts";
import { UsageError } from "../errors.ts";
import { parseTarget, readBtf, readKernel, requireModule } from "../inputs/btf-input.ts";
import { type LintReport, lintTarget } from "../inspect/lint-report.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { counted } from "../table.ts";

/** Lists what is wrong with a blob. */
export async function lint(args: Args<typeof command>): Promise<Outcome> {
  const limit = args.limit ?? 1000;
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError(`lint: --limit ${limit} is not a positive number`);
  const blob = await readBtf(args.btf);
  if (args.base !== undefined) requireModule(blob);
  const base = args.base === undefined ? undefined : parseTarget(await readKernel(args.base));
  const { bytes, base: behind } = lintTarget(blob, base);
  const findings = lintBtf(bytes, {
    source: blob.source,
    limit,
    hasExt: blob.hasExt === true,
    ...(behind && { base: behind }),
  });
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const failed = hasErrors(findings) || (args.strict && findings.length > 0);
  const report: LintReport = { source: blob.source, bytes: bytes.length, errors, warnings, findings };
  return {
    exitCode: failed ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => findings.map((finding) => `${finding.severity}: ${formatFinding(finding)}\n`).join(""),
    notes: [`${blob.source}: ${counted(errors, "error")}, ${counted(warnings, "warning")}`],
  };
}
