import { lintBtf } from "../btf/lint.ts";
import { formatFinding, type LintFinding } from "../btf/lint-finding.ts";
import { type BtfInput, parseBtf, parseModules } from "../btf/parse.ts";
import type { Btf } from "../btf/view.ts";
import { indexCandidates } from "../core/candidates.ts";
import type { BpfObject } from "../core/object.ts";
import { type RuleSetRecords, resolveSets } from "../core/resolve-sets.ts";
import type { MatchRules } from "../core/rules.ts";
import { findSharedTails } from "./cilium-strings.ts";
import { type AlikeCandidates, compareSides, type Difference } from "./compare.ts";
import { addUntold } from "./told.ts";

/** A difference, and the rules under which it shows: the first where several show the very same. */
export interface ProofDifference extends Difference {
  readonly rules: MatchRules["name"];
}

/** What was checked of a small BTF, and what came out. */
export interface Proof {
  /** True when no outcome differs and every blob is well formed. */
  readonly holds: boolean;
  /** The rule sets under which every relocation was resolved again. */
  readonly ruleSets: readonly MatchRules["name"][];
  /** Relocations resolved against both, each counted once. */
  readonly relocations: number;
  /** Pairs of relocation and candidate in the full BTF, each counted once. */
  readonly pairs: number;
  readonly differences: readonly ProofDifference[];
  /** Errors of form in the small blobs, by file; a kernel would refuse them. */
  readonly malformed: readonly { readonly source: string; readonly finding: LintFinding }[];
}

/** The full BTF and all that was resolved against it. */
export interface FullSide {
  readonly target: Btf;
  readonly sets: readonly RuleSetRecords[];
}

/**
 * Resolves every relocation against the full BTF, under every rule set. A minimizer wants the evidence too; a proof
 * does without.
 * @throws FormatError where types run in circles that would hang a loader.
 */
export function resolveFull(
  target: Btf,
  objects: readonly BpfObject[],
  ruleSets: readonly MatchRules[],
  evidence = false,
): FullSide {
  return { target, sets: resolveSets(objects, indexCandidates(target), ruleSets, evidence) };
}

/** The blobs that are to stand for the full BTF: a base, then modules as split BTF on it. */
export type SmallSide = readonly [BtfInput, ...BtfInput[]];

/**
 * Proves small BTF, or shows where it fails: its bytes are parsed afresh, checked for form, and every relocation is
 * resolved against them again, under every rule set, and compared with the records of the full BTF.
 * Knows nothing of how the small BTF was made.
 * @throws FormatError when the small bytes are no BTF at all.
 */
export function prove(objects: readonly BpfObject[], full: FullSide, small: SmallSide): Proof {
  const [baseInput, ...modules] = small;
  const base = parseBtf(baseInput.bytes, { source: baseInput.source });
  const target = modules.length === 0 ? base : parseModules(base, modules);
  const index = indexCandidates(target);
  const sets = resolveSets(
    objects,
    index,
    full.sets.map(({ rules }) => rules),
    false,
  );
  const alike: AlikeCandidates = new Map();
  const differences: ProofDifference[] = [];
  full.sets.forEach(({ rules, records }, i) => {
    const smallRecords = (sets[i] as RuleSetRecords).records;
    const found = compareSides({ target: full.target, records }, { target, records: smallRecords }, rules, alike);
    addUntold(
      differences,
      found.map((difference) => ({ ...difference, rules: rules.name })),
    );
  });
  const malformed = small.flatMap(({ source, bytes }, i) =>
    lintBtf(bytes, i === 0 ? { source } : { source, base })
      .filter(({ severity }) => severity === "error")
      .map((finding) => ({ source, finding })),
  );
  if (full.sets.some(({ rules }) => rules.algorithm === "cilium")) {
    for (const tail of findSharedTails(target)) malformed.push(tail);
  }
  const first = full.sets[0]?.records ?? [];
  return {
    holds: differences.length === 0 && malformed.length === 0,
    ruleSets: full.sets.map(({ rules }) => rules.name),
    relocations: first.length,
    pairs: first.reduce((sum, { candidates }) => sum + candidates.length, 0),
    differences,
    malformed,
  };
}

/** One line for an error of form. */
export function formatMalformed({ source, finding }: Proof["malformed"][number]): string {
  return `${source}: ${formatFinding(finding)}`;
}
