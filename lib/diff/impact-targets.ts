import type { Btf } from "../btf/view.ts";
import type { AttachKind, AttachTarget } from "../core/attach-targets.ts";
import { compareModels, type ModelDifference } from "../core/compare-models.ts";
import { contextReads } from "../core/context-reads.ts";
import type { FunctionModel, PassedAs, ValueModel } from "../core/function-model.ts";
import type { BpfObject } from "../core/object.ts";
import { type ResolvedTarget, resolveTargets } from "../core/target-models.ts";
import { canTellOf, isOfProgram, standingOf, type TargetStanding } from "../core/target-standing.ts";

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
  /** An extern's own name, with its flavour; null of all others. */
  readonly symbol: string | null;
  readonly module: string | null;
  /** True where the object loads without it. */
  readonly optional: boolean;
  readonly change: AttachChange;
  /** True where a program for the old kernel's function is none for the new kernel's. */
  readonly breaks: boolean;
  readonly old: TargetStanding;
  readonly new: TargetStanding;
  /** Why the new kernel's is not `present`; null where it is. */
  readonly reason: string | null;
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

/** Programs that find what the function returned behind the arguments. */
const GETS_RETURNED: ReadonlySet<AttachKind> = new Set(["fexit", "fmod_ret", "fsession"]);
/** Programs whose own result stands for the function's. */
const ANSWERS: ReadonlySet<AttachKind> = new Set(["fmod_ret", "lsm"]);

/**
 * Compares what an object names in the kernel besides its relocations. A target in a module is looked for only where
 * both kernels' modules are there; targets in other programs (freplace) are not the kernel's, and are left out, as all
 * are where either BTF has no functions.
 */
export function compareTargets(object: BpfObject, old: Btf, next: Btf): AttachImpact[] {
  const [canOld, canNew] = [canTellOf(old), canTellOf(next)];
  const before = resolveTargets([object], old);
  const after = resolveTargets([object], next);
  return before.flatMap((was, i): AttachImpact[] => {
    const is = after[i];
    return is !== undefined && canOld(was.target) && canNew(was.target) ? [compareTarget(object, was, is)] : [];
  });
}

function compareTarget(object: BpfObject, was: ResolvedTarget, is: ResolvedTarget): AttachImpact {
  const { user, kind, name, symbol, module, optional } = was.target;
  const standings = { old: standingOf(was), new: standingOf(is) };
  const [a, b] = [was.model, is.model];
  const differences = a === null || b === null ? [] : compareModels(a, b);
  const retyped = a === null || b === null ? [] : typeDifferences(a, b, differences);
  const isBoth = standings.old === "present" && standings.new === "present";
  return {
    user,
    isProgram: isOfProgram(was.target),
    kind,
    name,
    symbol,
    module,
    optional,
    change: changeOf(standings.old, standings.new, kind, differences, retyped),
    breaks: isBoth && a !== null && b !== null && kind !== "kfunc" && isBroken(kind, a, b, readsOf(object, was.target)),
    ...standings,
    reason: standings.new === "present" ? null : is.reason,
    differences,
    retyped,
  };
}

/** What the target's program may read of its context; null where that is not known. */
function readsOf(object: BpfObject, { user }: AttachTarget): ReadonlySet<number> | null {
  return contextReads(
    object,
    object.programs.findIndex(({ name }) => name === user),
  );
}

/**
 * A program for one function is refused for another where a word of its context that it may read is not there, or is a
 * number where there was a pointer; or, of a hook, where its own answer means something else. What is returned stands
 * behind all arguments. A number of another size is still a number.
 */
function isBroken(
  kind: AttachKind,
  old: FunctionModel,
  now: FunctionModel,
  reads: ReadonlySet<number> | null,
): boolean {
  if (ANSWERS.has(kind) && !isAlike(old.returns, now.returns)) return true;
  const starts = startsOf(now);
  let word = 0;
  for (const [i, arg] of old.args.entries()) {
    const other = now.args[i];
    const isRead = reads === null || range(word, arg.words).some((one) => reads.has(one));
    if (isRead && (other === undefined || starts[i] !== word || !isAlike(arg, other))) return true;
    word += arg.words;
  }
  const readsReturned = reads === null ? GETS_RETURNED.has(kind) : reads.has(old.words);
  return readsReturned && GETS_RETURNED.has(kind) && (now.words !== old.words || !isAlike(old.returns, now.returns));
}

/** The word at which each argument begins. */
function startsOf({ args }: FunctionModel): number[] {
  let word = 0;
  return args.map(({ words }) => {
    word += words;
    return word - words;
  });
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

const NUMBERS: ReadonlySet<PassedAs> = new Set(["integer", "enum"]);

function isAlike(a: ValueModel, b: ValueModel): boolean {
  return (a.as === b.as || (NUMBERS.has(a.as) && NUMBERS.has(b.as))) && a.words === b.words;
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

/** Types that C spells differently, where both functions have the argument and pass it alike. */
function typeDifferences(
  a: FunctionModel,
  b: FunctionModel,
  differences: readonly ModelDifference[],
): TypeDifference[] {
  const found: TypeDifference[] = [];
  const add = (what: ModelDifference["what"], argument: number | null, old: string, now: string) => {
    if (old === now || differences.some((one) => one.what === what && one.argument === argument)) return;
    found.push({ argument, old, new: now });
  };
  for (let i = 0; i < Math.min(a.args.length, b.args.length); i++) {
    add("argument", i, a.args[i]?.type ?? "", b.args[i]?.type ?? "");
  }
  add("return", null, a.returns.type, b.returns.type);
  return found;
}
