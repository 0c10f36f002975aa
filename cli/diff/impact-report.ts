import type { Btf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type MatchRules, RULE_SETS } from "../../lib/core/rules.ts";
import {
  impactOn,
  type ObjectImpact,
  RELOCATION_CHANGES,
  type RelocationChange,
  skippedImpact,
} from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";

/** The document of `btfgen diff OLD NEW --object ... --json`; docs/FORMATS.md has it in words. */
export interface ImpactReport {
  /** Version of this schema. */
  readonly version: 1;
  readonly rules: MatchRules["name"];
  readonly old: ImpactKernel;
  readonly new: ImpactKernel;
  readonly totals: ImpactTotals;
  readonly objects: readonly ObjectImpact[];
}

/** One of the two kernels. */
interface ImpactKernel {
  readonly source: string;
  readonly modules: readonly string[];
}

/** Counts over all objects. */
export interface ImpactTotals {
  readonly objects: number;
  readonly skipped: number;
  readonly programs: number;
  /** Programs that worked on the old kernel and would not on the new, as in ObjectImpact. */
  readonly broken: number;
  /** The other way round. */
  readonly mended: number;
  /** Relocations by what becomes of them; every change is there. */
  readonly relocations: Readonly<Record<RelocationChange, number>>;
  /** Targets that are gone, incompatible, or called another way. */
  readonly targets: number;
}

/**
 * Asks what a step from one kernel to another does to objects. `skip` says why an object is not for them, or null. Throws
 * FormatError.
 */
export function impactReport(
  objects: readonly BpfObject[],
  old: Btf,
  next: Btf,
  rules: MatchRules["name"],
  skip: (object: number) => string | null = () => null,
): ImpactReport {
  const query = { old: indexCandidates(old), new: indexCandidates(next), rules: RULE_SETS[rules] };
  const impacts = objects.map((object, at) => {
    const skipped = skip(at);
    return skipped === null ? impactOn(object, query) : skippedImpact(object, skipped);
  });
  return {
    version: 1,
    rules,
    old: kernelOf(old),
    new: kernelOf(next),
    totals: totalsOf(impacts),
    objects: impacts,
  };
}

function kernelOf({ source, segments }: Btf): ImpactKernel {
  return { source, modules: segments.slice(1).map((segment) => segment.source) };
}

function totalsOf(impacts: readonly ObjectImpact[]): ImpactTotals {
  const programs = impacts.flatMap((impact) => impact.programs);
  const relocations = Object.fromEntries(RELOCATION_CHANGES.map((change) => [change, 0])) as Record<
    RelocationChange,
    number
  >;
  for (const { fields } of programs)
    for (const field of fields) for (const { change } of field.relocations) relocations[change]++;
  return {
    objects: impacts.length,
    skipped: impacts.filter(({ skipped }) => skipped !== null).length,
    programs: programs.length,
    broken: impacts.reduce((sum, { broken }) => sum + broken, 0),
    mended: impacts.reduce((sum, { mended }) => sum + mended, 0),
    relocations,
    targets: impacts.flatMap(allTargets).filter(({ change }) => WORSE.has(change)).length,
  };
}

const WORSE: ReadonlySet<AttachImpact["change"]> = new Set(["gone", "incompatible", "model"]);

function allTargets({ programs, targets }: ObjectImpact): AttachImpact[] {
  return [...programs.flatMap((program) => program.targets), ...targets];
}
