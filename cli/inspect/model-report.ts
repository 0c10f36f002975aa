import { KIND_FUNC } from "../../lib/btf/format.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { type Btf, kindName, kindOf, segmentOf, typeCount } from "../../lib/btf/view.ts";
import type { AttachTarget } from "../../lib/core/attach-targets.ts";
import { type FunctionModel, type FunctionModelOptions, functionModel } from "../../lib/core/function-model.ts";
import type { KernelField } from "../../lib/core/kernel-fields.ts";
import { nearest } from "../../lib/core/nearest.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type ResolvedField, resolveFields } from "../../lib/core/resolve-fields.ts";
import { type ResolvedTarget, resolveTargets } from "../../lib/core/target-models.ts";
import { loadsWithout } from "../../lib/core/target-standing.ts";
import { namesOf } from "../../lib/core/type-names.ts";
import type { KernelRules, ReleaseSource } from "../inputs/kernel-release.ts";

/** The document of `btfgen model --json`; docs/FORMATS.md has it in words. */
export interface ModelReport {
  readonly kernel: { readonly source: string; readonly modules: readonly string[] };
  readonly rules: ModelRules;
  readonly functions: readonly ModelledFunction[];
  /** Names and patterns that no function has. */
  readonly missing: readonly { readonly name: string; readonly nearest: string | null }[];
  /** Null where no object was given. */
  readonly targets: readonly TargetReport[] | null;
  readonly fields: readonly FieldReport[] | null;
}

/** By which rules functions were judged. */
interface ModelRules {
  /** The mainline release that they began with. */
  readonly since: string;
  /** The release that was asked for, or that the name tells; null for the newest. */
  readonly release: string | null;
  readonly from: ReleaseSource;
  /** `x86_64`, or null for what every architecture refuses. */
  readonly architecture: string | null;
}

/** A function, and where it is. */
interface ModelledFunction extends FunctionModel {
  /** The kernel's or a module's. */
  readonly source: string;
  /** False of a later one of the same name, in the same BTF: the kernel attaches to the first. */
  readonly isFirst: boolean;
}

/** A target of an object. */
export type TargetReport = Pick<AttachTarget, "object" | "user" | "kind" | "name" | "symbol" | "module" | "optional"> &
  Omit<ResolvedTarget, "target"> & { readonly nearest: string | null };

/** A field of a map's value. */
export type FieldReport = Omit<KernelField, "pointee"> &
  Omit<ResolvedField, "field"> & { readonly pointee: { readonly name: string; readonly kind: string } | null };

/** What objects name in a kernel besides their relocations. */
export interface ObjectModels {
  readonly rules: ModelRules;
  readonly targets: readonly TargetReport[];
  readonly fields: readonly FieldReport[];
}

/** What to report. */
export interface ModelQuery {
  readonly target: Btf;
  readonly names: readonly string[];
  /** The test of a name for each of `names` that is a pattern; null for an exact name. */
  readonly patterns: readonly (((name: string) => boolean) | null)[];
  readonly objects: readonly BpfObject[] | null;
  readonly impossibleOnly: boolean;
  readonly rules: KernelRules;
}

/** Models the functions asked for, in the order of the BTF, and what the objects name. */
export function reportModels(query: ModelQuery): ModelReport {
  const { target, objects, rules } = query;
  const [base, ...modules] = target.segments;
  const { functions, missing } = modelFunctions(query, optionsOf(rules));
  const models = objects === null ? null : reportObjectModels(objects, target, rules);
  return {
    kernel: { source: base?.source ?? target.source, modules: modules.map(({ source }) => source) },
    rules: reportRules(rules),
    functions: query.impossibleOnly ? functions.filter(({ obstacles }) => obstacles.length > 0) : functions,
    missing,
    targets: models?.targets ?? null,
    fields: models?.fields ?? null,
  };
}

/** Looks up what objects attach to and call in a kernel, and what their maps keep for it. */
export function reportObjectModels(objects: readonly BpfObject[], target: Btf, rules: KernelRules): ObjectModels {
  const near = nearestNames(target);
  return {
    rules: reportRules(rules),
    targets: resolveTargets(objects, target, optionsOf(rules)).map((one) => targetReport(one, near)),
    fields: resolveFields(objects, target).map(fieldReport),
  };
}

function reportRules({ rules, release, from, architecture }: KernelRules): ModelRules {
  return { since: rules.since, release, from, architecture };
}

function optionsOf({ rules, architecture }: KernelRules): FunctionModelOptions {
  return { rules, ...(architecture !== null && { architecture }) };
}

/** True for a target that is not there, or not as the object has it, where the object loads all the same. */
export function isDispensable(target: TargetReport): boolean {
  return isUnusable(target) && loadsWithout(target, target.status === "missing");
}

function isUnusable({ status }: TargetReport): boolean {
  return status === "missing" || status === "impossible";
}

/** True for what exits 1. */
export function isModelFinding({ functions, missing, targets, fields }: ModelReport, strict: boolean): boolean {
  return (
    missing.length > 0 ||
    (targets ?? []).some((one) => isUnusable(one) && !isDispensable(one)) ||
    (fields ?? []).some(({ status }) => status === "refused") ||
    (strict && functions.some(({ obstacles }) => obstacles.length > 0))
  );
}

function modelFunctions(
  { target, names, patterns }: ModelQuery,
  options: FunctionModelOptions,
): Pick<ModelReport, "functions" | "missing"> {
  if (names.length === 0) return { functions: [], missing: [] };
  const exact = new Map<string, number>();
  names.forEach((name, i) => {
    if (patterns[i] === null) exact.set(name, i);
  });
  const tests = patterns.flatMap((isMatch, index) => (isMatch === null ? [] : [{ isMatch, index }]));
  const matched = new Set<number>();
  const seen = new Set<string>();
  const functions: ModelledFunction[] = [];
  for (let id = 1; id < typeCount(target); id++) {
    if (kindOf(target, id) !== KIND_FUNC) continue;
    const name = nameOf(target, id);
    const asked = [exact.get(name), ...tests.filter(({ isMatch }) => isMatch(name)).map(({ index }) => index)];
    const indexes = asked.filter((index) => index !== undefined);
    if (indexes.length === 0) continue;
    for (const index of indexes) matched.add(index);
    const model = functionModel(target, id, options);
    if (model === undefined) continue;
    const segment = segmentOf(target, id);
    const key = `${segment} ${name}`;
    functions.push({ ...model, source: target.segments[segment]?.source ?? target.source, isFirst: !seen.has(key) });
    seen.add(key);
  }
  const near = nearestNames(target);
  const missing = names
    .filter((_, i) => !matched.has(patterns[i] === null ? (exact.get(names[i] ?? "") ?? i) : i))
    .map((name) => ({ name, nearest: near(KIND_FUNC, name) }));
  return { functions, missing };
}

/** What comes near a name among the types of a kind; each kind's names are decoded once, and each name is looked for once. */
function nearestNames(btf: Btf): (kind: number, name: string) => string | null {
  const names = new Map<number, readonly string[]>();
  const found = new Map<string, string | null>();
  return (kind, name) => {
    const key = `${kind} ${name}`;
    const known = found.get(key);
    if (known !== undefined) return known;
    const all = names.get(kind) ?? [...namesOf(btf, [kind])];
    names.set(kind, all);
    const best = nearest(name, all) ?? null;
    found.set(key, best);
    return best;
  };
}

function targetReport({ target, ...rest }: ResolvedTarget, near: ReturnType<typeof nearestNames>): TargetReport {
  const { object, user, kind, name, symbol, module, optional, targetKind } = target;
  // What has a remark is there by that very name, in another module.
  const isNowhere = rest.status === "missing" && rest.remark === null && targetKind !== null;
  const nearest = isNowhere ? near(targetKind, name) : null;
  return { object, user, kind, name, symbol, module, optional, ...rest, nearest };
}

function fieldReport({ field, ...rest }: ResolvedField): FieldReport {
  const { pointee } = field;
  const kind = pointee === null ? null : { name: pointee.name, kind: kindName(pointee.kind).toLowerCase() };
  return { ...field, pointee: kind, ...rest };
}
