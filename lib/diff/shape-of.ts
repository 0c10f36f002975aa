import {
  ARRAY_ELEMENT_WORD,
  ARRAY_LENGTH_WORD,
  ENUM_WORDS,
  ENUM64_WORDS,
  ENUMERATOR_HIGH_WORD,
  ENUMERATOR_VALUE_WORD,
  INFO_KIND_FLAG_SHIFT,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
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
  MEMBER_WORDS,
  NAME_WORD,
  PARAM_TYPE_WORD,
  PARAM_WORDS,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
  VAR_LINKAGE_WORD,
} from "../btf/format.ts";
import { type Btf, kindOf, targetOf } from "../btf/view.ts";
import type { Attached, AttachedTag } from "./attached.ts";
import { push, reserve, type Shapes } from "./shapes.ts";

/** What a type's sequence of words is made from. */
export interface ShapeSource {
  readonly btf: Btf;
  /** Reference classes by type id. */
  readonly references: Int32Array;
  /** Classes, by type id, of what leads into a circle without a name; null where there is none. */
  readonly circles: Int32Array | null;
  /** Common numbers of names, by offset. */
  readonly names: Int32Array;
  readonly attached: Attached;
}

/** Set in the first word of what has tags. */
const TAGGED = 0x80;
/** Set in the word of a part that leads into a circle, to keep its class apart from all others. */
const CIRCLE_FLAG = 0x4000_0000;
/** Qualifiers that are taken together: compilers write each once. */
const MOST_QUALIFIERS = 8;
/** A sequence has at most four words an element, and some around them. */
const WORDS_AN_ELEMENT = 4;
const WORDS_AROUND = 8;

/**
 * Pushes all that a type's record says, without ids: names as common numbers, other types as their reference classes,
 * offsets and widths as C means them, whatever the record's kind_flag; what tags and sections say of the type as well.
 */
export function pushShape(shapes: Shapes, source: ShapeSource, id: number): void {
  const { btf, names, attached } = source;
  const { words } = btf;
  const at = btf.offsets[id] as number;
  const info = words[at + INFO_WORD] as number;
  const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  const flag = info >>> INFO_KIND_FLAG_SHIFT;
  const vlen = info & INFO_VLEN_MASK;
  const elements = at + TYPE_WORDS;
  reserve(shapes, vlen * WORDS_AN_ELEMENT + WORDS_AROUND);
  const tags = attached.tags.size === 0 ? undefined : attached.tags.get(id);
  push(shapes, wordOfKind(kind) | (tags === undefined ? 0 : TAGGED));
  push(shapes, names[words[at + NAME_WORD] as number] as number);
  switch (kind) {
    case KIND_INT:
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      push(shapes, words[at + INT_DATA_WORD] as number);
      break;
    case KIND_FLOAT:
    case KIND_DATASEC:
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      break;
    case KIND_FWD:
      push(shapes, flag);
      break;
    case KIND_ARRAY:
      push(shapes, partClass(source, words[at + ARRAY_ELEMENT_WORD] as number));
      push(shapes, words[at + ARRAY_LENGTH_WORD] as number);
      break;
    case KIND_STRUCT:
    case KIND_UNION:
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      for (let i = 0, member = elements; i < vlen; i++, member += MEMBER_WORDS) {
        const offset = words[member + MEMBER_OFFSET_WORD] as number;
        push(shapes, names[words[member] as number] as number);
        push(shapes, partClass(source, words[member + MEMBER_TYPE_WORD] as number));
        push(shapes, flag === 1 ? offset & MEMBER_BIT_OFFSET_MASK : offset);
        push(shapes, flag === 1 ? offset >>> MEMBER_BITFIELD_SHIFT : 0);
      }
      break;
    case KIND_ENUM:
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      push(shapes, flag);
      for (let i = 0, value = elements; i < vlen; i++, value += ENUM_WORDS) {
        const low = words[value + ENUMERATOR_VALUE_WORD] as number;
        push(shapes, names[words[value] as number] as number);
        push(shapes, low);
        push(shapes, flag === 1 ? (low | 0) >> 31 : 0);
      }
      break;
    case KIND_ENUM64:
      push(shapes, words[at + SIZE_OR_TYPE_WORD] as number);
      push(shapes, flag);
      for (let i = 0, value = elements; i < vlen; i++, value += ENUM64_WORDS) {
        push(shapes, names[words[value] as number] as number);
        push(shapes, words[value + ENUMERATOR_VALUE_WORD] as number);
        push(shapes, words[value + ENUMERATOR_HIGH_WORD] as number);
      }
      break;
    case KIND_FUNC_PROTO:
      push(shapes, partClass(source, words[at + SIZE_OR_TYPE_WORD] as number));
      for (let i = 0, param = elements; i < vlen; i++, param += PARAM_WORDS) {
        push(shapes, names[words[param] as number] as number);
        push(shapes, partClass(source, words[param + PARAM_TYPE_WORD] as number));
      }
      break;
    case KIND_FUNC:
      push(shapes, vlen);
      push(shapes, partClass(source, words[at + SIZE_OR_TYPE_WORD] as number));
      break;
    case KIND_VAR:
      push(shapes, words[at + VAR_LINKAGE_WORD] as number);
      push(shapes, partClass(source, words[at + SIZE_OR_TYPE_WORD] as number));
      pushPlaces(shapes, source, id);
      break;
    case KIND_CONST:
    case KIND_VOLATILE:
    case KIND_RESTRICT:
      pushQualifiers(shapes, source, id);
      break;
    default:
      // Pointers, typedefs, type tags; of a kind that is not known, its name is all there is.
      push(shapes, flag);
      push(shapes, kind > KIND_MAX ? 0 : partClass(source, words[at + SIZE_OR_TYPE_WORD] as number));
  }
  if (tags !== undefined) pushTags(shapes, tags);
}

/** One word for kinds that C does not tell apart. */
function wordOfKind(kind: number): number {
  if (kind === KIND_ENUM64) return KIND_ENUM;
  return isQualifier(kind) ? KIND_CONST : kind;
}

function isQualifier(kind: number): boolean {
  return kind === KIND_CONST || kind === KIND_VOLATILE || kind === KIND_RESTRICT;
}

/** Pushes a run of qualifiers as a set: compilers nest `const` and `volatile` either way. */
function pushQualifiers(shapes: Shapes, source: ShapeSource, id: number): void {
  const { btf } = source;
  let kinds = 0;
  let inner = id;
  for (let steps = 0; steps < MOST_QUALIFIERS && isQualifier(kindOf(btf, inner)); steps++) {
    kinds |= 1 << kindOf(btf, inner);
    inner = targetOf(btf, inner);
  }
  push(shapes, kinds);
  push(shapes, partClass(source, inner));
}

function partClass({ references, circles }: ShapeSource, id: number): number {
  const own = references[id] as number;
  const circle = circles === null ? 0 : (circles[id] as number);
  return circle === 0 ? own : circle | CIRCLE_FLAG;
}

/** Behind the elements, with their number as the last word: no sequence can be read in two ways. */
function pushTags(shapes: Shapes, tags: readonly AttachedTag[]): void {
  reserve(shapes, tags.length * 2 + 1);
  for (const { name, component } of tags) {
    push(shapes, name);
    push(shapes, component);
  }
  push(shapes, tags.length);
}

function pushPlaces(shapes: Shapes, { attached }: ShapeSource, id: number): void {
  const places = attached.places.get(id) ?? [];
  reserve(shapes, places.length * 3 + WORDS_AROUND);
  push(shapes, places.length);
  for (const { name, offset, size } of places) {
    push(shapes, name);
    push(shapes, offset);
    push(shapes, size);
  }
}
