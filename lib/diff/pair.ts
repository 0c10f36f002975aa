import { INFO_WORD, KIND_ENUM } from "../btf/format.ts";
import { type Btf, nameOffsetOf, recordOf, segmentOf, typeCount } from "../btf/view.ts";
import { moduleName } from "../core/module-name.ts";
import { bodyClass, type ClassedView, type Classes } from "./classes.ts";
import { referencedTypes } from "./references.ts";
import { isDeclaration, nameKind } from "./root-kind.ts";
import { isSameRecord } from "./same-record.ts";
import { type Definition, matchBySimilarity } from "./similar.ts";

/** Two types that are one type of two BTFs and differ, or one alone; 0 stands for none. */
export interface TypePair {
  readonly old: number;
  readonly new: number;
  /** Names of the modules with this very pair, sorted; `""` is the base. */
  readonly modules: readonly string[];
  /** Different definitions of this name and kind on each side. */
  readonly definitions: { readonly old: number; readonly new: number };
}

/** By class: the last type of a side with that key, and for each type the one before it. */
interface Chains {
  readonly last: Int32Array;
  readonly before: Int32Array;
}

/**
 * Pairs the types of two BTFs that differ. Types of one kind and name are paired; where a side has several that
 * differ among themselves, equal ones go first, then those of the same module, then the most alike. A forward
 * declaration counts only where its side has no definition. What is equal on both sides is left out.
 */
export function pairTypes(classes: Classes): TypePair[] {
  const { views, nameEnd } = classes;
  const [old, next] = views;
  const moduleNames = views.map(({ btf }) => btf.segments.map(({ source }, i) => (i === 0 ? "" : moduleName(source))));
  const oldChains = chainsOf(old, nameEnd);
  const newChains = chainsOf(next, nameEnd);
  const pairs: TypePair[] = [];
  for (let key = 1; key < nameEnd; key++) {
    const a = oldChains.last[key] as number;
    const b = newChains.last[key] as number;
    const isSingle = oldChains.before[a] === 0 && newChains.before[b] === 0;
    if (isSingle) {
      if ((a !== 0 || b !== 0) && !isEqual(classes, a, b)) pairs.push(singlePair(views, moduleNames, a, b));
      continue;
    }
    const definitions = [
      definitionsOf(classes, old, oldChains, a, moduleNames[0] as string[]),
      definitionsOf(classes, next, newChains, b, moduleNames[1] as string[]),
    ] as const;
    pairDefinitions(views, definitions, pairs);
  }
  pairAnonymous(classes, moduleNames, pairs);
  return pairs;
}

/** True when both are there and say the same. */
function isEqual(classes: Classes, a: number, b: number): boolean {
  if (a === 0 || b === 0) return false;
  const [old, next] = classes.views;
  return isSameRecord(old, a, next, b) || bodyClass(classes, old, a) === bodyClass(classes, next, b);
}

const BASE: readonly string[] = [""];
const BOTH = { old: 1, new: 1 };
const ONLY_OLD = { old: 1, new: 0 };
const ONLY_NEW = { old: 0, new: 1 };

/** Nearly all pairs: at most one definition on each side. What can be shared is, for there may be a million. */
function singlePair(views: Sides, moduleNames: readonly string[][], a: number, b: number): TypePair {
  const names = views.map(({ btf }, i) => {
    const id = i === 0 ? a : b;
    return id === 0 ? undefined : moduleNames[i]?.[btf.segments.length === 1 ? 0 : segmentOf(btf, id)];
  });
  const known = names.filter((name) => name !== undefined);
  const modules = known.every((name) => name === "") ? BASE : [...new Set(known)].sort();
  return { old: a, new: b, modules, definitions: a === 0 ? ONLY_NEW : b === 0 ? ONLY_OLD : BOTH };
}

function chainsOf({ references }: ClassedView, nameEnd: number): Chains {
  const last = new Int32Array(nameEnd);
  const before = new Int32Array(references.length);
  for (let id = references.length - 1; id > 0; id--) {
    const key = references[id] as number;
    if (key === 0 || key >= nameEnd) continue;
    before[id] = last[key] as number;
    last[key] = id;
  }
  return { last, before };
}

/** The different definitions in a chain: forward declarations only where there is nothing else. */
function definitionsOf(
  classes: Classes,
  view: ClassedView,
  { before }: Chains,
  last: number,
  moduleNames: readonly string[],
): Definition[] {
  const { btf } = view;
  const byBody = new Map<number, Definition>();
  let defined = false;
  for (let id = last; id !== 0; id = before[id] as number) defined = defined || !isDeclaration(btf, id);
  for (let id = last; id !== 0; id = before[id] as number) {
    if (defined && isDeclaration(btf, id)) continue;
    addDefinition(byBody, btf, id, bodyClass(classes, view, id), moduleNames);
  }
  return [...byBody.values()];
}

function addDefinition(
  byBody: Map<number, Definition>,
  btf: Btf,
  id: number,
  body: number,
  moduleNames: readonly string[],
): void {
  const module = moduleNames[btf.segments.length === 1 ? 0 : segmentOf(btf, id)] as string;
  const known = byBody.get(body);
  if (known === undefined) byBody.set(body, { id, body, modules: new Set([module]) });
  else known.modules.add(module);
}

type Sides = readonly [ClassedView, ClassedView];

function pairDefinitions(
  views: Sides,
  sides: readonly [Definition[], Definition[]],
  pairs: TypePair[],
  counts: TypePair["definitions"] = { old: sides[0].length, new: sides[1].length },
): void {
  const [left, right] = withoutEqual(sides[0], sides[1]);
  if (left.length === 0 && right.length === 0) return;
  const add = (a: Definition | null, b: Definition | null) => {
    const modules = [...new Set([...(a?.modules ?? []), ...(b?.modules ?? [])])].sort();
    pairs.push({ old: a?.id ?? 0, new: b?.id ?? 0, modules, definitions: counts });
  };
  for (const [a, b] of matchBySimilarity(views, left, right)) add(a, b);
}

/** What one side has and the other has not. */
function withoutEqual(old: readonly Definition[], next: readonly Definition[]): [Definition[], Definition[]] {
  const inOld = new Set(old.map(({ body }) => body));
  const inNew = new Set(next.map(({ body }) => body));
  return [old.filter(({ body }) => !inNew.has(body)), next.filter(({ body }) => !inOld.has(body))];
}

/**
 * Anonymous enums that nothing refers to: they only give names to numbers. Those that the other side has too, referred
 * to or not, are equal; those that share most enumerators are paired. (Anonymous structs and unions that nothing refers
 * to are variables of functions, which nobody can ask for.)
 */
function pairAnonymous({ views }: Classes, moduleNames: readonly string[][], pairs: TypePair[]): void {
  const enums = views.map(anonymousEnums);
  const classes = enums.map((ids, i) => new Set(ids.map((id) => views[i]?.references[id])));
  const [left, right] = enums.map((ids, i) => {
    const view = views[i] as ClassedView;
    const strange = ids.filter((id) => classes[1 - i]?.has(view.references[id]) === false);
    const roots = new Map<number, Definition>();
    if (strange.length === 0) return roots;
    const referenced = referencedTypes(view.btf);
    for (const id of strange) {
      if (referenced[id] === 1) continue;
      addDefinition(roots, view.btf, id, view.references[id] as number, moduleNames[i] as string[]);
    }
    return roots;
  }) as [Map<number, Definition>, Map<number, Definition>];
  pairDefinitions(views, [[...left.values()], [...right.values()]], pairs, BOTH);
}

function anonymousEnums({ btf, names }: ClassedView): number[] {
  const ids: number[] = [];
  for (let id = 1; id < typeCount(btf); id++) {
    if (nameKind(btf.words[recordOf(btf, id) + INFO_WORD] as number) !== KIND_ENUM) continue;
    if (names[nameOffsetOf(btf, id)] === 0) ids.push(id);
  }
  return ids;
}
