/** What a tool sees that walks from functions of two kernels, pair by pair, as abidiff and stgdiff do. */
import { KIND_ARRAY, KIND_FUNC, KIND_FUNC_PROTO, KIND_PTR, KIND_TYPE_TAG, KIND_TYPEDEF } from "../../lib/btf/format.ts";
import {
  arrayElement,
  arrayLength,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
  paramType,
} from "../../lib/btf/members.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, isTransparent, kindOf, sizeOf, targetOf, vlenOf } from "../../lib/btf/view.ts";
import { keywordOf } from "../../lib/c/declarator.ts";

/** A type of one kernel and one of the other. */
export type Pair = readonly [old: number, next: number];

/** `struct NAME`, or undefined for anything but a struct or union that has a name. */
export function compositeName(btf: Btf, id: number): string | undefined {
  const name = nameOf(btf, id);
  return isComposite(kindOf(btf, id)) && name !== "" ? `${keywordOf(btf, id)} ${name}` : undefined;
}

/**
 * The structs and unions that pairs of functions lead to, by `struct NAME`: through members of one name, arguments in one
 * place, pointers and arrays on both sides. Typedefs are looked through; where one side has a `const` more, or another kind,
 * the way ends, as it does at a struct or union that has no name.
 */
export function reachedPairs(old: Btf, next: Btf, functions: Iterable<Pair>): ReadonlyMap<string, Pair> {
  const found = new Map<string, Pair>();
  const seen = new Set<string>();
  const work = [...functions];
  for (let pair = work.pop(); pair !== undefined; pair = work.pop()) {
    const [a, b] = [withoutTypedefs(old, pair[0]), withoutTypedefs(next, pair[1])];
    const key = `${a} ${b}`;
    if (seen.has(key) || a === 0 || b === 0 || kindOf(old, a) !== kindOf(next, b)) continue;
    seen.add(key);
    const name = compositeName(old, a);
    if (name !== compositeName(next, b)) continue;
    if (name !== undefined) found.set(name, [a, b]);
    else if (isComposite(kindOf(old, a))) continue;
    work.push(...partPairs(old, a, next, b));
  }
  return found;
}

function partPairs(old: Btf, a: number, next: Btf, b: number): Pair[] {
  const kind = kindOf(old, a);
  if (isComposite(kind)) {
    const members = new Map(memberTypes(next, b).reverse());
    return memberTypes(old, a).flatMap(([name, type]) => {
      const other = members.get(name);
      return other === undefined ? [] : [[type, other] as const];
    });
  }
  if (kind === KIND_ARRAY) return [[arrayElement(old, a), arrayElement(next, b)]];
  if (kind === KIND_FUNC_PROTO) {
    const params = Array.from(
      { length: Math.min(vlenOf(old, a), vlenOf(next, b)) },
      (_, i) => [paramType(old, a, i), paramType(next, b, i)] as const,
    );
    return [[targetOf(old, a), targetOf(next, b)], ...params];
  }
  const hasTarget = kind === KIND_FUNC || kind === KIND_PTR || isTransparent(kind);
  return hasTarget ? [[targetOf(old, a), targetOf(next, b)]] : [];
}

function memberTypes(btf: Btf, id: number): [name: string, type: number][] {
  return Array.from({ length: vlenOf(btf, id) }, (_, i) => [
    stringAt(btf.strings, memberName(btf, id, i)),
    memberType(btf, id, i),
  ]);
}

function withoutTypedefs(btf: Btf, id: number): number {
  let at = id;
  while (kindOf(btf, at) === KIND_TYPEDEF || kindOf(btf, at) === KIND_TYPE_TAG) at = targetOf(btf, at);
  return at;
}

/**
 * A struct without the names of its members, without typedefs and qualifiers, and without all that is inside types that have no
 * name: its size, and of each member with a name the place and what its type comes to.
 */
export function outlineOf(btf: Btf, id: number): string {
  const members = Array.from({ length: vlenOf(btf, id) }, (_, i) => i)
    .filter((i) => memberName(btf, id, i) !== 0)
    .map((i) => [memberBitOffset(btf, id, i), memberBitfieldSize(btf, id, i), plainText(btf, memberType(btf, id, i))]);
  return JSON.stringify([sizeOf(btf, id), members]);
}

function plainText(btf: Btf, id: number): string {
  const kind = kindOf(btf, id);
  if (isTransparent(kind)) return plainText(btf, targetOf(btf, id));
  if (kind === KIND_PTR) return `*${plainText(btf, targetOf(btf, id))}`;
  if (kind === KIND_ARRAY) return `[${arrayLength(btf, id)}]${plainText(btf, arrayElement(btf, id))}`;
  if (kind === KIND_FUNC_PROTO) {
    const params = Array.from({ length: vlenOf(btf, id) }, (_, i) => plainText(btf, paramType(btf, id, i)));
    return `(${params.join()})${plainText(btf, targetOf(btf, id))}`;
  }
  return `${keywordOf(btf, id) ?? ""} ${nameOf(btf, id)}`;
}
