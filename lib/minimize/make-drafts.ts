import {
  ENUMERATOR_NAME_WORD,
  ENUMERATOR_VALUE_WORD,
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
  KIND_VAR,
  MEMBER_BITFIELD_SHIFT,
  MEMBER_NAME_WORD,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  VAR_LINKAGE_WORD,
} from "../btf/format.ts";
import { ELEMENT_WORDS } from "../btf/kind-table.ts";
import { arrayElement, arrayLength, intBits, intOffset, paramName, paramType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import {
  type Btf,
  isComposite,
  isTransparent,
  kindFlagOf,
  kindOf,
  nameOffsetOf,
  recordOf,
  segmentOf,
  sizeOf,
  targetOf,
  vlenOf,
} from "../btf/view.ts";
import { type Draft, type Drafts, newDraft, refersToType } from "./draft.ts";
import { addInteger, addVoidPointer, indexType } from "./draft-shared.ts";
import {
  DECLARED,
  DISTINCT,
  firstElement,
  isElementMarked,
  isMarked,
  KEPT,
  type Marks,
  markedTypes,
  NAMED,
  TARGETED,
} from "./marks.ts";
import { byteText } from "./string-table.ts";

/** Kinds that the kernel takes without a name (kernel/bpf/btf.c, the btf_*_check_meta functions). */
const NAME_OPTIONAL = new Set([KIND_INT, KIND_FLOAT, KIND_STRUCT, KIND_UNION, KIND_ENUM, KIND_ENUM64]);

/**
 * Makes drafts of the marked types. Modifiers and typedefs are left out unless they are marked themselves; pointers
 * whose target nobody asks for become one `void *`; integers that loaders cannot tell apart (by size, width and sign)
 * become one.
 */
export function makeDrafts(marks: Marks): Drafts {
  const { btf } = marks;
  const drafts: Drafts = { list: [], bySource: new Map(), shared: new Map() };
  const kept = markedTypes(marks);
  // Named integers first: nameless ones of the same make become one with them.
  for (const id of kept) {
    if (kindOf(btf, id) === KIND_INT && isMarked(marks, id, NAMED)) addInteger(marks, drafts, id);
  }
  for (const id of kept) {
    if (drafts.bySource.has(id)) continue;
    const kind = kindOf(btf, id);
    if (kind === KIND_INT) addInteger(marks, drafts, id);
    else if (kind === KIND_PTR && !hasTarget(marks, id)) addVoidPointer(drafts, id);
    else if (isMarked(marks, id, KEPT)) addDraft(marks, drafts, id);
    else addDeclaration(marks, drafts, id);
  }
  for (const id of kept) link(marks, drafts, id);
  return drafts;
}

function addDraft(marks: Marks, drafts: Drafts, id: number): void {
  const { btf } = marks;
  const kind = kindOf(btf, id);
  const named = isMarked(marks, id, NAMED) || !NAME_OPTIONAL.has(kind);
  const draft = newDraft(kind, {
    kindFlag: isComposite(kind) ? bitfieldFlag(marks, id) : kindFlagOf(btf, id),
    name: named ? byteText(btf.strings, nameOffsetOf(btf, id)) : "",
    size: refersToType(kind) || kind === KIND_ARRAY ? 0 : sizeOf(btf, id),
    detail: detailOf(btf, id),
    segment: segmentOf(btf, id),
    identity: isMarked(marks, id, DISTINCT) ? id : 0,
  });
  drafts.list.push(draft);
  drafts.bySource.set(id, draft);
}

/** A struct or union that is no more than declared. */
function addDeclaration(marks: Marks, drafts: Drafts, id: number): void {
  const { btf } = marks;
  const draft = newDraft(KIND_FWD, {
    kindFlag: kindOf(btf, id) === KIND_UNION ? 1 : 0,
    name: byteText(btf.strings, nameOffsetOf(btf, id)),
    segment: segmentOf(btf, id),
  });
  drafts.list.push(draft);
  drafts.bySource.set(id, draft);
}

/** True for a PTR or FUNC_PROTO of which more is kept than that it is one. */
function hasTarget(marks: Marks, id: number): boolean {
  return isMarked(marks, id, TARGETED) || isMarked(marks, id, DECLARED);
}

/**
 * Of a struct, kind_flag only says how offsets read: where no kept member is a bitfield, it can go. But cilium/ebpf takes
 * an INT that does not fill its bytes for a bitfield of old compilers where the flag is off and the member names the INT
 * directly. So where the flag was on it stays, and where a modifier stood between, the flag does what that did.
 */
function bitfieldFlag(marks: Marks, id: number): number {
  const { btf } = marks;
  const { words } = btf;
  const kept = keptElements(marks, id);
  const isOdd = (at: number) => {
    const type = skipModifiersAndTypedefs(btf, words[at + MEMBER_TYPE_WORD] as number);
    return kindOf(btf, type) === KIND_INT && !fillsBytes(btf, type);
  };
  const isBitfieldOrFar = (at: number) => (words[at + MEMBER_OFFSET_WORD] as number) >>> MEMBER_BITFIELD_SHIFT !== 0;
  if (kindFlagOf(btf, id) === 1) return kept.some((at) => isBitfieldOrFar(at) || isOdd(at)) ? 1 : 0;
  const odd = kept.filter(isOdd);
  const isBehind = (at: number) => isTransparent(kindOf(btf, words[at + MEMBER_TYPE_WORD] as number));
  return odd.length > 0 && odd.every(isBehind) && !kept.some(isBitfieldOrFar) ? 1 : 0;
}

function fillsBytes(btf: Btf, id: number): boolean {
  return intOffset(btf, id) === 0 && intBits(btf, id) === 8 * sizeOf(btf, id);
}

function detailOf(btf: Btf, id: number): number {
  switch (kindOf(btf, id)) {
    case KIND_ARRAY:
      return arrayLength(btf, id);
    case KIND_VAR:
      return btf.words[recordOf(btf, id) + VAR_LINKAGE_WORD] as number;
    case KIND_FUNC:
      // A FUNC's linkage stands where other kinds have their number of elements.
      return vlenOf(btf, id);
    default:
      return 0;
  }
}

/** Word indexes of the members or enumerators that are kept. */
function keptElements(marks: Marks, id: number): number[] {
  const { btf } = marks;
  const perElement = ELEMENT_WORDS[kindOf(btf, id)] as number;
  const kept: number[] = [];
  for (let i = 0, at = firstElement(btf, id); i < vlenOf(btf, id); i++, at += perElement) {
    if (isElementMarked(marks, at)) kept.push(at);
  }
  return kept;
}

/** The draft that stands for a type of the source, modifiers left out unless names are kept; null for void. */
function draftOf(marks: Marks, drafts: Drafts, id: number): Draft | null {
  const { btf } = marks;
  let at = id;
  if (marks.keepNames) while (isTransparent(kindOf(btf, at)) && !isMarked(marks, at, KEPT)) at = targetOf(btf, at);
  else at = skipModifiersAndTypedefs(btf, id);
  return drafts.bySource.get(at) ?? null;
}

/** Fills in what a draft refers to, once all drafts are there. */
function link(marks: Marks, drafts: Drafts, id: number): void {
  const { btf } = marks;
  const { words } = btf;
  const draft = drafts.bySource.get(id) as Draft;
  const text = (offset: number) => byteText(btf.strings, offset);
  switch (draft.kind) {
    case KIND_INT:
      break;
    case KIND_STRUCT:
    case KIND_UNION:
      draft.elements = keptElements(marks, id).map((at) => ({
        name: text(words[at + MEMBER_NAME_WORD] as number),
        type: draftOf(marks, drafts, words[at + MEMBER_TYPE_WORD] as number),
        rest: [words[at + MEMBER_OFFSET_WORD] as number],
      }));
      break;
    case KIND_ENUM:
    case KIND_ENUM64:
      draft.elements = keptElements(marks, id).map((at) => ({
        name: text(words[at + ENUMERATOR_NAME_WORD] as number),
        type: null,
        rest: [...words.subarray(at + ENUMERATOR_VALUE_WORD, at + (ELEMENT_WORDS[draft.kind] as number))],
      }));
      break;
    case KIND_ARRAY:
      draft.target = draftOf(marks, drafts, arrayElement(btf, id));
      draft.indexType = indexType(drafts);
      break;
    case KIND_FUNC_PROTO:
      if (!hasTarget(marks, id)) break;
      draft.target = draftOf(marks, drafts, targetOf(btf, id));
      draft.elements = Array.from({ length: vlenOf(btf, id) }, (_, i) => ({
        // A FUNC's parameters must have names, and those of a type need none.
        name: isMarked(marks, id, NAMED) ? text(paramName(btf, id, i)) : "",
        type: draftOf(marks, drafts, paramType(btf, id, i)),
        rest: [],
      }));
      break;
    case KIND_PTR:
      draft.target = hasTarget(marks, id) ? draftOf(marks, drafts, targetOf(btf, id)) : null;
      break;
    default:
      if (refersToType(draft.kind)) draft.target = draftOf(marks, drafts, targetOf(btf, id));
  }
}
