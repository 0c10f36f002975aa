import type { CompatMatrix, FindingStatus, MatrixOutcome } from "../../corpus/compat/matrix.ts";
import { FINDING_STATUSES } from "../../corpus/compat/matrix.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import type { FindingPlace } from "../../lib/core/place.ts";
import type { KernelRule } from "../inputs/kernel-allow.ts";
import { type LackingObject, lackingObjects } from "../objects/lacking.ts";

/** What --strict says of a matrix. */
export interface StrictVerdict {
  /** Relocations and targets, counted on each kernel, that no rule lets pass, ambiguous and erring ones among them. */
  readonly refused: number;
  readonly allowed: number;
  /** Kernels that have a refused one. */
  readonly kernels: number;
  /** The first of the refused in the matrix's order; null where there is none. */
  readonly first: { readonly kernel: string; readonly status: FindingStatus; readonly place: FindingPlace } | null;
  /** An object is the same on every kernel, so rules for some kernels alone do not speak of it. */
  readonly lacking: readonly LackingObject[];
  /** Rules that let nothing pass. */
  readonly unusedRules: readonly { readonly line: number; readonly rule: string }[];
}

/** What rules let pass: a program that is refused alone, and that a tool may do without. */
const PASSED_STATUSES: ReadonlySet<FindingStatus> = new Set(["poisoned", "no-target"]);

/**
 * Holds every poisoned, ambiguous and erring relocation of a matrix, and every target that is not there, on each of its
 * kernels against the rules. These let poisoned ones and targets pass, and no relocation with which a loader refuses the
 * whole object.
 */
export function judgeStrict(matrix: CompatMatrix, rules: readonly KernelRule[]): StrictVerdict {
  const used = new Set<KernelRule>();
  const acceptors = matrix.places.map((place) => rules.filter((rule) => rule.accepts(place)));
  // By place, as all programs of an object may share one.
  const findingsOf = matrix.rows.map((row) => {
    const findings = row.flatMap((index) => (matrix.outcomes[index] as MatrixOutcome).findings);
    return new Map(
      findings.flatMap(({ place, status }) => (FINDING_STATUSES.has(status) ? [[place, status] as const] : [])),
    );
  });
  let refused = 0;
  let allowed = 0;
  let kernels = 0;
  let first: StrictVerdict["first"] = null;
  for (const { identity, row } of matrix.kernels) {
    const before = refused;
    // A rule's glob is asked once a kernel, not once a finding.
    const covering = new Set(rules.filter(({ covers }) => covers(identity)));
    for (const [place, status] of findingsOf[row] ?? []) {
      const rule = PASSED_STATUSES.has(status)
        ? acceptors[place]?.find((candidate) => covering.has(candidate))
        : undefined;
      if (rule !== undefined) {
        used.add(rule);
        allowed++;
        continue;
      }
      refused++;
      first ??= { kernel: kernelKey(identity), status, place: matrix.places[place] as FindingPlace };
    }
    if (refused > before) kernels++;
  }
  const everywhere = rules.filter(({ kernels: pattern }) => pattern === null);
  const lacking = lackingObjects(matrix.objects, everywhere, used);
  const unusedRules = rules.filter((rule) => !used.has(rule)).map(({ line, text }) => ({ line, rule: text }));
  return { refused, allowed, kernels, first, lacking, unusedRules };
}
