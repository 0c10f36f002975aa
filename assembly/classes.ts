import {
  INFO_KIND_FLAG_SHIFT,
  INT_BITS_MASK,
  INT_DATA_WORD,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
  NAME_WORD,
} from "../lib/btf/format.ts";
import { classCircles } from "./circles.ts";
import {
  elementBytes,
  elementsEnd,
  firstElement,
  hasElementTypes,
  isRootKind,
  recordKind,
  typeIdWords,
} from "./elements.ts";
import { allocateWords, get, set } from "./memory.ts";
import { nameCount } from "./names.ts";
import { pushShape, qualifiedPrototype, shapeWords } from "./shape-of.ts";
import { finish, newShapes, Shapes } from "./shapes.ts";
import { inBlocks, infoOf, kindOf, recordOf, Side, sizeOrType } from "./side.ts";

// A type's *reference* class is what it is where another type refers to it: a type with a name is its kind and name and
// no more, so that a change of `struct list_head` is no change of the thousands that have one; what has no name
// (pointers, arrays, prototypes, qualifiers, anonymous structs) is its parts. Its *body* class is all that its own
// record says, with reference classes for what it refers to; see pairs.ts.

/** Reference class of void. 0 is a type that has none yet, or a DECL_TAG. */
const VOID_CLASS = 1;
/** The first class of a name. */
export const FIRST_NAME_CLASS: i32 = VOID_CLASS + 1;
/** Reference class of a type whose parts are being classed, and of one that leads into a circle without names. */
const IN_WORK = -2;
const CIRCULAR = -1;

/** By name: the class of the first kind that has it. By class: its kind, and the next class of the same name. */
let classOfName: usize = 0;
let kindOfClass: usize = 0;
let nextOfName: usize = 0;
let nameEnd: i32 = FIRST_NAME_CLASS;
let shapes: Shapes = changetype<Shapes>(0);
/** Types whose parts are being classed. */
let stack: usize = 0;
/** Types without a class of a name, and words at most of their sequences. */
let unnamedCount: i32 = 0;
let unnamedWords: u64 = 0;
let isCircular = false;

/** Reference classes of names are below this; those of all else are not. */
export function nameClassEnd(): i32 {
  return nameEnd;
}

/** One more than the highest class that a type has. */
export function classEnd(): i32 {
  return nameEnd + shapes.count;
}

/** Gives every type of both sides its reference class. Linear in their size, whatever they refer to. */
export function classify(old: Side, next: Side): void {
  classOfName = allocateWords(nameCount());
  const most = <u64>old.types + next.types + FIRST_NAME_CLASS;
  kindOfClass = allocateWords(most);
  nextOfName = allocateWords(most);
  set(old.references, 0, VOID_CLASS);
  set(next.references, 0, VOID_CLASS);
  inBlocks(old, classNames);
  inBlocks(next, classNames);
  shapes = newShapes(unnamedWords, unnamedCount, nameEnd);
  // Each type's parts are put there once.
  stack = allocateWords(<u64>max(old.wordCount, next.wordCount) + 1);
  inBlocks(old, classUnnamed);
  inBlocks(next, classUnnamed);
  if (isCircular) classCircles(shapes, old, next, CIRCULAR);
}

function classNames(side: Side, from: i32, to: i32): void {
  for (let id = from; id < to; id++) {
    const record = recordOf(side, id);
    const name = get(record, NAME_WORD);
    const kind = nameKind(infoOf(record));
    if (name !== 0 && isRootKind(kind) && !(kind === KIND_INT && isOddInt(record))) {
      set(side.references, id, classFor(name, kind));
      continue;
    }
    unnamedCount++;
    unnamedWords += shapeWords(side, id);
  }
}

/** The kind that a name is of: ENUM64 is ENUM, a FWD is what it declares. */
function nameKind(info: i32): i32 {
  const kind = kindOf(info);
  if (kind === KIND_ENUM64) return KIND_ENUM;
  if (kind === KIND_FWD) return info >>> INFO_KIND_FLAG_SHIFT === 1 ? KIND_UNION : KIND_STRUCT;
  return kind;
}

/**
 * The bitfields of old compilers: an INT of fewer bits than its bytes have, which shares its name with the whole one.
 * It is known by all it says, as part of the member that has it.
 */
function isOddInt(record: usize): bool {
  const data = get(record, INT_DATA_WORD);
  return ((data >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK) !== 0 || (data & INT_BITS_MASK) !== sizeOrType(record) * 8;
}

function classFor(name: i32, kind: i32): i32 {
  const first = get(classOfName, name);
  for (let known = first; known !== 0; known = get(nextOfName, known)) {
    if (get(kindOfClass, known) === kind) return known;
  }
  const added = nameEnd++;
  set(kindOfClass, added, kind);
  set(nextOfName, added, first);
  set(classOfName, name, added);
  return added;
}

/** Classes what has no name, parts first, without recursion. */
function classUnnamed(side: Side, from: i32, to: i32): void {
  const references = side.references;
  for (let id = from; id < to; id++) {
    if (get(references, id) !== 0) continue;
    const record = recordOf(side, id);
    const kind = recordKind(record);
    if (kind === KIND_DECL_TAG) continue;
    // Most are pointers to something that has its class already.
    if (kind === KIND_PTR && get(references, sizeOrType(record)) > 0) classType(side, id);
    else classWithParts(side, id);
  }
}

function classType(side: Side, id: i32): void {
  const prototype = qualifiedPrototype(side, id);
  if (prototype !== 0) {
    set(side.references, id, get(side.references, prototype));
    return;
  }
  pushShape(shapes, side, id);
  set(side.references, id, finish(shapes));
}

function classWithParts(side: Side, first: i32): void {
  const references = side.references;
  set(stack, 0, first);
  let depth = 1;
  while (depth > 0) {
    const id = get(stack, depth - 1);
    const state = get(references, id);
    if (state === 0) {
      set(references, id, IN_WORK);
      const parts = pushParts(side, id, depth);
      if (parts > 0) {
        depth += parts;
        continue;
      }
    }
    depth--;
    // A part of two types, or twice of one, may have been put here twice.
    if (state !== 0 && state !== IN_WORK) continue;
    if (leadsRound(side, id)) {
      set(references, id, CIRCULAR);
      isCircular = true;
    } else classType(side, id);
  }
}

/** Puts those parts of a type on the stack that are not classed yet; returns how many there are. */
function pushParts(side: Side, id: i32, depth: i32): i32 {
  const record = recordOf(side, id);
  const kind = recordKind(record);
  if (kind === KIND_DATASEC) return 0;
  let top = depth;
  let word = 0;
  for (let bits = typeIdWords(kind); bits !== 0; bits >>>= 1) {
    if ((bits & 1) === 1) top = pushPart(side, get(record, word), top);
    word++;
  }
  if (!hasElementTypes(kind)) return top - depth;
  const step = elementBytes(kind);
  const end = elementsEnd(record, kind);
  // An element's type id is its second word in every kind but DATASEC, whose variables are no parts of it.
  for (let element = firstElement(record, kind); element < end; element += step) {
    top = pushPart(side, get(element, 1), top);
  }
  return top - depth;
}

function pushPart(side: Side, part: i32, top: i32): i32 {
  if (get(side.references, part) !== 0 || recordKind(recordOf(side, part)) === KIND_DECL_TAG) return top;
  set(stack, top, part);
  return top + 1;
}

/** True when a part is in work, which means that it has this type as a part, or leads into a circle itself. */
function leadsRound(side: Side, id: i32): bool {
  const references = side.references;
  const record = recordOf(side, id);
  const kind = recordKind(record);
  if (kind === KIND_DATASEC) return false;
  let word = 0;
  for (let bits = typeIdWords(kind); bits !== 0; bits >>>= 1) {
    if ((bits & 1) === 1 && get(references, get(record, word)) < 0) return true;
    word++;
  }
  if (!hasElementTypes(kind)) return false;
  const step = elementBytes(kind);
  const end = elementsEnd(record, kind);
  for (let element = firstElement(record, kind); element < end; element += step) {
    if (get(references, get(element, 1)) < 0) return true;
  }
  return false;
}
