import { sizeOf } from "../btf/view.ts";
import type { Change, MemberChange, MemberDifference, MemberSide } from "./change.ts";
import type { ClassedView } from "./classes.ts";
import { type Field, type FieldBudget, fieldsOf, memberSide } from "./fields.ts";
import { differentTexts } from "./spell.ts";

/** Two structs or unions, by view and id. */
export interface CompositePair {
  readonly old: ClassedView;
  readonly oldId: number;
  readonly next: ClassedView;
  readonly newId: number;
}

/** What differs between two structs or unions that both have a body. */
export function diffComposites(pair: CompositePair, budget: FieldBudget): Change[] {
  const { old, oldId, next, newId } = pair;
  const changes: Change[] = [];
  const oldSize = sizeOf(old.btf, oldId);
  const newSize = sizeOf(next.btf, newId);
  if (oldSize !== newSize) changes.push({ what: "size", old: oldSize, new: newSize });
  const [left, right] = bothFields(pair, budget);
  const partners = matchFields(pair, left, right);
  return changes.concat(memberChanges(pair, left, right, partners));
}

/**
 * The fields of both. Where only one has a struct of some name in it without a name, that has its members, as in C; not
 * where its side has several definitions of that name, of which nobody can say which one it is without an id.
 */
function bothFields({ old, oldId, next, newId }: CompositePair, budget: FieldBudget): readonly [Field[], Field[]] {
  const left = fieldsOf(old.speller, oldId, budget);
  const right = fieldsOf(next.speller, newId, budget);
  const [oldPaths, newPaths] = [namelessPaths(left), namelessPaths(right)];
  if (oldPaths.size + newPaths.size === 0) return [left, right];
  const isKept = (path: string) => oldPaths.has(path) && newPaths.has(path);
  if ([...oldPaths, ...newPaths].every(isKept)) return [left, right];
  const opened = ({ speller, isOnly }: ClassedView, id: number) =>
    fieldsOf(speller, id, budget, (path, inner) => isKept(path) || !isOnly(inner));
  return [opened(old, oldId), opened(next, newId)];
}

function namelessPaths(fields: readonly Field[]): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const { name, path } of fields) if (name === "") paths.add(path);
  return paths;
}

/** Index in `right` of each field of `left`, -1 for none. */
function matchFields(pair: CompositePair, left: readonly Field[], right: readonly Field[]): Int32Array {
  const partners = new Int32Array(left.length).fill(-1);
  const taken = new Uint8Array(right.length);
  let same = 0;
  while (same < left.length && left[same]?.path === right[same]?.path) {
    partners[same] = same;
    taken[same++] = 1;
  }
  const matching: Matching = { partners, taken, byPath: indexesBy(right, ({ path }) => path, same) };
  for (let i = same; i < left.length; i++) matchPath(matching, i, (left[i] as Field).path);
  matchRenamed(pair, left, right, matching);
  return matching.partners;
}

interface Matching {
  /** Index in the new fields by that in the old ones, -1 for none. */
  readonly partners: Int32Array;
  /** 1 for each new field that has a partner. */
  readonly taken: Uint8Array;
  /** Indexes of the new fields by path, last first. */
  readonly byPath: ReadonlyMap<string, number[]>;
}

/** Of members without a name, or with one name, the first goes with the first. */
function matchPath({ partners, taken, byPath }: Matching, i: number, path: string): boolean {
  const indexes = byPath.get(path);
  let j = indexes?.pop();
  while (j !== undefined && taken[j] === 1) j = indexes?.pop();
  if (j === undefined) return false;
  partners[i] = j;
  taken[j] = 1;
  return true;
}

/**
 * A member that went and one that came at the same place with the same type are one with another name, where they are
 * the only ones, and the members before and behind them are where they were: else it may be that one of several bytes
 * went and the others moved up. What is in a renamed member of anonymous type goes with it.
 */
function matchRenamed(
  { old, next }: CompositePair,
  left: readonly Field[],
  right: readonly Field[],
  matching: Matching,
): void {
  const { partners, taken } = matching;
  const gone = indexesOf(partners, -1);
  const come = indexesOf(taken, 0);
  if (gone.length === 0 || come.length === 0) return;
  const newKeys = indexesBy(come, (j) => placeKey(right[j] as Field, next));
  const oldKeys = indexesBy(gone, (i) => placeKey(left[i] as Field, old));
  const isFixed = (i: number, j: number) => (left[i] as Field).bitOffset === (right[j] as Field).bitOffset;
  const around = neighbours(partners, taken, isFixed);
  const renamed = new Map<string, string>();
  for (const i of gone) {
    const field = left[i] as Field;
    const parent = renamed.get(field.parent);
    if (parent !== undefined) {
      const path = parent + field.path.slice(field.parent.length);
      if (matchPath(matching, i, path) && field.isContainer) renamed.set(field.path, path);
      continue;
    }
    const key = placeKey(field, old);
    const candidates = newKeys.get(key) ?? [];
    const j = come[candidates[0] ?? -1];
    if (j === undefined || candidates.length !== 1 || oldKeys.get(key)?.length !== 1 || !around(i, j)) continue;
    partners[i] = j;
    taken[j] = 1;
    if (field.isContainer) renamed.set(field.path, (right[j] as Field).path);
  }
}

/** Says of an old and a new field whether the nearest fields before and behind them that have partners are each other's. */
function neighbours(
  partners: Int32Array,
  taken: Uint8Array,
  isFixed: (i: number, j: number) => boolean,
): (i: number, j: number) => boolean {
  const oldBefore = nearest(partners.length, (i) => partners[i] !== -1);
  const newBefore = nearest(taken.length, (j) => taken[j] === 1);
  const oldBehind = nearest(partners.length, (i) => partners[partners.length - 1 - i] !== -1);
  const newBehind = nearest(taken.length, (j) => taken[taken.length - 1 - j] === 1);
  const isPair = (i: number, j: number) => {
    if (i < 0 || j < 0) return i < 0 && j < 0;
    return partnersBefore[i] === j && isFixed(i, j);
  };
  const partnersBefore = partners.slice();
  const lastOld = partners.length - 1;
  const lastNew = taken.length - 1;
  return (i, j) => {
    const behindOld = oldBehind[lastOld - i] as number;
    const behindNew = newBehind[lastNew - j] as number;
    const isBehind = isPair(behindOld < 0 ? -1 : lastOld - behindOld, behindNew < 0 ? -1 : lastNew - behindNew);
    return isBehind && isPair(oldBefore[i] as number, newBefore[j] as number);
  };
}

/** For each index the nearest before it that has a partner; -1 for none. */
function nearest(length: number, hasPartner: (index: number) => boolean): Int32Array {
  const before = new Int32Array(length);
  for (let i = 0, last = -1; i < length; i++) {
    before[i] = last;
    if (hasPartner(i)) last = i;
  }
  return before;
}

/** Where a field is and what type it has. */
function placeKey(field: Field, view: ClassedView): string {
  const { parent, bitOffset, bitfieldSize, group } = field;
  return `${parent},${group},${bitOffset},${bitfieldSize},${typeKey(field, view)}`;
}

/** What is compared of a field's type: of an anonymous struct only how it is spelled, for its members are fields. */
function typeKey({ isContainer, typeId }: Field, { speller, references }: ClassedView): string | number {
  return isContainer ? speller.declare(typeId, "") : (references[typeId] as number);
}

function memberChanges(
  pair: CompositePair,
  left: readonly Field[],
  right: readonly Field[],
  partners: Int32Array,
): MemberChange[] {
  const { old, next } = pair;
  const placed: { readonly at: number; readonly change: MemberChange }[] = [];
  const partnerOf = new Int32Array(right.length).fill(-1);
  let last = -1;
  left.forEach((field, i) => {
    const j = partners[i] as number;
    if (j === -1) {
      const change: MemberChange = {
        what: "member",
        status: "removed",
        how: [],
        old: memberSide(old.speller, field),
        new: null,
      };
      placed.push({ at: last + 0.5, change });
      return;
    }
    partnerOf[j] = i;
    last = j;
    const other = right[j] as Field;
    const how = differences(pair, field, other);
    if (how.length === 0) return;
    const [a, b] = [memberSide(old.speller, field), memberSide(next.speller, other)];
    placed.push({
      at: j,
      change: { what: "member", status: "changed", how, ...distinct(pair, field, other, a, b, how) },
    });
  });
  right.forEach((field, j) => {
    if (partnerOf[j] !== -1) return;
    const side = memberSide(next.speller, field);
    placed.push({ at: j, change: { what: "member", status: "added", how: [], old: null, new: side } });
  });
  return placed.sort((a, b) => a.at - b.at).map(({ change }) => change);
}

function differences({ old, next }: CompositePair, a: Field, b: Field): MemberDifference[] {
  const how: MemberDifference[] = [];
  if (a.name !== b.name) how.push("renamed");
  if (a.bitOffset !== b.bitOffset) how.push("moved");
  const sameType = a.isContainer === b.isContainer && typeKey(a, old) === typeKey(b, next);
  if (!sameType) how.push("retyped");
  else if (old.speller.sizeOf(a.typeId) !== next.speller.sizeOf(b.typeId)) how.push("resized");
  if (a.bitfieldSize !== b.bitfieldSize) how.push("bitfield");
  if (a.group !== b.group) how.push("regrouped");
  return how;
}

/** Both sides, with texts that show what differs in the type. */
function distinct(
  { old, next }: CompositePair,
  a: Field,
  b: Field,
  oldSide: MemberSide,
  newSide: MemberSide,
  how: readonly MemberDifference[],
): { readonly old: MemberSide; readonly new: MemberSide } {
  if (!how.includes("retyped") || oldSide.type !== newSide.type) return { old: oldSide, new: newSide };
  const [x, y] = differentTexts(old.speller, a.typeId, next.speller, b.typeId);
  return { old: { ...oldSide, type: x }, new: { ...newSide, type: y } };
}

/** Where a value is. */
function indexesOf(values: Int32Array | Uint8Array, value: number): number[] {
  const indexes: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] === value) indexes.push(i);
  return indexes;
}

/** Indexes by key from one on, last first. */
function indexesBy<T>(list: readonly T[], key: (item: T) => string, from = 0): Map<string, number[]> {
  const indexes = new Map<string, number[]>();
  for (let i = list.length - 1; i >= from; i--) {
    const own = key(list[i] as T);
    const known = indexes.get(own);
    if (known === undefined) indexes.set(own, [i]);
    else known.push(i);
  }
  return indexes;
}
