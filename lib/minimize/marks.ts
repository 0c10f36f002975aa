import {
  FIXED_WORDS,
  KIND_ARRAY,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_TYPEDEF,
  KIND_VAR,
  MEMBER_TYPE_WORD,
} from "../btf/format.ts";
import { arrayElement, enumeratorAt, memberAt, memberType, paramType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { type Btf, isComposite, isEnum, isTransparent, kindOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import {
  type Evidence,
  FACT_COUNT,
  FACT_ENUMERATOR,
  FACT_MEMBER,
  FACT_NAME,
  FACT_NOT_LAST,
  FACT_NUMBERS,
  FACT_TARGET,
} from "../core/evidence.ts";

/** What is kept of a type: a bit each. */
export const KEPT = 1;
/** Its name. */
export const NAMED = 2;
/** What a PTR points to, or what a FUNC_PROTO takes and returns. */
export const TARGETED = 4;
/** Its identity: it may not become one with another type that looks the same. */
export const DISTINCT = 8;

/** What to keep of a target, beside the target itself: nothing of the source is touched. */
export interface Marks {
  readonly btf: Btf;
  /** KEPT, NAMED, ... by type id. */
  readonly types: Uint8Array;
  /** Members and enumerators to keep: a bit for the word each begins at. */
  readonly elements: Uint32Array;
  /** Keep modifiers and typedefs on the way to a kept type, and every kept type's name. */
  readonly keepNames: boolean;
  /** Types with members marked or counted; for settling. */
  readonly counts: Map<number, number>;
  /** `[type id, member]` of arrays without elements that may not become the last member. */
  readonly notLast: [number, number][];
  /** Types that got a new bit and whose own references are not marked yet. */
  readonly pending: number[];
}

/** Marks that keep nothing yet. */
export function emptyMarks(btf: Btf, keepNames: boolean): Marks {
  return {
    btf,
    types: new Uint8Array(typeCount(btf)),
    elements: new Uint32Array((btf.words.length >>> 5) + 1),
    keepNames,
    counts: new Map(),
    notLast: [],
    pending: [],
  };
}

/** True when a type has all the given bits. */
export function isMarked(marks: Marks, id: number, bits: number): boolean {
  return ((marks.types[id] as number) & bits) === bits;
}

/** True when the member or enumerator that begins at a word is kept. */
export function isElementMarked(marks: Marks, word: number): boolean {
  return (((marks.elements[word >>> 5] as number) >>> (word & 31)) & 1) === 1;
}

/**
 * Marks a type. Modifiers and typedefs in front of it are looked through, or kept as well with `keepNames`; to keep
 * a typedef itself, use markExactly.
 */
export function markType(marks: Marks, id: number, bits: number): void {
  const { btf } = marks;
  if (marks.keepNames) {
    for (let at = id; isTransparent(kindOf(btf, at)); at = targetOf(btf, at)) markExactly(marks, at, KEPT);
  }
  markExactly(marks, skipModifiersAndTypedefs(btf, id), bits);
}

/** Marks this very type, be it a modifier or not. */
export function markExactly(marks: Marks, id: number, bits: number): void {
  if (id === 0) return;
  const wanted = bits | KEPT | (marks.keepNames ? NAMED : 0);
  const had = marks.types[id] as number;
  if ((had & wanted) === wanted) return;
  marks.types[id] = had | wanted;
  marks.pending.push(id);
}

/** Keeps one member of a struct or union, and its type. */
export function markMember(marks: Marks, id: number, index: number): void {
  const word = memberAt(marks.btf, id, index);
  if (isElementMarked(marks, word)) return;
  setElement(marks, word);
  markExactly(marks, id, KEPT);
  markType(marks, marks.btf.words[word + MEMBER_TYPE_WORD] as number, KEPT);
}

/** Keeps one enumerator. */
export function markEnumerator(marks: Marks, id: number, index: number): void {
  setElement(marks, enumeratorAt(marks.btf, id, index));
  markExactly(marks, id, KEPT);
}

function setElement(marks: Marks, word: number): void {
  const at = word >>> 5;
  marks.elements[at] = (marks.elements[at] as number) | (1 << (word & 31));
}

/** Keeps what an outcome rests on. */
export function markEvidence(marks: Marks, evidence: Evidence): void {
  for (let i = 0; i < evidence.length; i += FACT_NUMBERS) {
    const id = evidence[i + 1] as number;
    const detail = evidence[i + 2] as number;
    switch (evidence[i]) {
      case FACT_NAME:
        markType(marks, id, NAMED);
        break;
      case FACT_TARGET:
        markType(marks, id, TARGETED);
        break;
      case FACT_MEMBER:
        markMember(marks, id, detail);
        break;
      case FACT_NOT_LAST:
        marks.notLast.push([id, detail]);
        break;
      case FACT_ENUMERATOR:
        markEnumerator(marks, id, detail);
        break;
      case FACT_COUNT:
        marks.counts.set(id, Math.max(detail, marks.counts.get(id) ?? 0));
        break;
      default:
        markType(marks, id, KEPT);
    }
  }
}

/** Marks everything that marked types refer to, and the members that only their number or place asks for. */
export function settleMarks(marks: Marks): void {
  do {
    for (let id = marks.pending.pop(); id !== undefined; id = marks.pending.pop()) follow(marks, id);
    for (const [id, index] of marks.notLast) keepOneBehind(marks, id, index);
    for (const [id, count] of marks.counts) keepAtLeast(marks, id, count);
  } while (marks.pending.length > 0);
}

function follow(marks: Marks, id: number): void {
  const { btf } = marks;
  switch (kindOf(btf, id)) {
    case KIND_ARRAY:
      markType(marks, arrayElement(btf, id), KEPT);
      break;
    case KIND_PTR:
      if (isMarked(marks, id, TARGETED)) markType(marks, targetOf(btf, id), KEPT);
      break;
    case KIND_FUNC_PROTO:
      if (!isMarked(marks, id, TARGETED)) break;
      markType(marks, targetOf(btf, id), KEPT);
      for (let i = 0; i < vlenOf(btf, id); i++) markType(marks, paramType(btf, id, i), KEPT);
      break;
    case KIND_FUNC:
      markExactly(marks, targetOf(btf, id), TARGETED);
      break;
    case KIND_TYPEDEF:
    case KIND_VAR:
      markType(marks, targetOf(btf, id), KEPT);
      break;
    default:
      // Sizes and values stand in the record; members are marked one by one.
      break;
  }
}

/** Keeps the cheapest member behind `index`: the first whose type is no struct, else the next. */
function keepOneBehind(marks: Marks, id: number, index: number): void {
  const { btf } = marks;
  if (!isElementMarked(marks, memberAt(btf, id, index))) return;
  const count = vlenOf(btf, id);
  let cheapest = index + 1;
  for (let i = count - 1; i > index; i--) {
    if (isElementMarked(marks, memberAt(btf, id, i))) return;
    if (!isComposite(kindOf(btf, skipModifiersAndTypedefs(btf, memberType(btf, id, i))))) cheapest = i;
  }
  if (cheapest < count) markMember(marks, id, cheapest);
}

function keepAtLeast(marks: Marks, id: number, wanted: number): void {
  const { btf } = marks;
  if (!isMarked(marks, id, KEPT)) return;
  const kind = kindOf(btf, id);
  const elementAt = isEnum(kind) ? enumeratorAt : memberAt;
  let missing = wanted;
  for (let i = 0; i < vlenOf(btf, id) && missing > 0; i++) {
    if (isElementMarked(marks, elementAt(btf, id, i))) missing--;
  }
  for (let i = 0; i < vlenOf(btf, id) && missing > 0; i++) {
    if (isElementMarked(marks, elementAt(btf, id, i))) continue;
    if (isEnum(kind)) markEnumerator(marks, id, i);
    else markMember(marks, id, i);
    missing--;
  }
}

/** Word index of the first element of a type's record. */
export function firstElement(btf: Btf, id: number): number {
  return (btf.offsets[id] as number) + (FIXED_WORDS[kindOf(btf, id)] as number);
}
