import { FINDING_STATUSES } from "../../corpus/compat/matrix.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import type { ObjectImpact, ProgramImpact } from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";
import { worksWith } from "../../lib/diff/works-with.ts";
import type { RuledPlace } from "../inputs/allow-list.ts";
import type { KernelRule } from "../inputs/kernel-allow.ts";

/** Why a program, or an object, that worked would not: a relocation, or a target, of which `kind` and `path` speak. */
export interface BreakingCause extends RuledPlace {
  /** `poisoned`, `ambiguous` or `error` of a relocation; `gone`, `incompatible` or `model` of a target. */
  readonly what: string;
}

/** What --strict says of a step. */
export interface ImpactStrict {
  /** Causes that no rule lets pass. */
  readonly refused: number;
  readonly allowed: number;
  /** The first of the refused; null where there is none. */
  readonly first: BreakingCause | null;
  /** Rules that let nothing pass. */
  readonly unusedRules: readonly { readonly line: number; readonly rule: string }[];
}

/** Holds what breaks programs against the rules, of which those for a kernel are about the new one. */
export function judgeImpact(
  objects: readonly ObjectImpact[],
  rules: readonly KernelRule[],
  kernel: KernelIdentity,
): ImpactStrict {
  const covering = rules.filter(({ covers }) => covers(kernel));
  const used = new Set<KernelRule>();
  const causes = objects.flatMap(causesOf);
  const refused = causes.filter((cause) => {
    const rule = covering.find(({ accepts }) => accepts(cause));
    if (rule !== undefined) used.add(rule);
    return rule === undefined;
  });
  return {
    refused: refused.length,
    allowed: causes.length - refused.length,
    first: refused[0] ?? null,
    unusedRules: rules.filter((rule) => !used.has(rule)).map(({ line, text }) => ({ line, rule: text })),
  };
}

/**
 * What a subprogram lacks is listed with it, and not with the programs that call it; what the object lacks once, and not
 * with each program: each cause is there once.
 */
function causesOf({ name, programs, targets, broken }: ObjectImpact): BreakingCause[] {
  const own = broken > 0 ? targets.filter(isBreaking) : [];
  return [
    ...programs.flatMap(programCauses),
    ...own.map((target) => ({ ...targetCause(target), object: name, program: target.user, section: target.user })),
  ];
}

function programCauses({ object, program, section, worked, works, fields, targets }: ProgramImpact): BreakingCause[] {
  if (!worked || works) return [];
  const place = { object, program, section };
  return [
    ...targets.filter(isBreaking).map((target) => ({ ...place, ...targetCause(target) })),
    ...fields.flatMap(({ path, relocations }) =>
      relocations
        .filter((relocation) => FINDING_STATUSES.has(relocation.new.status))
        .map((relocation) => ({ ...place, path, kind: relocation.kind, what: relocation.new.status })),
    ),
  ];
}

function isBreaking(target: AttachImpact): boolean {
  return worksWith(target, "old") && !worksWith(target, "new");
}

function targetCause({ kind, name, change }: AttachImpact): Pick<BreakingCause, "path" | "kind" | "what"> {
  return { path: name, kind, what: change };
}
