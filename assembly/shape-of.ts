import {
  ARRAY_ELEMENT_WORD,
  ARRAY_LENGTH_WORD,
  ENUMERATOR_HIGH_WORD,
  ENUMERATOR_VALUE_WORD,
  INFO_KIND_FLAG_SHIFT,
  INT_DATA_WORD,
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_MAX,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
  MEMBER_BIT_OFFSET_MASK,
  MEMBER_BITFIELD_SHIFT,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  NAME_WORD,
  PARAM_TYPE_WORD,
  VAR_LINKAGE_WORD,
} from "../lib/btf/format.ts";
import { elementBytes, elementsEnd, elementWords, firstElement, hasElementNames, recordKind } from "./elements.ts";
import { get } from "./memory.ts";
import { push, Shapes } from "./shapes.ts";
import { infoOf, kindOf, recordOf, Side, sizeOrType, vlenOf } from "./side.ts";

/** Set in the first word of what something is said of elsewhere. */
const ATTACHED = 0x80;
/** Set in the word of a part that leads into a circle, to keep its class apart from all others. */
const CIRCLE_FLAG = 0x4000_0000;
/** Qualifiers that are taken together: compilers write each once. */
const MOST_QUALIFIERS = 8;

/** Words of a sequence without elements, and without what is said of the type elsewhere. */
const WORDS_AROUND = 5;

/** Words at most of a type's sequence. */
export function shapeWords(side: Side, id: i32): i32 {
  const info = infoOf(recordOf(side, id));
  const kind = kindOf(info);
  const attached = attachedTo(side, id);
  // A member has one word more here than in its record, and so has an enumerator.
  const elements = hasElementNames(kind) ? vlenOf(info) * (elementWords(kind) + 1) : 0;
  return WORDS_AROUND + elements + (attached === 0 ? 0 : get(attached, 0) + 1);
}

/**
 * Pushes all that a type's record says, without ids: names as common numbers, other types as their reference classes,
 * offsets and widths as C means them, whatever the record's kind_flag; what tags and sections say of the type as well.
 */
export function pushShape(shapes: Shapes, side: Side, id: i32): void {
  const record = recordOf(side, id);
  const info = infoOf(record);
  const kind = kindOf(info);
  const attached = attachedTo(side, id);
  push(shapes, wordOfKind(kind) | (attached === 0 ? 0 : ATTACHED));
  push(shapes, get(record, NAME_WORD));
  pushBody(shapes, side, id, record, kind, info >>> INFO_KIND_FLAG_SHIFT);
  if (attached !== 0) pushAttached(shapes, attached);
}

/** Address of what is said of a type elsewhere, or 0. */
export function attachedTo(side: Side, id: i32): usize {
  return side.attached === 0 ? 0 : <usize>get(side.attached, id);
}

/** Behind the elements, with their number as the last word: no sequence can be read in two ways. */
function pushAttached(shapes: Shapes, attached: usize): void {
  const length = get(attached, 0);
  for (let i = 1; i <= length; i++) push(shapes, get(attached, i));
  push(shapes, length);
}

function pushBody(shapes: Shapes, side: Side, id: i32, record: usize, kind: i32, flag: i32): void {
  const step = elementBytes(kind);
  const end = elementsEnd(record, kind);
  let element = firstElement(record, kind);
  switch (kind) {
    case KIND_INT:
      push(shapes, sizeOrType(record));
      push(shapes, get(record, INT_DATA_WORD));
      break;
    case KIND_FLOAT:
    case KIND_DATASEC:
      push(shapes, sizeOrType(record));
      break;
    case KIND_FWD:
      push(shapes, flag);
      break;
    case KIND_ARRAY:
      push(shapes, partClass(side, get(record, ARRAY_ELEMENT_WORD)));
      push(shapes, get(record, ARRAY_LENGTH_WORD));
      break;
    case KIND_STRUCT:
    case KIND_UNION:
      push(shapes, sizeOrType(record));
      for (; element < end; element += step) {
        const offset = get(element, MEMBER_OFFSET_WORD);
        const name = get(element, 0);
        const type = get(element, MEMBER_TYPE_WORD);
        push(shapes, name);
        // Clang writes no qualifier of a member without a name.
        push(shapes, partClass(side, name === 0 ? behindQualifiers(side, type) : type));
        push(shapes, flag !== 0 ? offset & MEMBER_BIT_OFFSET_MASK : offset);
        push(shapes, flag !== 0 ? offset >>> MEMBER_BITFIELD_SHIFT : 0);
      }
      break;
    case KIND_ENUM:
    case KIND_ENUM64:
      push(shapes, sizeOrType(record));
      push(shapes, flag);
      for (; element < end; element += step) {
        const low = get(element, ENUMERATOR_VALUE_WORD);
        push(shapes, get(element, 0));
        push(shapes, low);
        if (kind === KIND_ENUM64) push(shapes, get(element, ENUMERATOR_HIGH_WORD));
        else push(shapes, flag !== 0 ? low >> 31 : 0);
      }
      break;
    case KIND_FUNC_PROTO:
      push(shapes, partClass(side, sizeOrType(record)));
      for (; element < end; element += step) {
        push(shapes, get(element, 0));
        push(shapes, partClass(side, get(element, PARAM_TYPE_WORD)));
      }
      break;
    case KIND_FUNC:
      push(shapes, vlenOf(infoOf(record)));
      push(shapes, partClass(side, sizeOrType(record)));
      break;
    case KIND_VAR:
      push(shapes, get(record, VAR_LINKAGE_WORD));
      push(shapes, partClass(side, sizeOrType(record)));
      break;
    case KIND_CONST:
    case KIND_VOLATILE:
    case KIND_RESTRICT:
      pushQualifiers(shapes, side, id);
      break;
    default:
      // Pointers, typedefs, type tags; of a kind that is not known, its name is all there is.
      push(shapes, flag);
      push(shapes, kind > KIND_MAX ? 0 : partClass(side, sizeOrType(record)));
  }
}

/** One word for kinds that C does not tell apart. */
function wordOfKind(kind: i32): i32 {
  if (kind === KIND_ENUM64) return KIND_ENUM;
  return isQualifier(kind) ? KIND_CONST : kind;
}

function isQualifier(kind: i32): bool {
  return kind === KIND_CONST || kind === KIND_VOLATILE || kind === KIND_RESTRICT;
}

/**
 * The function type behind a run of qualifiers, or 0. GCC makes a function that does not return `volatile`; C has no
 * such thing, Clang does not write it, and nobody can spell it.
 */
export function qualifiedPrototype(side: Side, id: i32): i32 {
  const inner = behindQualifiers(side, id);
  return inner !== id && recordKind(recordOf(side, inner)) === KIND_FUNC_PROTO ? inner : 0;
}

function behindQualifiers(side: Side, id: i32): i32 {
  let inner = id;
  for (let steps = 0; steps < MOST_QUALIFIERS; steps++) {
    const record = recordOf(side, inner);
    if (!isQualifier(recordKind(record))) break;
    inner = sizeOrType(record);
  }
  return inner;
}

/** Pushes a run of qualifiers as a set: compilers nest `const` and `volatile` either way. */
function pushQualifiers(shapes: Shapes, side: Side, id: i32): void {
  let kinds = 0;
  let inner = id;
  for (let steps = 0; steps < MOST_QUALIFIERS; steps++) {
    const record = recordOf(side, inner);
    const kind = recordKind(record);
    if (!isQualifier(kind)) break;
    kinds |= 1 << kind;
    inner = sizeOrType(record);
  }
  push(shapes, kinds);
  push(shapes, partClass(side, inner));
}

function partClass(side: Side, id: i32): i32 {
  const circle = side.circles === 0 ? 0 : get(side.circles, id);
  return circle === 0 ? get(side.references, id) : circle | CIRCLE_FLAG;
}
