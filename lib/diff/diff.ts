import { compareText } from "../btf/text-order.ts";
import { type Btf, nameOffsetOf, typeCount } from "../btf/view.ts";
import { moduleName } from "../core/module-name.ts";
import { bodyOf } from "./body.ts";
import { type Change, DIFF_KINDS, type DiffInput, type DiffKind, type TypeChange, type TypesDiff } from "./change.ts";
import { changesOf } from "./change-of.ts";
import { type ClassedView, classify } from "./classes.ts";
import { FIELD_BUDGET, type FieldBudget } from "./fields.ts";
import { loneModules } from "./modules.ts";
import { pairTypes, type TypePair } from "./pair.ts";
import { reachCounter } from "./reach.ts";
import { diffKindOf } from "./root-kind.ts";
import { typeSide } from "./spell.ts";

/** What of a diff is wanted. */
export interface DiffOptions {
  /** Types to look into; all by default. Others cost next to nothing. */
  readonly accepts?: (kind: DiffKind, name: string) => boolean;
  /** Count from how many types each one is reached. */
  readonly reached?: boolean;
  /** List the members and enumerators of added and removed types as changes, too. */
  readonly bodies?: boolean;
  /** Leave out what is of the bases alone. */
  readonly modulesOnly?: boolean;
}

/**
 * Compares all types of two BTFs, each with or without modules (parseModules). Types are known by kind and name, never
 * by id, so that neither the order of types nor that of strings matters; diff(b, a) is diff(a, b) with its sides
 * changed. A change is where it is: a type that only refers to a changed one is not changed.
 * @throws FormatError (too-large) for BTFs that, with what is made of them, do not fit into 4 GiB; WebAssemblyError
 * where the JavaScript engine cannot run it.
 */
export function diffTypes(old: Btf, next: Btf, options: DiffOptions = {}): TypesDiff {
  const classes = classify(old, next);
  const [oldView, newView] = classes.views;
  const { accepts = () => true } = options;
  const budget: FieldBudget = { left: FIELD_BUDGET };
  const comparison: Comparison = { old: oldView, next: newView, budget, bodies: options.bodies === true };
  const types: TypeChange[] = [];
  for (const pair of pairTypes(classes)) {
    if (options.modulesOnly === true && pair.modules.every((module) => module === "")) continue;
    const { btf, speller } = pair.new === 0 ? oldView : newView;
    const id = pair.new || pair.old;
    const kind = diffKindOf(btf, id) as DiffKind;
    const name = speller.nameAt(nameOffsetOf(btf, id));
    if (accepts(kind, name)) types.push(typeChange(comparison, pair, kind, name));
  }
  for (const module of loneModules(old, next, options.modulesOnly === true)) {
    if (accepts(module.kind, module.name)) types.push(module);
  }
  const reached = options.reached === true ? countReached(old, next, types) : types;
  return { old: inputOf(old), new: inputOf(next), types: sorted(reached) };
}

interface Comparison {
  readonly old: ClassedView;
  readonly next: ClassedView;
  readonly budget: FieldBudget;
  readonly bodies: boolean;
}

function typeChange(comparison: Comparison, pair: TypePair, kind: DiffKind, name: string): TypeChange {
  const { old, next, budget, bodies } = comparison;
  const isBoth = pair.old !== 0 && pair.new !== 0;
  let changes: Change[] = [];
  if (isBoth) changes = changesOf({ old, oldId: pair.old, next, newId: pair.new }, budget);
  else if (bodies && pair.old === 0) changes = bodyOf(next.speller, pair.new, "added", budget);
  else if (bodies) changes = bodyOf(old.speller, pair.old, "removed", budget);
  return {
    kind,
    name,
    status: isBoth ? "changed" : pair.old === 0 ? "added" : "removed",
    old: pair.old === 0 ? null : typeSide(old.speller, pair.old),
    new: pair.new === 0 ? null : typeSide(next.speller, pair.new),
    modules: pair.modules,
    definitions: pair.definitions,
    isConsequence: isBoth && isConsequence(changes),
    changes,
    reachedFrom: null,
  };
}

/** Something of the same type has another size, and all else follows from that. */
function isConsequence(changes: readonly Change[]): boolean {
  let resized = false;
  for (const change of changes) {
    if (change.what === "size") continue;
    if (change.what !== "member" || change.status !== "changed") return false;
    if (change.how.some((how) => how !== "moved" && how !== "resized")) return false;
    resized = resized || change.how.includes("resized");
  }
  return resized;
}

function countReached(old: Btf, next: Btf, types: readonly TypeChange[]): TypeChange[] {
  const ofOld = reachCounter(old);
  const ofNew = reachCounter(next);
  return types.map((type) => {
    if (type.kind === "module") return type;
    const count = type.new === null ? ofOld(type.old?.id ?? 0) : ofNew(type.new.id);
    return { ...type, reachedFrom: count };
  });
}

function inputOf(btf: Btf): DiffInput {
  const modules = btf.segments.slice(1).map(({ source }) => moduleName(source));
  return { source: btf.source, types: typeCount(btf) - 1, modules: modules.sort() };
}

/** By kind and name; types of one name by what is said of them. */
function sorted(types: readonly TypeChange[]): TypeChange[] {
  const byKind = new Map(DIFF_KINDS.map((kind) => [kind, new Map<string, TypeChange[]>()]));
  for (const type of types) {
    const byName = byKind.get(type.kind);
    const known = byName?.get(type.name);
    if (known === undefined) byName?.set(type.name, [type]);
    else known.push(type);
  }
  return [...byKind.values()].flatMap((byName) => {
    // Nearly every name is there once; names alone are sorted in a third of the time that sorting by a function takes.
    return [...byName.keys()].sort().flatMap((name) => byContent(byName.get(name) ?? []));
  });
}

function byContent(types: readonly TypeChange[]): readonly TypeChange[] {
  if (types.length === 1) return types;
  const contents = new Map(types.map((type) => [type, contentOf(type)]));
  return [...types].sort((a, b) => compareText(contents.get(a) ?? "", contents.get(b) ?? ""));
}

/** An order for types of one name, or none, that does not depend on ids. */
function contentOf({ status, old, new: next, changes, modules }: TypeChange): string {
  const sides = [old, next].map((side) => (side === null ? "" : `${side.declaration},${side.size},${side.count}`));
  const text = JSON.stringify(changes.slice(0, 8), (_, value) => (typeof value === "bigint" ? `${value}` : value));
  return `${status};${sides.join(";")};${modules.join()};${text}`;
}
