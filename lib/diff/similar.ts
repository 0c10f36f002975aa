import { KIND_FUNC } from "../btf/format.ts";
import { ELEMENT_NAME_WORDS, ELEMENT_WORDS, FIXED_WORDS } from "../btf/kind-table.ts";
import { enumeratorName, enumeratorValue, memberBitOffset, memberType } from "../btf/members.ts";
import { compareText } from "../btf/text-order.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  kindOf,
  nameOffsetOf,
  recordOf,
  sizeOf,
  targetOf,
  vlenOf,
} from "../btf/view.ts";
import type { ClassedView } from "./classes.ts";
import { fieldsOf } from "./fields.ts";
import { declarationOf } from "./spell.ts";
import type { Speller } from "./speller.ts";

/** One definition of a name on one side; several ids where modules, or a BTF that was not deduplicated, repeat it. */
export interface Definition {
  readonly id: number;
  readonly body: number;
  /** Modules that have it, `""` for the base. */
  readonly modules: Set<string>;
}

/** Either may be null, not both. */
export type Match = readonly [Definition | null, Definition | null];
type Sides = readonly [ClassedView, ClassedView];

/** Definitions of one name on each side that are compared each with each; a kernel has ten at most. */
const MOST_COMPARED = 32;
/** Of more, those are compared that share the name of an element, which more definitions of a side than so many tell nothing of. */
const MOST_HOLDERS = 4;
/** What is worth how much: the module, then members of the same name, those with the same type as well, and the size. */
const SAME_MODULE = 1 << 28;
const SAME_NAME = 4;
const SAME_TYPE = 2;
const SAME_SIZE = 1;

/**
 * Pairs definitions of one name which all differ from each other: the most alike first. What is as alike is taken in
 * the order of the content, so that neither ids nor the direction of the diff matter. The rest is left alone, and so
 * are anonymous definitions that have no member's or enumerator's name in common.
 */
export function matchBySimilarity(views: Sides, left: readonly Definition[], right: readonly Definition[]): Match[] {
  const [a, b] = [left[0], right[0]];
  if (a === undefined) return right.map((one) => [null, one]);
  if (b === undefined) return left.map((one) => [one, null]);
  const named = nameOffsetOf(views[0].btf, a.id) !== 0;
  if (named && left.length === 1 && right.length === 1) return [[a, b]];
  const isMany = left.length > MOST_COMPARED || right.length > MOST_COMPARED;
  const candidates = isMany ? withSharedName(views, left, right) : eachWithEach(views, left, right);
  candidates.sort((x, y) => y.score - x.score || compareText(x.key, y.key));
  const pairs: [number, number][] = [];
  const takenLeft = new Set<number>();
  const takenRight = new Set<number>();
  for (const { i, j, score } of candidates) {
    if (takenLeft.has(i) || takenRight.has(j) || (!named && score % SAME_MODULE < SAME_NAME)) continue;
    takenLeft.add(i);
    takenRight.add(j);
    pairs.push([i, j]);
  }
  return matchesOf(left, right, pairs);
}

/** The pairs, and those that are in none. */
function matchesOf(
  left: readonly Definition[],
  right: readonly Definition[],
  pairs: readonly (readonly [number, number])[],
): Match[] {
  const inLeft = new Set(pairs.map(([i]) => i));
  const inRight = new Set(pairs.map(([, j]) => j));
  return [
    ...pairs.map(([i, j]): Match => [left[i] as Definition, right[j] as Definition]),
    ...left.filter((_, i) => !inLeft.has(i)).map((one): Match => [one, null]),
    ...right.filter((_, j) => !inRight.has(j)).map((one): Match => [null, one]),
  ];
}

/** Two definitions that may be paired, by index. */
interface Candidate {
  readonly i: number;
  readonly j: number;
  readonly score: number;
  /** Does not depend on the direction of the diff. */
  readonly key: string;
}

function eachWithEach(views: Sides, left: readonly Definition[], right: readonly Definition[]): Candidate[] {
  const leftProfiles = left.map((one) => profileOf(views[0], one));
  const rightProfiles = right.map((one) => profileOf(views[1], one));
  return leftProfiles.flatMap((x, i) =>
    rightProfiles.map((y, j) => {
      return { i, j, score: similarity(views, x, y), key: keyOfBoth(x.key, y.key) };
    }),
  );
}

/** Linear in the number of elements, however many definitions there are. */
function withSharedName(views: Sides, left: readonly Definition[], right: readonly Definition[]): Candidate[] {
  const ofRight = holdersByName(views[1], right);
  const shared = new Map<number, number>();
  for (const [name, inLeft] of holdersByName(views[0], left)) {
    const inRight = ofRight.get(name) ?? [];
    if (inLeft.length > MOST_HOLDERS || inRight.length > MOST_HOLDERS) continue;
    for (const i of inLeft) {
      for (const j of inRight) shared.set(i * right.length + j, (shared.get(i * right.length + j) ?? 0) + 1);
    }
  }
  return [...shared].map(([pair, names]) => {
    const [i, j] = [Math.floor(pair / right.length), pair % right.length];
    const [a, b] = [left[i] as Definition, right[j] as Definition];
    const key = keyOfBoth(contentKey(views[0].speller, a.id), contentKey(views[1].speller, b.id));
    return { i, j, score: names * SAME_NAME + likeness(views, a, b), key };
  });
}

/** Indexes of the definitions with an element of a name, by its common number; one more than MOST_HOLDERS at most. */
function holdersByName(view: ClassedView, list: readonly Definition[]): Map<number, number[]> {
  const byName = new Map<number, number[]>();
  list.forEach((definition, i) => {
    const id = elementsOf(view.btf, definition.id);
    for (let index = 0; index < vlenOf(view.btf, id); index++) {
      const name = nameOfElement(view, id, index);
      const known = byName.get(name);
      if (name === 0) continue;
      if (known === undefined) byName.set(name, [i]);
      else if (known.length <= MOST_HOLDERS && known.at(-1) !== i) known.push(i);
    }
  });
  return byName;
}

function keyOfBoth(a: string, b: string): string {
  return [a, b].sort().join("\n");
}

interface Profile {
  readonly definition: Definition;
  /** Index of each element by the common number of its name. */
  readonly indexes: ReadonlyMap<number, number>;
  /** What the definition says, without ids. */
  readonly key: string;
}

function profileOf(view: ClassedView, definition: Definition): Profile {
  const { btf } = view;
  const id = elementsOf(btf, definition.id);
  const indexes = new Map<number, number>();
  const hasNames = ELEMENT_NAME_WORDS[kindOf(btf, id)] !== 0;
  for (let i = 0; hasNames && i < vlenOf(btf, id); i++) {
    const name = nameOfElement(view, id, i);
    if (name !== 0) indexes.set(name, i);
  }
  return { definition, indexes, key: contentKey(view.speller, definition.id) };
}

/** Common number of an element's name; 0 for none, and for a kind without elements. */
function nameOfElement({ btf, records }: ClassedView, id: number, index: number): number {
  const kind = kindOf(btf, id);
  if (ELEMENT_NAME_WORDS[kind] === 0 || index >= vlenOf(btf, id)) return 0;
  const at = recordOf(btf, id) + (FIXED_WORDS[kind] as number) + index * (ELEMENT_WORDS[kind] as number);
  return records[at] as number;
}

/** A function's parameters are its prototype's. */
function elementsOf(btf: Btf, id: number): number {
  return kindOf(btf, id) === KIND_FUNC ? targetOf(btf, id) : id;
}

/** Elements that the order of equally alike definitions depends on. */
const KEY_ELEMENTS = 256;

/** A text that is the same for definitions that say the same; only to put some in an order. */
function contentKey(speller: Speller, id: number): string {
  const { btf } = speller;
  const kind = kindOf(btf, id);
  const key = `${kind},${sizeText(btf, id)},${vlenOf(btf, id)}`;
  if (isComposite(kind)) {
    const fields = fieldsOf(speller, id, { left: KEY_ELEMENTS });
    return fields.reduce((text, { path, group, bitOffset, bitfieldSize, typeId }) => {
      return `${text};${path},${group},${bitOffset},${bitfieldSize},${speller.declare(typeId, "")}`;
    }, key);
  }
  if (!isEnum(kind)) return `${key},${declarationOf(speller, id)}`;
  let text = key;
  for (let i = 0; i < Math.min(vlenOf(btf, id), KEY_ELEMENTS); i++) {
    text += `;${speller.nameAt(enumeratorName(btf, id, i))},${enumeratorValue(btf, id, i)}`;
  }
  return text;
}

/** A FUNC's, TYPEDEF's or VAR's third word is an id, which is no part of what it says. */
function sizeText(btf: Btf, id: number): string {
  return ELEMENT_NAME_WORDS[kindOf(btf, id)] === 0 ? "" : String(sizeOf(btf, id));
}

function similarity(views: Sides, a: Profile, b: Profile): number {
  const [old, next] = views;
  const [i, j] = [a.definition.id, b.definition.id];
  let score = likeness(views, a.definition, b.definition);
  const composite = isComposite(kindOf(old.btf, i)) && isComposite(kindOf(next.btf, j));
  for (const [name, indexOfA] of a.indexes) {
    const indexOfB = b.indexes.get(name);
    if (indexOfB === undefined) continue;
    score += SAME_NAME;
    if (!composite) continue;
    const isSameType =
      old.references[memberType(old.btf, i, indexOfA)] === next.references[memberType(next.btf, j, indexOfB)] &&
      memberBitOffset(old.btf, i, indexOfA) === memberBitOffset(next.btf, j, indexOfB);
    if (isSameType) score += SAME_TYPE;
  }
  return score;
}

/** What two definitions have in common besides their elements. */
function likeness([{ btf: old }, { btf: next }]: Sides, a: Definition, b: Definition): number {
  let score = 0;
  for (const module of a.modules) if (b.modules.has(module)) score = SAME_MODULE;
  const isAlike = sizeText(old, a.id) === sizeText(next, b.id) && vlenOf(old, a.id) === vlenOf(next, b.id);
  return score + (isAlike ? SAME_SIZE : 0);
}
