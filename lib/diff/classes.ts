import {
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  INT_BITS_MASK,
  INT_DATA_WORD,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_INT,
  KIND_PTR,
  NAME_WORD,
  SIZE_OR_TYPE_WORD,
  TYPE_ID_WORDS,
} from "../btf/format.ts";
import { type Btf, isModifier, kindOf, typeCount } from "../btf/view.ts";
import { type Attached, collectAttached } from "./attached.ts";
import { classCircular } from "./circles.ts";
import { commonNames } from "./names.ts";
import { isDeclaration, nameKind, ROOT_KINDS, ROOT_NUMBERS } from "./root-kind.ts";
import { pushShape, type ShapeSource } from "./shape-of.ts";
import { finish, newShapes, type Shapes } from "./shapes.ts";
import { newSpeller, type Speller } from "./speller.ts";

/**
 * Two BTFs whose types are numbered in common, so that types are compared by numbers from here on.
 *
 * A type's *reference* class is what it is where another type refers to it: a type with a name is its kind and name
 * and no more, so that a change of `struct list_head` is no change of the thousands that have one; what has no name
 * (pointers, arrays, prototypes, qualifiers, anonymous structs) is its parts. Its *body* class is all that its own
 * record says, with reference classes for what it refers to; it is made only where two types may be the same and
 * isSameRecord cannot tell.
 */
export interface Classes {
  readonly views: readonly [ClassedView, ClassedView];
  /** Reference classes of names are below this; those of all else are not. */
  readonly nameEnd: number;
  readonly shapes: Shapes;
}

/** One side's types. */
export interface ClassedView extends ShapeSource {
  /** By type id; 0 where nobody has asked yet: see bodyClass. */
  readonly bodies: Int32Array;
  readonly speller: Speller;
  /** True for a type with a name of which its side has no other definition. */
  readonly isOnly: (id: number) => boolean;
}

/** Reference class of void; those of names follow. 0 is a type that has none yet, or a DECL_TAG. */
const VOID_CLASS = 1;
/** Reference class of a type whose parts are being classed, and of one that leads into a circle without names. */
const IN_WORK = -2;
const CIRCULAR = -1;
/** Types in one call, so that V8 compiles what is called many times: see lib/btf/scan.ts. */
const TYPES_A_CALL = 512;

/** Numbers the types of two BTFs. Linear in their size, whatever they refer to. */
export function classify(old: Btf, next: Btf): Classes {
  const names = commonNames([old, next]);
  const views = [classedView(old, names.ids[0] as Int32Array), classedView(next, names.ids[1] as Int32Array)] as const;
  const keys: Keys = { numbers: new Int32Array(names.count * ROOT_NUMBERS), end: VOID_CLASS + 1 };
  for (const view of views) {
    view.references[0] = VOID_CLASS;
    inBlocks(view, (from, to) => classNamed(keys, view, from, to));
  }
  const shapes = newShapes(old.words.length, typeCount(old), keys.end);
  let circular = false;
  for (const view of views) {
    inBlocks(view, (from, to) => {
      if (classUnnamed(shapes, view, from, to)) circular = true;
    });
  }
  if (circular) classCircular(shapes, views, CIRCULAR);
  return { views, nameEnd: keys.end, shapes };
}

function classedView(btf: Btf, names: Int32Array): ClassedView {
  const count = typeCount(btf);
  const attached: Attached = collectAttached(btf, names);
  const references = new Int32Array(count);
  let counts: ReadonlyMap<number, number> | undefined;
  return {
    btf,
    names,
    attached,
    references,
    bodies: new Int32Array(count),
    circles: null,
    speller: newSpeller(btf),
    isOnly: (id) => {
      counts ??= countDefinitions(btf, references);
      return counts.get(references[id] as number) === 1;
    },
  };
}

/** By reference class how many types there are, forward declarations aside. */
function countDefinitions(btf: Btf, references: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (let id = 1; id < references.length; id++) {
    const own = references[id] as number;
    if (!isDeclaration(btf, id)) counts.set(own, (counts.get(own) ?? 0) + 1);
  }
  return counts;
}

function inBlocks({ references }: ClassedView, work: (from: number, to: number) => void): void {
  for (let from = 1; from < references.length; from += TYPES_A_CALL) {
    work(from, Math.min(from + TYPES_A_CALL, references.length));
  }
}

/** A class for each name and kind that occurs. */
interface Keys {
  /** By name and kind: `name * ROOT_NUMBERS + number of the kind`; 0 where there is none yet. */
  readonly numbers: Int32Array;
  end: number;
}

function classNamed(keys: Keys, { btf, references, names }: ClassedView, from: number, to: number): void {
  const { words, offsets } = btf;
  for (let id = from; id < to; id++) {
    const at = offsets[id] as number;
    const name = names[words[at + NAME_WORD] as number] as number;
    if (name === 0) continue;
    const kind = nameKind(words[at + INFO_WORD] as number);
    const root = ROOT_KINDS[kind] as number;
    if (root === 0 || (kind === KIND_INT && isOddInt(words, at))) continue;
    const slot = name * ROOT_NUMBERS + root;
    let key = keys.numbers[slot] as number;
    if (key === 0) {
      key = keys.end++;
      keys.numbers[slot] = key;
    }
    references[id] = key;
  }
}

/**
 * The bitfields of old compilers: an INT of fewer bits than its bytes have, which shares its name with the whole one.
 * It is known by all it says, as part of the member that has it.
 */
function isOddInt(words: Uint32Array, at: number): boolean {
  const data = words[at + INT_DATA_WORD] as number;
  const bits = data & INT_BITS_MASK;
  return (
    ((data >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK) !== 0 || bits !== (words[at + SIZE_OR_TYPE_WORD] as number) * 8
  );
}

/** Classes what has no name, parts first, without recursion. True when something leads into a circle. */
function classUnnamed(shapes: Shapes, view: ClassedView, from: number, to: number): boolean {
  const { btf, references } = view;
  const stack: number[] = [];
  let circular = false;
  for (let first = from; first < to; first++) {
    if (references[first] !== 0) continue;
    const target = targetIfOnly(btf, first);
    // Most are pointers to something that has its class already.
    if (target >= 0 && (references[target] as number) > 0) {
      pushShape(shapes, view, first);
      references[first] = finish(shapes);
      continue;
    }
    if (kindOf(btf, first) === KIND_DECL_TAG) continue;
    for (let id = first; ; id = stack.at(-1) as number) {
      const state = references[id] as number;
      if (state === 0) {
        if (stack.at(-1) !== id) stack.push(id);
        references[id] = IN_WORK;
        if (pushParts(view, id, stack)) continue;
      }
      stack.pop();
      // A part of two types, or twice of one, may have been put here twice.
      if (state === 0 || state === IN_WORK) {
        if (leadsRound(view, id)) {
          references[id] = CIRCULAR;
          circular = true;
        } else {
          pushShape(shapes, view, id);
          references[id] = finish(shapes);
        }
      }
      if (stack.length === 0) break;
    }
  }
  return circular;
}

/** The type that a pointer or qualifier is of; -1 for other kinds. */
function targetIfOnly({ words, offsets }: Btf, id: number): number {
  const at = offsets[id] as number;
  const kind = ((words[at + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  return kind === KIND_PTR || isModifier(kind) ? (words[at + SIZE_OR_TYPE_WORD] as number) : -1;
}

/** Pushes those parts of a type that are not classed yet; true when there are any. */
function pushParts({ btf, references }: ClassedView, id: number, stack: number[]): boolean {
  const { words, offsets } = btf;
  const before = stack.length;
  const at = offsets[id] as number;
  const kind = ((words[at + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  if (kind === KIND_DATASEC) return false;
  for (let bits = TYPE_ID_WORDS[kind] as number, word = at; bits !== 0; bits >>>= 1, word++) {
    if ((bits & 1) === 1) pushPart(btf, references, words[word] as number, stack);
  }
  if (ELEMENT_TYPE_ID_WORDS[kind] === 0) return stack.length > before;
  const step = ELEMENT_WORDS[kind] as number;
  const first = at + (FIXED_WORDS[kind] as number);
  const end = first + ((words[at + INFO_WORD] as number) & INFO_VLEN_MASK) * step;
  // An element's type id is its second word in every kind but DATASEC, whose variables are no parts of it.
  for (let element = first; element < end; element += step) {
    pushPart(btf, references, words[element + 1] as number, stack);
  }
  return stack.length > before;
}

function pushPart(btf: Btf, references: Int32Array, part: number, stack: number[]): void {
  if (references[part] === 0 && kindOf(btf, part) !== KIND_DECL_TAG) stack.push(part);
}

/** True when a part is in work, which means that it has this type as a part, or leads into a circle itself. */
function leadsRound({ btf, references }: ClassedView, id: number): boolean {
  const { words, offsets } = btf;
  const at = offsets[id] as number;
  const kind = ((words[at + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  if (kind === KIND_DATASEC) return false;
  for (let bits = TYPE_ID_WORDS[kind] as number, word = at; bits !== 0; bits >>>= 1, word++) {
    if ((bits & 1) === 1 && (references[words[word] as number] as number) < 0) return true;
  }
  if (ELEMENT_TYPE_ID_WORDS[kind] === 0) return false;
  const step = ELEMENT_WORDS[kind] as number;
  const first = at + (FIXED_WORDS[kind] as number);
  const end = first + ((words[at + INFO_WORD] as number) & INFO_VLEN_MASK) * step;
  for (let element = first; element < end; element += step) {
    if ((references[words[element + 1] as number] as number) < 0) return true;
  }
  return false;
}

/** A type's body class: the reference class where it has no name, else made when it is asked for. */
export function bodyClass({ shapes, nameEnd }: Classes, view: ClassedView, id: number): number {
  const { references, bodies } = view;
  const known = bodies[id] as number;
  if (known !== 0) return known;
  const reference = references[id] as number;
  let body = reference;
  if (reference !== 0 && reference < nameEnd) {
    pushShape(shapes, view, id);
    body = finish(shapes);
  }
  bodies[id] = body;
  return body;
}
