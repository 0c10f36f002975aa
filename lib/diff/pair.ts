import { type Btf, segmentOf } from "../btf/view.ts";
import { moduleName } from "../core/module-name.ts";
import type { ClassedView, Classes } from "./classes.ts";
import { type Definition, matchBySimilarity } from "./similar.ts";

/** Two types that are one type of two BTFs and differ, or one alone; 0 stands for none. */
export interface TypePair {
  readonly old: number;
  readonly new: number;
  /** Names of the modules with this very pair, sorted; `""` is the base. */
  readonly modules: readonly string[];
  /** Different definitions of this name and kind on each side; of no name, only itself. */
  readonly definitions: { readonly old: number; readonly new: number };
}

/**
 * Pairs the types of two BTFs that differ. Types of one kind and name are paired; where a side has several that
 * differ among themselves, equal ones go first, then those of the same module, then the most alike. A forward
 * declaration counts only where its side has no definition. What is equal on both sides is left out.
 */
export function pairTypes(classes: Classes): TypePair[] {
  const { views, unequal } = classes;
  const [old, next] = views;
  const moduleNames = views.map(({ btf }) => btf.segments.map(({ source }, i) => (i === 0 ? "" : moduleName(source))));
  const pairs: TypePair[] = [];
  for (const key of unequal) {
    const a = old.last[key] as number;
    const b = next.last[key] as number;
    if (old.before[a] === 0 && next.before[b] === 0) {
      pairs.push(singlePair(views, moduleNames, a, b));
      continue;
    }
    const definitions = [
      definitionsOf(old, a, moduleNames[0] as string[]),
      definitionsOf(next, b, moduleNames[1] as string[]),
    ] as const;
    pairDefinitions(views, definitions, pairs, true);
  }
  pairAnonymous(classes, moduleNames, pairs);
  return pairs;
}

const BASE: readonly string[] = [""];
const BOTH = { old: 1, new: 1 };
const ONLY_OLD = { old: 1, new: 0 };
const ONLY_NEW = { old: 0, new: 1 };

/** One definition on each side that has one. */
function oneOf(old: number, next: number): TypePair["definitions"] {
  return old === 0 ? ONLY_NEW : next === 0 ? ONLY_OLD : BOTH;
}

/** Nearly all pairs: at most one definition on each side. What can be shared is, for there may be a million. */
function singlePair([old, next]: Sides, moduleNames: readonly string[][], a: number, b: number): TypePair {
  const x = a === 0 ? "" : moduleOf(old.btf, a, moduleNames[0] as string[]);
  const y = b === 0 ? "" : moduleOf(next.btf, b, moduleNames[1] as string[]);
  const definitions = oneOf(a, b);
  if (x === "" && y === "") return { old: a, new: b, modules: BASE, definitions };
  const modules = a === 0 ? [y] : b === 0 ? [x] : [...new Set([x, y])].sort();
  return { old: a, new: b, modules, definitions };
}

/** Name of the module that a type is of; `""` for the base. */
function moduleOf(btf: Btf, id: number, moduleNames: readonly string[]): string {
  return btf.segments.length === 1 ? "" : (moduleNames[segmentOf(btf, id)] as string);
}

/** The different definitions in a chain: forward declarations only where there is nothing else. */
function definitionsOf(
  { btf, bodies, before }: ClassedView,
  last: number,
  moduleNames: readonly string[],
): Definition[] {
  const byBody = new Map<number, Definition>();
  for (let id = last; id !== 0; id = before[id] as number) {
    const body = bodies[id] as number;
    if (body !== 0) addDefinition(byBody, btf, id, body, moduleNames);
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
  const module = moduleOf(btf, id, moduleNames);
  const known = byBody.get(body);
  if (known === undefined) byBody.set(body, { id, body, modules: new Set([module]) });
  else known.modules.add(module);
}

type Sides = readonly [ClassedView, ClassedView];

function pairDefinitions(
  views: Sides,
  sides: readonly [Definition[], Definition[]],
  pairs: TypePair[],
  isNamed: boolean,
): void {
  const [left, right] = withoutEqual(sides[0], sides[1]);
  if (left.length === 0 && right.length === 0) return;
  const counts = { old: sides[0].length, new: sides[1].length };
  const add = (a: Definition | null, b: Definition | null) => {
    const modules = [...new Set([...(a?.modules ?? []), ...(b?.modules ?? [])])].sort();
    const [x, y] = [a?.id ?? 0, b?.id ?? 0];
    pairs.push({ old: x, new: y, modules, definitions: isNamed ? counts : oneOf(x, y) });
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
  const classes = views.map(
    ({ unnamedEnums, references }) => new Set(Array.from(unnamedEnums, (id) => references[id])),
  );
  const [left, right] = views.map((view, i) => {
    const strange = view.unnamedEnums.filter((id) => classes[1 - i]?.has(view.references[id]) === false);
    const roots = new Map<number, Definition>();
    for (const id of strange) {
      if (view.referenced[id] === 1) continue;
      addDefinition(roots, view.btf, id, view.references[id] as number, moduleNames[i] as string[]);
    }
    return roots;
  }) as [Map<number, Definition>, Map<number, Definition>];
  pairDefinitions(views, [[...left.values()], [...right.values()]], pairs, false);
}
