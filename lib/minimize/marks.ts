import {
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_INT,
  KIND_PTR,
  KIND_TYPEDEF,
  KIND_VAR,
  MEMBER_TYPE_WORD,
} from "../btf/format.ts";
import { FIXED_WORDS } from "../btf/kind-table.ts";
import { arrayElement, enumeratorAt, memberAt, memberType, paramType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { type Btf, isComposite, isEnum, kindOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import {
  type Evidence,
  FACT_COUNT,
  FACT_DISTINCT,
  FACT_ENUMERATOR,
  FACT_FEWER,
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
/**
 * A signature, as a C declaration gives it: of a PTR what it points to, of a FUNC_PROTO what it takes and returns, of a
 * STRUCT or UNION no more than the name. A composite that is nothing but DECLARED is written as a FWD, which no
 * relocation takes for the type itself.
 */
export const DECLARED = 16;

/** Kinds that C has no way to write down without a name, or not twice. */
const CALLED_BY_NAME = new Set([KIND_INT, KIND_FLOAT, KIND_ENUM, KIND_ENUM64]);

/** What to keep of a target, beside the target itself: nothing of the source is touched. */
export interface Marks {
  readonly btf: Btf;
  /** KEPT, NAMED, ... by type id. */
  readonly types: Uint8Array;
  /** Every type that got a mark, each once, in the order of the first: few of a hundred thousand. */
  readonly touched: number[];
  /** Members and enumerators to keep: a bit for the word each begins at. */
  readonly elements: Uint32Array;
  /** Keep modifiers and typedefs on the way to a kept type, and every kept type's name. */
  readonly keepNames: boolean;
  /**
   * Keep what C cannot do without: the names of integers, floats and enums, one enumerator of each enum, and the names
   * of structs behind pointers, which may lead back to themselves.
   */
  readonly printable: boolean;
  /** Types with members marked or counted; for settling. */
  readonly counts: Map<number, number>;
  /** Structs and unions that must have fewer members than this, by type id: for padding. */
  readonly fewer: Map<number, number>;
  /** `[type id, member]` of arrays without elements that may not become the last member. */
  readonly notLast: [number, number][];
  /** Types that got a new bit and whose own references are not marked yet. */
  readonly pending: number[];
}

/** Marks that keep nothing yet. */
export function emptyMarks(btf: Btf, keepNames: boolean, printable = false): Marks {
  return {
    btf,
    types: new Uint8Array(typeCount(btf)),
    touched: [],
    elements: new Uint32Array((btf.words.length >>> 5) + 1),
    keepNames,
    printable,
    counts: new Map(),
    fewer: new Map(),
    notLast: [],
    pending: [],
  };
}

/** Ids of all types with any mark, ascending. */
export function markedTypes({ types, touched }: Marks): number[] {
  return [...new Set(touched)].filter((id) => types[id] !== 0).sort((a, b) => a - b);
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
  markExactly(marks, markNamesBefore(marks, id), bits);
}

/** With `keepNames` keeps the modifiers and typedefs in front of a type. Returns the type. */
function markNamesBefore(marks: Marks, id: number): number {
  const { btf } = marks;
  // First, as it throws where they go round in a circle.
  const type = skipModifiersAndTypedefs(btf, id);
  if (marks.keepNames) for (let at = id; at !== type; at = targetOf(btf, at)) markExactly(marks, at, KEPT);
  return type;
}

/** Marks this very type, be it a modifier or not. */
export function markExactly(marks: Marks, id: number, bits: number): void {
  if (id === 0) return;
  const had = marks.types[id] as number;
  let wanted = bits | KEPT | (marks.keepNames ? NAMED : 0);
  if (marks.printable && CALLED_BY_NAME.has(kindOf(marks.btf, id))) wanted |= NAMED;
  // A declared struct that is kept after all bears the name of its declaration.
  if ((had & DECLARED) !== 0 && isComposite(kindOf(marks.btf, id))) wanted |= NAMED;
  if ((had & wanted) === wanted) return;
  addMark(marks, id, wanted);
  marks.pending.push(id);
}

/**
 * Keeps a type as a signature names it: integers, floats and enums by name, what lies behind pointers likewise, structs
 * and unions behind a pointer as no more than a declaration, others by name and size.
 */
export function markDeclared(marks: Marks, id: number, behindPointer: boolean): void {
  const { btf } = marks;
  const type = markNamesBefore(marks, id);
  if (!isComposite(kindOf(btf, type))) markExactly(marks, type, NAMED | DECLARED);
  else if (!behindPointer || isMarked(marks, type, KEPT)) markExactly(marks, type, NAMED);
  else addMark(marks, type, DECLARED);
}

function addMark(marks: Marks, id: number, bits: number): void {
  const had = marks.types[id] as number;
  if (had === 0) marks.touched.push(id);
  marks.types[id] = had | bits;
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
      case FACT_FEWER:
        marks.fewer.set(id, Math.min(detail, marks.fewer.get(id) ?? detail));
        break;
      case FACT_DISTINCT:
        markType(marks, id, DISTINCT);
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
  const declared = isMarked(marks, id, DECLARED);
  switch (kindOf(btf, id)) {
    case KIND_ARRAY:
      markType(marks, arrayElement(btf, id), KEPT);
      if (declared) markDeclared(marks, arrayElement(btf, id), false);
      break;
    case KIND_PTR:
      if (isMarked(marks, id, TARGETED)) markType(marks, targetOf(btf, id), marks.printable ? NAMED : KEPT);
      if (declared) markDeclared(marks, targetOf(btf, id), true);
      break;
    case KIND_FUNC_PROTO:
      for (const type of signatureOf(btf, id)) {
        if (isMarked(marks, id, TARGETED)) markType(marks, type, KEPT);
        if (declared) markDeclared(marks, type, false);
      }
      break;
    case KIND_FUNC:
      // The kernel refuses a function whose parameters have no names (kernel/bpf/btf.c, btf_func_check).
      markExactly(marks, targetOf(btf, id), NAMED | (declared ? DECLARED : TARGETED));
      break;
    case KIND_TYPEDEF:
    case KIND_VAR:
      markType(marks, targetOf(btf, id), KEPT);
      if (declared) markDeclared(marks, targetOf(btf, id), false);
      break;
    case KIND_ENUM:
    case KIND_ENUM64:
      if (marks.printable && !marks.counts.has(id)) marks.counts.set(id, 1);
      break;
    default:
      // Sizes and values stand in the record; members are marked one by one.
      break;
  }
}

/** What a FUNC_PROTO returns and takes. */
function signatureOf(btf: Btf, id: number): number[] {
  return [targetOf(btf, id), ...Array.from({ length: vlenOf(btf, id) }, (_, i) => paramType(btf, id, i))];
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
