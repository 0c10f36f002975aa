import {
  KIND_ARRAY,
  MEMBER_BIT_OFFSET_MASK,
  MEMBER_BITFIELD_SHIFT,
  MEMBER_NAME_WORD,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  MEMBER_WORDS,
  TYPE_WORDS,
} from "../btf/format.ts";
import { arrayElement } from "../btf/members.ts";
import {
  type Btf,
  isComposite,
  isModifier,
  kindFlagOf,
  kindOf,
  nameOffsetOf,
  recordOf,
  targetOf,
  vlenOf,
} from "../btf/view.ts";
import { keywordOf } from "../c/declarator.ts";
import type { MemberSide } from "./change.ts";
import type { Speller } from "./speller.ts";

/** A member of a struct or union, or of an anonymous one inside it. */
export interface Field {
  /** See MemberSide. */
  readonly path: string;
  /** The last part of the path; empty for a member without a name. */
  readonly name: string;
  /** Path of the member of anonymous type that it is in; empty for none. */
  readonly parent: string;
  readonly group: string;
  /** Bits from the start of the outermost struct. */
  readonly bitOffset: number;
  readonly bitfieldSize: number;
  readonly typeId: number;
  /** True where the type is an anonymous struct or union, or an array of them: its members are fields themselves. */
  readonly isContainer: boolean;
}

/** How many more fields may be listed in a diff: nested anonymous types could make any number of them. */
export interface FieldBudget {
  left: number;
}

/** Ten times what the types of a large kernel have together. */
export const FIELD_BUDGET = 8_000_000;
/** Fields of one type that are listed; twice what a type could have before Linux 7.1. */
const MOST_FIELDS = 1 << 17;
/** Anonymous types in each other. The kernel has eight at most. */
const MAX_DEPTH = 32;
/** Modifiers and array dimensions between a member and an anonymous struct. */
const MAX_STEPS = 32;

/**
 * All members of a struct or union and of the anonymous ones in it, in their order. A member without a name of a struct
 * that has one (-fms-extensions) is a field by that name where `isKept` says so of its path and that struct, and else its
 * members are.
 */
export function fieldsOf(
  speller: Speller,
  id: number,
  budget: FieldBudget,
  isKept: (path: string, inner: number) => boolean = () => true,
): Field[] {
  const fields: Field[] = [];
  const own: FieldBudget = { left: Math.min(MOST_FIELDS, budget.left) };
  const list: FieldList = { fields, budget: own, isKept };
  addFields(speller, { id, bitOffset: 0, prefix: "", parent: "", group: "", depth: 0 }, list);
  budget.left -= fields.length;
  return fields;
}

interface FieldList {
  readonly fields: Field[];
  readonly budget: FieldBudget;
  readonly isKept: (path: string, inner: number) => boolean;
}

interface Composite {
  readonly id: number;
  readonly bitOffset: number;
  /** Path of what it is in, with the point behind it. */
  readonly prefix: string;
  readonly parent: string;
  readonly group: string;
  readonly depth: number;
}

function addFields(speller: Speller, composite: Composite, list: FieldList): void {
  const { btf, nameAt } = speller;
  const { fields, budget, isKept } = list;
  const { id, prefix, parent, group, depth } = composite;
  const { words } = btf;
  const hasBitfields = kindFlagOf(btf, id) === 1;
  const first = recordOf(btf, id) + TYPE_WORDS;
  const end = first + vlenOf(btf, id) * MEMBER_WORDS;
  const isOpen = depth < MAX_DEPTH;
  // Word by word, for most of a diff's time is spent here before it is compiled.
  for (let member = first; member < end && budget.left > 0; member += MEMBER_WORDS) {
    const nameOffset = words[member + MEMBER_NAME_WORD] as number;
    const typeId = words[member + MEMBER_TYPE_WORD] as number;
    const offset = words[member + MEMBER_OFFSET_WORD] as number;
    const bitOffset = composite.bitOffset + (hasBitfields ? offset & MEMBER_BIT_OFFSET_MASK : offset);
    const inner = isOpen ? innerComposite(btf, typeId) : undefined;
    const isAnonymous = inner !== undefined && nameOffsetOf(btf, inner.id) === 0;
    const isNameless = nameOffset === 0 && inner !== undefined && inner.suffix === "";
    if (isNameless && (isAnonymous || !isKept(prefix + speller.declare(typeId, ""), inner.id))) {
      const word = `${keywordOf(btf, inner.id)}`;
      const groups = group === "" ? word : `${group} ${word}`;
      addFields(speller, { ...composite, id: inner.id, bitOffset, group: groups, depth: depth + 1 }, list);
      continue;
    }
    budget.left--;
    const name = nameAt(nameOffset);
    const path = prefix + (name === "" ? speller.declare(typeId, "") : name);
    const bitfieldSize = hasBitfields ? offset >>> MEMBER_BITFIELD_SHIFT : 0;
    fields.push({ path, name, parent, group, bitOffset, bitfieldSize, typeId, isContainer: isAnonymous });
    if (!isAnonymous) continue;
    const next = {
      id: inner.id,
      bitOffset,
      prefix: `${path}${inner.suffix}.`,
      parent: path,
      group: "",
      depth: depth + 1,
    };
    addFields(speller, next, list);
  }
}

/** The struct or union behind qualifiers and arrays, and a `[]` for each array. */
function innerComposite(btf: Btf, typeId: number): { readonly id: number; readonly suffix: string } | undefined {
  let suffix = "";
  let id = typeId;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const kind = kindOf(btf, id);
    if (isComposite(kind)) return { id, suffix };
    if (kind === KIND_ARRAY) {
      suffix += "[]";
      id = arrayElement(btf, id);
    } else if (isModifier(kind)) {
      id = targetOf(btf, id);
    } else {
      return undefined;
    }
  }
  return undefined;
}

/** A field for people. */
export function memberSide(speller: Speller, field: Field): MemberSide {
  const { path, name, bitOffset, bitfieldSize, typeId, group } = field;
  return {
    path,
    bitOffset,
    bitfieldSize,
    size: speller.sizeOf(typeId),
    type: speller.declare(typeId, ""),
    declaration: speller.declare(typeId, name === "" ? "" : path) + (bitfieldSize === 0 ? "" : `: ${bitfieldSize}`),
    group,
  };
}
