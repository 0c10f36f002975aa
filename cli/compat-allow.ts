import type { CompatMatrix, MatrixOutcome } from "../corpus/compat/matrix.ts";
import { FINDING_STATUSES } from "../corpus/compat/matrix.ts";
import { type KernelIdentity, kernelKey } from "../corpus/kernel.ts";
import type { DescribedStatus } from "../lib/core/describe.ts";
import type { Place } from "../lib/core/place.ts";
import { type AllowRule, parseAllowList } from "./allow-list.ts";
import { InputError } from "./errors.ts";
import { globFilter } from "./glob.ts";

/** A rule of an allow-list, perhaps for some kernels alone. */
export interface CompatRule extends AllowRule {
  /** True for kernels that it speaks of. */
  readonly covers: (identity: KernelIdentity) => boolean;
}

/** `[debian/11/*] rest`, `[5.10.*] rest`. */
const KERNEL_PART = /^\s*\[([^\]]*)\]\s*/;

/**
 * Parses an allow-list as minimize has it, where a rule may begin with a kernel in brackets, `[GLOB] object:program:path`:
 * a pattern for `ID/VERSION_ID/ARCH/RELEASE` or for the release. Throws InputError with the line's number.
 */
export function parseCompatAllowList(text: string, source: string): CompatRule[] {
  const kernels = new Map<number, string>();
  const rest = text.split("\n").map((line, i) => {
    const match = KERNEL_PART.exec(line);
    if (match === null) return line;
    const pattern = (match[1] ?? "").trim();
    const rule = line.slice(match[0].length);
    if (pattern === "" || rule.trim() === "" || rule.startsWith("#")) {
      throw new InputError(
        `${source}:${i + 1}`,
        `"${line.trim()}" is no rule; it should be [kernel] object:program:path[:kind]`,
      );
    }
    kernels.set(i + 1, pattern);
    return rule;
  });
  return parseAllowList(rest.join("\n"), source).map((rule): CompatRule => {
    const pattern = kernels.get(rule.line);
    if (pattern === undefined) return { ...rule, covers: () => true };
    const matches = globFilter([pattern]);
    const covers = (identity: KernelIdentity) => matches(kernelKey(identity)) || matches(identity.release ?? "");
    return { ...rule, text: `[${pattern}] ${rule.text}`, covers };
  });
}

/** What --strict says of a matrix. */
export interface StrictVerdict {
  /** Relocations, counted on each kernel, that no rule lets pass. */
  readonly refused: number;
  readonly allowed: number;
  /** Kernels that have a refused one. */
  readonly kernels: number;
  /** The first of the refused in the matrix's order; null where there is none. */
  readonly first: { readonly kernel: string; readonly status: DescribedStatus; readonly place: Place } | null;
  /** Rules that let nothing pass. */
  readonly unusedRules: readonly { readonly line: number; readonly rule: string }[];
}

/** Holds every poisoned, ambiguous and erring relocation of a matrix on each of its kernels against the rules. */
export function judgeStrict(matrix: CompatMatrix, rules: readonly CompatRule[]): StrictVerdict {
  const used = new Set<CompatRule>();
  const acceptors = matrix.places.map((place) => rules.filter((rule) => rule.accepts(place)));
  const findingsOf = matrix.rows.map((row) =>
    row.flatMap((index) =>
      (matrix.outcomes[index] as MatrixOutcome).findings.filter(({ status }) => FINDING_STATUSES.has(status)),
    ),
  );
  let refused = 0;
  let allowed = 0;
  let kernels = 0;
  let first: StrictVerdict["first"] = null;
  for (const { identity, row } of matrix.kernels) {
    const before = refused;
    // A rule's glob is asked once a kernel, not once a finding.
    const covering = new Set(rules.filter(({ covers }) => covers(identity)));
    for (const { place, status } of findingsOf[row] ?? []) {
      const rule = acceptors[place]?.find((candidate) => covering.has(candidate));
      if (rule !== undefined) {
        used.add(rule);
        allowed++;
        continue;
      }
      refused++;
      first ??= { kernel: kernelKey(identity), status, place: matrix.places[place] as Place };
    }
    if (refused > before) kernels++;
  }
  const unusedRules = rules.filter((rule) => !used.has(rule)).map(({ line, text }) => ({ line, rule: text }));
  return { refused, allowed, kernels, first, unusedRules };
}
