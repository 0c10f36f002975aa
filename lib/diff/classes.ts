import {
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  INFO_VLEN_MASK,
  INFO_WORD,
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
  SIZE_OR_TYPE_WORD,
  TYPE_ID_WORDS,
} from "../btf/format.ts";
import { type Btf, isEnum, isModifier, kindFlagOf, kindOf, typeCount, vlenOf } from "../btf/view.ts";
import { type Attached, collectAttached } from "./attached.ts";
import { commonNames } from "./names.ts";
import { pushShape, type ShapeSource } from "./shape-of.ts";
import { finish, newShapes, push, reserve, type Shapes } from "./shapes.ts";
import { newSpeller, type Speller } from "./speller.ts";

/**
 * Two BTFs whose types are numbered in common, so that types are compared by numbers from here on.
 *
 * A type's *reference* class is what it is where another type refers to it: a type with a name is its kind and name
 * and no more, so that a change of `struct list_head` is no change of the thousands that have one; what has no name
 * (pointers, arrays, prototypes, qualifiers, anonymous structs) is its parts. Its *body* class is all that its own
 * record says, with reference classes for what it refers to.
 */
export interface Classes {
  readonly views: readonly ClassedView[];
  /** One more than the highest class. */
  readonly count: number;
}

/** One side's types. */
export interface ClassedView {
  readonly btf: Btf;
  /** By type id; 0 for a DECL_TAG, which nothing refers to. */
  readonly references: Uint32Array;
  /** By type id; the reference class where a type has no name. */
  readonly bodies: Uint32Array;
  /** Common numbers of names, by offset. */
  readonly names: Uint32Array;
  readonly attached: Attached;
  readonly speller: Speller;
}

/** First words of sequences that are no type's kind: a name and its kind; what goes round in a circle without a name. */
const KEY = 0x100;
const KEY_ODD_INT = 0x200;
const KEY_CIRCLE = 0x300;
/** Reference class of a type whose parts are still being classed, and of one that leads into a circle. */
const IN_WORK = 0xffff_fffe;
const CIRCULAR = 0xffff_ffff;
/**
 * How far types are told apart that refer to each other in a circle without any name in it. No language makes such
 * types; a circle of a million pointers would else take as many rounds.
 */
const CIRCLE_ROUNDS = 16;

/** Numbers the types of two BTFs. Linear in their size, whatever they refer to. */
export function classify(old: Btf, next: Btf): Classes {
  const names = commonNames([old, next]);
  const shapes = newShapes(old.words.length);
  const views = [old, next].map((btf, i): ClassedView => {
    const ids = names.ids[i] as Uint32Array;
    const count = typeCount(btf);
    const attached = collectAttached(btf, ids);
    return {
      btf,
      references: new Uint32Array(count),
      bodies: new Uint32Array(count),
      names: ids,
      attached,
      speller: newSpeller(btf),
    };
  });
  push(shapes, KEY);
  const voidClass = finish(shapes);
  let circular = false;
  for (const view of views) {
    view.references[0] = view.bodies[0] = voidClass;
    classNamed(shapes, view);
    circular = classUnnamed(shapes, view) || circular;
  }
  if (circular) classCircular(shapes, views);
  for (const view of views) classBodies(shapes, view);
  return { views, count: shapes.count };
}

/** The kind that a name is of: ENUM64 is ENUM, a FWD is what it declares. */
export function nameKind(btf: Btf, id: number): number {
  const kind = kindOf(btf, id);
  if (kind === KIND_ENUM64) return KIND_ENUM;
  if (kind === KIND_FWD) return kindFlagOf(btf, id) === 1 ? KIND_UNION : KIND_STRUCT;
  return kind;
}

/** A forward declaration, or an enum without enumerators, which C has no other way to write. */
export function isDeclaration(btf: Btf, id: number): boolean {
  const kind = kindOf(btf, id);
  return kind === KIND_FWD || (isEnum(kind) && vlenOf(btf, id) === 0);
}

/** True for a kind that is known by its name where it has one. A type tag's name is part of a type. */
function bearsName(kind: number): boolean {
  return !isModifier(kind) && kind !== KIND_PTR && kind !== KIND_DECL_TAG;
}

function classNamed(shapes: Shapes, { btf, references, names }: ClassedView): void {
  const { words, offsets } = btf;
  for (let id = 1; id < references.length; id++) {
    const at = offsets[id] as number;
    const name = names[words[at + NAME_WORD] as number] as number;
    if (name === 0) continue;
    const kind = nameKind(btf, id);
    if (!bearsName(kind)) continue;
    reserve(shapes, 4);
    if (kind === KIND_INT && isOddInt(words, at)) {
      push(shapes, KEY_ODD_INT);
      push(shapes, name);
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      push(shapes, words[at + INT_DATA_WORD] as number);
    } else {
      push(shapes, KEY + kind);
      push(shapes, name);
    }
    references[id] = finish(shapes);
  }
}

/** The bitfields of old compilers: an INT of fewer bits than its bytes have, which shares its name with the whole one. */
function isOddInt(words: Uint32Array, at: number): boolean {
  const data = words[at + INT_DATA_WORD] as number;
  const bits = data & INT_BITS_MASK;
  return (
    ((data >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK) !== 0 || bits !== (words[at + SIZE_OR_TYPE_WORD] as number) * 8
  );
}

/** Classes what has no name, parts first, without recursion. True when something leads into a circle. */
function classUnnamed(shapes: Shapes, view: ClassedView): boolean {
  const { btf, references } = view;
  const source: ShapeSource = { ...view, circles: null };
  const stack: number[] = [];
  let circular = false;
  for (let first = 1; first < references.length; first++) {
    if (references[first] !== 0 || kindOf(btf, first) === KIND_DECL_TAG) continue;
    stack.push(first);
    while (stack.length > 0) {
      const id = stack.at(-1) as number;
      const state = references[id] as number;
      if (state === 0) {
        references[id] = IN_WORK;
        if (pushParts(view, id, stack)) continue;
      }
      stack.pop();
      // A part of two types, or twice of one, may have been put here twice.
      if (state !== 0 && state !== IN_WORK) continue;
      if (leadsRound(view, id)) {
        references[id] = CIRCULAR;
        circular = true;
      } else {
        pushShape(shapes, source, id);
        references[id] = finish(shapes);
      }
    }
  }
  return circular;
}

/** Pushes those parts of a type that are not classed yet; true when there are any. */
function pushParts({ btf, references }: ClassedView, id: number, stack: number[]): boolean {
  const before = stack.length;
  forParts(btf, id, (part) => {
    if (references[part] === 0 && kindOf(btf, part) !== KIND_DECL_TAG) stack.push(part);
    return false;
  });
  return stack.length > before;
}

/** True when a part is in work, which means that it has this type as a part, or leads into a circle itself. */
function leadsRound({ btf, references }: ClassedView, id: number): boolean {
  return forParts(btf, id, (part) => (references[part] as number) >= IN_WORK);
}

/** Asks for each type that one refers to until the answer is true. A section's variables are no parts of it. */
function forParts(btf: Btf, id: number, ask: (part: number) => boolean): boolean {
  const { words, offsets } = btf;
  const kind = kindOf(btf, id);
  if (kind === KIND_DATASEC) return false;
  const at = offsets[id] as number;
  for (let bits = TYPE_ID_WORDS[kind] as number, word = at; bits !== 0; bits >>>= 1, word++) {
    if ((bits & 1) === 1 && ask(words[word] as number)) return true;
  }
  const step = ELEMENT_WORDS[kind] as number;
  if (ELEMENT_TYPE_ID_WORDS[kind] === 0) return false;
  const first = at + (FIXED_WORDS[kind] as number);
  const end = first + ((words[at + INFO_WORD] as number) & INFO_VLEN_MASK) * step;
  // An element's type id is its second word in every kind but DATASEC.
  for (let element = first; element < end; element += step) {
    if (ask(words[element + 1] as number)) return true;
  }
  return false;
}

/**
 * Classes what leads into a circle: all of it is one class at first, and is told apart by its parts' classes, round by
 * round, until that changes nothing.
 */
function classCircular(shapes: Shapes, views: readonly ClassedView[]): void {
  const members = views.map(({ references }) => {
    const ids: number[] = [];
    for (let id = 1; id < references.length; id++) if (references[id] === CIRCULAR) ids.push(id);
    return ids;
  });
  const circles = views.map(({ references }) => new Uint32Array(references.length));
  let count = 0;
  for (let round = 0; round < CIRCLE_ROUNDS; round++) {
    const own = newShapes();
    const finer = views.map((view, i) => {
      const source: ShapeSource = { ...view, circles: circles[i] as Uint32Array };
      return (members[i] as number[]).map((id) => {
        pushShape(own, source, id);
        return finish(own);
      });
    });
    finer.forEach((classes, i) => {
      classes.forEach((value, j) => {
        (circles[i] as Uint32Array)[(members[i] as number[])[j] as number] = value;
      });
    });
    if (own.count === count) break;
    count = own.count;
  }
  views.forEach(({ references }, i) => {
    for (const id of members[i] as number[]) {
      reserve(shapes, 2);
      push(shapes, KEY_CIRCLE);
      push(shapes, (circles[i] as Uint32Array)[id] as number);
      references[id] = finish(shapes);
    }
  });
}

function classBodies(shapes: Shapes, view: ClassedView): void {
  const { btf, references, bodies, names } = view;
  const source: ShapeSource = { ...view, circles: null };
  for (let id = 1; id < references.length; id++) {
    const kind = kindOf(btf, id);
    const name = names[btf.words[(btf.offsets[id] as number) + NAME_WORD] as number] as number;
    if (name === 0 || !bearsName(kind)) {
      bodies[id] = references[id] as number;
      continue;
    }
    pushShape(shapes, source, id);
    bodies[id] = finish(shapes);
  }
}
