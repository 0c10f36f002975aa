import type { LintFinding } from "../../lib/btf/lint-finding.ts";
import type { ReloDescription } from "../../lib/core/describe.ts";
import { type Place, placeOf, placeText } from "../../lib/core/place.ts";
import { type MatchRules, RULE_SETS } from "../../lib/core/rules.ts";
import { describeChosen } from "../../lib/core/survey.ts";
import type { Difference } from "../../lib/verify/compare.ts";
import { type FullSide, formatMalformed, type Proof } from "../../lib/verify/prove.ts";
import { counted, printable } from "../table.ts";

/** Loaders by the names of their rules. */
export type LoaderName = MatchRules["name"];

/** What was proved of small BTF, or where that fails. */
export interface ProofReport {
  readonly holds: boolean;
  readonly loaders: readonly LoaderName[];
  /** Relocations that were resolved against both. */
  readonly relocations: number;
  /** Pairs of a relocation and one of its candidates in the full BTF. */
  readonly pairs: number;
  readonly differences: readonly DifferenceReport[];
  /** Why a kernel would refuse the small BTF, by file. */
  readonly malformed: readonly { readonly source: string; readonly finding: LintFinding }[];
}

/** A relocation that comes out otherwise on the small BTF. */
export interface DifferenceReport extends Place {
  readonly loader: LoaderName;
  /** What differs: the outcomes of candidates, what a loader decides, or which outcomes belong to one candidate. */
  readonly what: Difference["what"];
  readonly full: string;
  readonly small: string;
}

/** A proof as a document. */
export function reportProof(proof: Proof, { target }: Pick<FullSide, "target">): ProofReport {
  const differences = proof.ruleSets.flatMap((loader) => {
    const found = proof.differences.filter(({ rules }) => rules === loader);
    const described = describeChosen(
      found.map(({ record }) => record),
      target,
      RULE_SETS[loader],
      "none",
    );
    return found.map(({ record, full, small, what }): DifferenceReport => {
      const place = placeOf(described.get(record) as ReloDescription);
      return { ...place, loader, what, full, small };
    });
  });
  const { holds, relocations, pairs, malformed } = proof;
  return { holds, loaders: proof.ruleSets, relocations, pairs, differences, malformed };
}

/** One line for a proof that holds, else one for each fault, the kernel named. */
export function proofLines(report: ProofReport, kernel: string): string[] {
  if (report.holds) return [provedText(report)];
  const differences = report.differences.map(
    (difference) =>
      `${kernel}: ${placeText(difference)}: ${difference.what} under ${difference.loader} rules: ` +
      `full BTF "${difference.full}", small BTF "${difference.small}"`,
  );
  return [...differences, ...report.malformed.map(formatMalformed)].map(printable);
}

function provedText({ pairs, loaders }: ProofReport): string {
  if (pairs === 0) return "nothing to compare: no relocation has a candidate; BTF is well formed";
  const rules = loaders.length < 2 ? loaders.join() : `${loaders.slice(0, -1).join(", ")} and ${loaders.at(-1)}`;
  const have = pairs === 1 ? "has" : "have";
  return `${counted(pairs, "pair")} of relocation and candidate ${have} the same outcome under ${rules} rules; BTF is well formed`;
}
