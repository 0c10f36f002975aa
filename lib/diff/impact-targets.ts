import { KIND_FUNC, KIND_FUNC_PROTO, KIND_PTR, KIND_TYPEDEF, KIND_VAR } from "../btf/format.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { essentialLength, nameOf } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf, segmentOf, targetOf, typeCount } from "../btf/view.ts";
import { type AttachKind, type AttachTarget, attachTargets } from "../core/attach-targets.ts";
import { compareModels, type ModelDifference } from "../core/compare-models.ts";
import { type FunctionModel, functionModel } from "../core/function-model.ts";
import { MATCH, matchState } from "../core/match-state.ts";
import { typesCompatible } from "../core/match-type.ts";
import type { BpfObject } from "../core/object.ts";
import { LIBBPF_RULES } from "../core/rules.ts";
import { inBaseFirst, typesByName } from "../core/type-names.ts";

/** What a kernel has of a target: nothing, something of another type than the object declares, or what is wanted. */
export type TargetStanding = "present" | "missing" | "incompatible";

/**
 * What a step from one kernel to another makes of a target. `retyped`: programs are called as before, but an argument or
 * what it points to has another type; `model`: they are called in another way (see compareModels).
 */
export type AttachChange = "same" | "new" | "retyped" | "model" | "incompatible" | "gone";

/** A function or type that an object names, on both kernels. */
export interface AttachImpact {
  /** The program or the map; the section for an extern. */
  readonly user: string;
  /** True where `user` is a program. */
  readonly isProgram: boolean;
  readonly kind: AttachKind;
  readonly name: string;
  readonly module: string | null;
  /** True where the object loads without it. */
  readonly optional: boolean;
  readonly change: AttachChange;
  readonly old: TargetStanding;
  readonly new: TargetStanding;
  /** How the two kernels' functions differ to a program; empty where they do not, or there are no two. */
  readonly differences: readonly ModelDifference[];
  /** Types of arguments and of what is returned that differ in C, where the way they are passed does not. */
  readonly retyped: readonly TypeDifference[];
}

/** An argument (counted from 0) or the returned value (null) with another C type. */
export interface TypeDifference {
  readonly argument: number | null;
  readonly old: string;
  readonly new: string;
}

/** Targets that a program's section names; the others are an object's. */
const OF_PROGRAMS: ReadonlySet<AttachKind> = new Set([
  "fentry",
  "fexit",
  "fmod_ret",
  "fsession",
  "tp_btf",
  "lsm",
  "iter",
  "freplace",
]);
/** Programs that are given the arguments alone, in front of anything else. */
const IGNORES_RETURN: ReadonlySet<AttachKind> = new Set(["fentry", "tp_btf"]);
const IGNORES_MORE: ReadonlySet<AttachKind> = new Set([...IGNORES_RETURN, "lsm"]);
/** A tracepoint's first argument, `void *__data`, is none of a program's. */
const HIDDEN_OF_TRACEPOINTS = 1;

/**
 * Compares what an object names in the kernel besides its relocations. A target in a module is looked for only where
 * that kernel's modules are there; targets in other programs (freplace) are not the kernel's and are left out.
 */
export function compareTargets(object: BpfObject, old: Btf, next: Btf): AttachImpact[] {
  const targets = attachTargets(object).filter(({ targetKind }) => targetKind !== null);
  if (targets.length === 0) return [];
  const names = new Set(targets.map(({ name }) => name));
  const before = lookup(old, names);
  const after = lookup(next, names);
  return targets
    .filter(({ module }) => module === null || (hasModules(old) && hasModules(next)))
    .map((target) => compareTarget(object, target, before(target), after(target), old, next));
}

/**
 * Whether an object or a program has this target on a kernel, or does without it. It was made for the old kernel's
 * function: of the new one's it can do with more arguments behind those, unless what is returned comes behind them.
 */
export function worksWith(target: AttachImpact, side: "old" | "new"): boolean {
  const { kind, optional, change, differences } = target;
  const standing = target[side];
  // A weak variable may be missing, but not of another type; a weak function may be either (libbpf.c).
  if (standing !== "present") return optional && (standing === "missing" || kind !== "ksym");
  if (side === "old" || change !== "model") return true;
  return differences.every(({ what, old, new: now }) => {
    if (what === "arguments") return IGNORES_MORE.has(kind) && Number(now) > Number(old);
    return what === "return" && IGNORES_RETURN.has(kind);
  });
}

function hasModules({ segments }: Btf): boolean {
  return segments.length > 1;
}

type Lookup = (target: AttachTarget) => number | undefined;

function lookup(btf: Btf, names: ReadonlySet<string>): Lookup {
  const byName = typesByName(btf, names);
  return ({ name, targetKind, module }) => {
    const ids = (byName.get(name) ?? []).filter((id) => kindOf(btf, id) === targetKind);
    if (module === null) return inBaseFirst(btf, ids)[0];
    return ids.find((id) => isModule(btf.segments[segmentOf(btf, id)] as BtfSegment, module));
  };
}

/** Files are named as modules are, with `-` for `_` or not: `xfs.ko`, `nf-tables.btf`, `modules.tar:btrfs`. */
function isModule({ source }: BtfSegment, module: string): boolean {
  const file = source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf(":"), source.lastIndexOf("!")) + 1);
  const plain = (name: string) => (name.split(".")[0] ?? "").replaceAll("-", "_");
  return plain(file) === plain(module);
}

function compareTarget(
  object: BpfObject,
  target: AttachTarget,
  before: number | undefined,
  after: number | undefined,
  old: Btf,
  next: Btf,
): AttachImpact {
  const was = standingOf(object, target, old, before);
  const is = standingOf(object, target, next, after);
  const models = was === "missing" || is === "missing" ? [] : modelsOf(target, [old, before], [next, after]);
  const [a, b] = models;
  const differences = a === undefined || b === undefined ? [] : compareModels(a, b);
  const retyped = a === undefined || b === undefined ? [] : typeDifferences(a, b);
  const { user, kind, name, module, optional } = target;
  return {
    user,
    isProgram: OF_PROGRAMS.has(kind),
    kind,
    name,
    module,
    optional,
    change: changeOf(was, is, kind, differences, retyped),
    old: was,
    new: is,
    differences,
    retyped,
  };
}

function changeOf(
  was: TargetStanding,
  is: TargetStanding,
  kind: AttachKind,
  differences: readonly ModelDifference[],
  retyped: readonly TypeDifference[],
): AttachChange {
  if (is === "missing") return was === "missing" ? "same" : "gone";
  if (is === "incompatible") return was === "incompatible" ? "same" : "incompatible";
  if (was !== "present") return "new";
  // Of a kfunc the loader's own comparison has the say: a pointer to another struct is compatible, another count is not.
  if (differences.length > 0) return kind === "kfunc" ? "retyped" : "model";
  return retyped.length > 0 ? "retyped" : "same";
}

function standingOf(object: BpfObject, target: AttachTarget, btf: Btf, id: number | undefined): TargetStanding {
  if (id === undefined) return "missing";
  const local = localTypeOf(object, target);
  if (local === undefined || object.btf === null) return "present";
  const wanted = targetOf(btf, id);
  const type = target.kind === "ksym" ? skipModifiersAndTypedefs(btf, wanted) : wanted;
  const outcome = typesCompatible(matchState(object.btf, btf, LIBBPF_RULES, null), local, type);
  return outcome === MATCH ? "present" : "incompatible";
}

/** The type that a loader compares with the kernel's (libbpf.c, bpf_object__resolve_ksym_func_btf_id and _var_btf_id). */
function localTypeOf({ btf }: BpfObject, { kind, name }: AttachTarget): number | undefined {
  if (btf === null || (kind !== "kfunc" && kind !== "ksym")) return undefined;
  const wanted = kind === "kfunc" ? KIND_FUNC : KIND_VAR;
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== wanted) continue;
    const whole = nameOf(btf, id);
    const length = essentialLength(btf.strings, nameOffsetOf(btf, id));
    if (whole !== name && !(kind === "kfunc" && length === name.length && whole.startsWith(name))) continue;
    return kind === "kfunc" ? targetOf(btf, id) : skipModifiersAndTypedefs(btf, targetOf(btf, id));
  }
  return undefined;
}

/** The models of a target that is called, or calls; none of one that is a struct or a variable. */
function modelsOf(
  { targetKind }: AttachTarget,
  ...sides: readonly (readonly [Btf, number | undefined])[]
): (FunctionModel | undefined)[] {
  return sides.map(([btf, id]) => {
    if (id === undefined) return undefined;
    if (targetKind === KIND_FUNC) return functionModel(btf, id);
    if (targetKind !== KIND_TYPEDEF) return undefined;
    const pointer = skipModifiersAndTypedefs(btf, id);
    const prototype = kindOf(btf, pointer) === KIND_PTR ? skipModifiersAndTypedefs(btf, targetOf(btf, pointer)) : 0;
    if (kindOf(btf, prototype) !== KIND_FUNC_PROTO) return undefined;
    return functionModel(btf, prototype, { hidden: HIDDEN_OF_TRACEPOINTS });
  });
}

/** Types that C spells differently, where both functions have the argument. */
function typeDifferences(a: FunctionModel, b: FunctionModel): TypeDifference[] {
  const found: TypeDifference[] = [];
  for (let i = 0; i < Math.min(a.args.length, b.args.length); i++) {
    const [old, now] = [a.args[i]?.type ?? "", b.args[i]?.type ?? ""];
    if (old !== now) found.push({ argument: i, old, new: now });
  }
  if (a.returns.type !== b.returns.type) found.push({ argument: null, old: a.returns.type, new: b.returns.type });
  return found;
}
