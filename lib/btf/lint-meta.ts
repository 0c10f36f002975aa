import {
  ARRAY_ELEMENT_WORD,
  ARRAY_INDEX_WORD,
  DECL_TAG_COMPONENT_WORD,
  INT_BITS_MASK,
  INT_BOOL,
  INT_CHAR,
  INT_DATA_WORD,
  INT_ENCODING_MASK,
  INT_ENCODING_SHIFT,
  INT_OFFSET_MASK,
  INT_OFFSET_SHIFT,
  INT_SIGNED,
  KIND_ARRAY,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FWD,
  KIND_INT,
  KIND_MAX,
  KIND_STRUCT,
  KIND_UNION,
  KIND_VAR,
  SECINFO_OFFSET_WORD,
  SECINFO_SIZE_WORD,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
  VAR_LINKAGE_WORD,
} from "./format.ts";
import { ELEMENT_NAME_WORDS, ELEMENT_TYPE_ID_WORDS, ELEMENT_WORDS, FIXED_WORDS, TYPE_ID_WORDS } from "./kind-table.ts";
import { complainOfType, type LintSubject, showName } from "./lint-finding.ts";
import { MAX_NAME_OFFSET } from "./lint-header.ts";
import {
  KIND_TRAITS,
  NAME_ABSENT,
  NAME_FREE,
  NAME_IDENTIFIER,
  NAME_POLICY,
  NAME_SECTION,
  NAME_TEXT,
  NAMED_OPTIONALLY,
  TAKES_KIND_FLAG,
  TAKES_VLEN,
} from "./lint-kinds.ts";
import { AN_IDENTIFIER, isIdentifier, isSectionName, type NameChecker, noteName } from "./lint-names.ts";
import { memberBitOffset, memberName } from "./members.ts";
import { stringAt } from "./strings.ts";
import { kindFlagOf, kindOf, nameOffsetOf, recordOf, sizeOf, targetOf, vlenOf } from "./view.ts";

/** Widest vlen before Linux 7.1. */
const OLD_VLEN_MAX = 0xffff;
/** An INT data word's bits which must be 0 (the kernel's BTF_INT_MASK leaves bits 8 to 15 alone). */
const INT_RESERVED_MASK = 0xf000_0000;
const MAX_INT_BITS = 128;
const LINKAGE_GLOBAL = 1;

/** The pass over the records: what it checks, and what it finds in use on its way. */
export interface RecordPass {
  readonly subject: LintSubject;
  readonly names: NameChecker;
  /** By id: 1 when some record refers to the type. */
  readonly used: Uint8Array;
  /** True when the scan found every type id in range, so that none need be compared again. */
  readonly idsInRange: boolean;
}

/** Checks what one record says by itself: every rule that needs no other record but the number of types. */
export function lintRecord(pass: RecordPass, id: number): void {
  const { subject, names } = pass;
  const { btf } = subject;
  const kind = kindOf(btf, id);
  if (kind > KIND_MAX) {
    complainOfType(subject, "unknown-kind", id, `kind ${kind} is known to no kernel, even with its layout described`);
    return;
  }
  const vlen = vlenOf(btf, id);
  const traits = KIND_TRAITS[kind] as number;
  if (vlen !== 0 && (traits & TAKES_VLEN) === 0) {
    complainOfType(subject, "vlen-forbidden", id, `vlen is ${vlen}, but the kind has no elements`);
  } else if (vlen > OLD_VLEN_MAX) {
    complainOfType(subject, "wide-vlen", id, `${vlen} elements, more than kernels before 7.1 take`);
  }
  if (kindFlagOf(btf, id) === 1 && (traits & TAKES_KIND_FLAG) === 0) {
    complainOfType(subject, "kind-flag-forbidden", id, "kind_flag is set, but has no meaning for the kind");
  }
  lintName(subject, names, id, NAME_POLICY[kind] as number);
  lintReferences(pass, id, kind);
  switch (kind) {
    case KIND_INT:
      lintInt(subject, id);
      break;
    case KIND_ARRAY:
      lintArray(subject, id);
      break;
    case KIND_STRUCT:
    case KIND_UNION:
      lintMembers(subject, id, kind === KIND_UNION);
      break;
    case KIND_ENUM:
    case KIND_ENUM64:
      if (![1, 2, 4, 8].includes(sizeOf(btf, id))) {
        complainOfType(subject, "enum-size", id, `size is ${sizeOf(btf, id)}, expected 1, 2, 4 or 8 bytes`);
      }
      break;
    case KIND_FLOAT:
      if (![2, 4, 8, 12, 16].includes(sizeOf(btf, id))) {
        complainOfType(subject, "float-size", id, `size is ${sizeOf(btf, id)}, expected 2, 4, 8, 12 or 16 bytes`);
      }
      break;
    case KIND_FWD:
      if (targetOf(btf, id) !== 0) {
        complainOfType(subject, "fwd-type-word", id, `the unused type word is ${targetOf(btf, id)}, expected 0`);
      }
      break;
    case KIND_FUNC:
      // A FUNC's vlen is its linkage.
      if (vlen > LINKAGE_GLOBAL) complainOfType(subject, "func-linkage", id, linkageText(vlen));
      break;
    case KIND_VAR:
      lintVar(subject, id);
      break;
    case KIND_DATASEC:
      lintDatasec(subject, id);
      break;
    case KIND_DECL_TAG: {
      const component = (btf.words[recordOf(btf, id) + DECL_TAG_COMPONENT_WORD] as number) | 0;
      if (component < -1) complainOfType(subject, "decl-tag-component", id, `component index is ${component}`);
      break;
    }
  }
}

function linkageText(linkage: number): string {
  return linkage === 2
    ? "linkage is extern, which the kernel refuses (a loader such as libbpf replaces it before it loads)"
    : `linkage is ${linkage}, expected 0 (static) or 1 (global)`;
}

function lintName(subject: LintSubject, names: NameChecker, id: number, policy: number): void {
  const offset = nameOffsetOf(subject.btf, id);
  if (!isNameInRange(names, offset)) {
    complainOfType(subject, "name-offset", id, outOfStrings(names, offset));
    return;
  }
  if (policy === NAME_ABSENT) {
    if (offset !== 0)
      complainOfType(subject, "name-forbidden", id, `has a name (offset ${offset}), but the kind has none`);
    return;
  }
  if (policy === NAME_FREE || policy === NAME_TEXT || policy === NAME_SECTION) noteName(names, offset);
  if (policy === NAME_TEXT) {
    if ((names.strings[offset] ?? 0) === 0) complainOfType(subject, "name-required", id, "has no text");
    return;
  }
  if (offset === 0) {
    if (policy === NAME_IDENTIFIER || policy === NAME_SECTION) {
      complainOfType(subject, "name-required", id, "has no name");
    }
    return;
  }
  if (policy === NAME_SECTION) {
    if (!isSectionName(names, offset))
      complainOfType(subject, "name-invalid", id, "the name is not printable, or too long");
  } else if (policy === NAME_IDENTIFIER || policy === NAMED_OPTIONALLY) {
    if (!isIdentifier(names, offset)) complainOfType(subject, "name-invalid", id, "the name is no identifier");
  }
}

function isNameInRange(names: NameChecker, offset: number): boolean {
  return offset < names.strings.length && offset <= MAX_NAME_OFFSET;
}

function outOfStrings(names: NameChecker, offset: number): string {
  return `has its name at ${offset}, but the strings end at ${names.strings.length}`;
}

/** Every type id and every name of members, enumerators and parameters, by the format's own table. */
function lintReferences(pass: RecordPass, id: number, kind: number): void {
  const { subject, names, used, idsInRange } = pass;
  const { words } = subject.btf;
  const record = recordOf(subject.btf, id);
  for (let bits = TYPE_ID_WORDS[kind] as number, word = record; bits !== 0; bits >>>= 1, word++) {
    if ((bits & 1) === 0) continue;
    const reference = words[word] as number;
    used[reference] = 1;
    if (!idsInRange) lintId(subject, id, reference);
  }
  const perElement = ELEMENT_WORDS[kind] as number;
  if (perElement === 0) return;
  const end = recordOf(subject.btf, id + 1);
  const hasNames = ELEMENT_NAME_WORDS[kind] !== 0;
  const idBits = ELEMENT_TYPE_ID_WORDS[kind] as number;
  const idWord = idBits >>> 1;
  const needsNames = kind === KIND_ENUM || kind === KIND_ENUM64;
  const { known } = names;
  for (let i = 0, at = record + (FIXED_WORDS[kind] as number); at < end; i++, at += perElement) {
    if (idBits !== 0) {
      const reference = words[at + idWord] as number;
      used[reference] = 1;
      if (!idsInRange) lintId(subject, id, reference, i);
    }
    // Most names were met before, and are identifiers.
    if (hasNames && known[words[at] as number] !== AN_IDENTIFIER) {
      lintElementName(subject, names, id, words[at] as number, i, needsNames);
    }
  }
}

function lintElementName(
  subject: LintSubject,
  names: NameChecker,
  id: number,
  offset: number,
  index: number,
  needed: boolean,
): void {
  if (offset === 0) {
    if (needed) complainOfType(subject, "name-required", id, `enumerator ${index} has no name`, index);
  } else if (!isNameInRange(names, offset)) {
    complainOfType(subject, "name-offset", id, `element ${index} ${outOfStrings(names, offset)}`, index);
  } else if (!isIdentifier(names, offset)) {
    const name = showName(stringAt(names.strings, offset));
    complainOfType(subject, "name-invalid", id, `the name of element ${index}, '${name}', is no identifier`, index);
  }
}

function lintId(subject: LintSubject, id: number, reference: number, index?: number): void {
  // Behind a record that could not be read there may be more types: how many is not known.
  if (reference < subject.endId || !subject.complete) return;
  const message = `refers to type id ${reference}, but the last one is ${subject.endId - 1}`;
  complainOfType(subject, "type-id-range", id, index === undefined ? message : `element ${index} ${message}`, index);
}

function lintInt(subject: LintSubject, id: number): void {
  const { btf } = subject;
  const data = btf.words[recordOf(btf, id) + INT_DATA_WORD] as number;
  const encoding = (data >>> INT_ENCODING_SHIFT) & INT_ENCODING_MASK;
  if ((data & INT_RESERVED_MASK) !== 0) {
    complainOfType(subject, "int-data", id, `data word 0x${data.toString(16)} has reserved bits set`);
  }
  if (encoding !== 0 && encoding !== INT_SIGNED && encoding !== INT_CHAR && encoding !== INT_BOOL) {
    complainOfType(subject, "int-data", id, `encoding is ${encoding}, expected 0 or one of signed 1, char 2, bool 4`);
  }
  const bits = (data & INT_BITS_MASK) + ((data >>> INT_OFFSET_SHIFT) & INT_OFFSET_MASK);
  const size = sizeOf(btf, id);
  if (bits > MAX_INT_BITS) complainOfType(subject, "int-bits", id, `${bits} bits, more than ${MAX_INT_BITS}`);
  else if (Math.ceil(bits / 8) > size) complainOfType(subject, "int-bits", id, `${bits} bits do not fit ${size} bytes`);
}

function lintArray(subject: LintSubject, id: number): void {
  const { btf } = subject;
  const record = recordOf(btf, id);
  const size = btf.words[record + SIZE_OR_TYPE_WORD] as number;
  if (size !== 0) complainOfType(subject, "array-size-word", id, `the unused size word is ${size}, expected 0`);
  if (btf.words[record + ARRAY_ELEMENT_WORD] === 0) complainOfType(subject, "void-forbidden", id, "elements are void");
  if (btf.words[record + ARRAY_INDEX_WORD] === 0) complainOfType(subject, "void-forbidden", id, "the index is void");
}

function lintMembers(subject: LintSubject, id: number, isUnion: boolean): void {
  const { btf } = subject;
  const size = sizeOf(btf, id);
  const vlen = vlenOf(btf, id);
  const typeWord = recordOf(btf, id) + TYPE_WORDS + 1;
  let last = 0;
  for (let i = 0; i < vlen; i++) {
    const offset = memberBitOffset(btf, id, i);
    if (btf.words[typeWord + i * 3] === 0) {
      complainOfType(subject, "void-forbidden", id, `${memberText(subject, id, i)} is void`, i);
    }
    if (isUnion && offset !== 0) {
      complainOfType(subject, "member-order", id, `${memberText(subject, id, i)} is at bit ${offset} of a union`, i);
    } else if (offset < last) {
      const message = `${memberText(subject, id, i)} is at bit ${offset}, before the member at ${last} that it follows`;
      complainOfType(subject, "member-order", id, message, i);
    }
    if (Math.ceil(offset / 8) > size) {
      const message = `${memberText(subject, id, i)} starts at bit ${offset}, behind the struct's ${size * 8}`;
      complainOfType(subject, "member-offset", id, message, i);
    }
    last = Math.max(last, offset);
  }
}

/** `member 3 'x'`, or `member 3` when it is anonymous. */
export function memberText(subject: LintSubject, id: number, index: number): string {
  const name = showName(stringAt(subject.btf.strings, memberName(subject.btf, id, index)));
  return name === "" ? `member ${index}` : `member ${index} '${name}'`;
}

function lintVar(subject: LintSubject, id: number): void {
  const { btf } = subject;
  if (targetOf(btf, id) === 0) complainOfType(subject, "void-forbidden", id, "the variable is void");
  const linkage = btf.words[recordOf(btf, id) + VAR_LINKAGE_WORD] as number;
  if (linkage > LINKAGE_GLOBAL) complainOfType(subject, "var-linkage", id, linkageText(linkage));
}

function lintDatasec(subject: LintSubject, id: number): void {
  const { btf } = subject;
  const size = sizeOf(btf, id);
  if (size === 0) {
    const message = "size is 0, which the kernel refuses (a loader such as libbpf fills it in from the section)";
    complainOfType(subject, "datasec-size", id, message);
    return;
  }
  const vlen = vlenOf(btf, id);
  let end = 0;
  for (let i = 0, at = recordOf(btf, id) + TYPE_WORDS; i < vlen; i++, at += SECINFO_WORDS) {
    const offset = btf.words[at + SECINFO_OFFSET_WORD] as number;
    const length = btf.words[at + SECINFO_SIZE_WORD] as number;
    if (btf.words[at + SECINFO_TYPE_WORD] === 0)
      complainOfType(subject, "void-forbidden", id, `variable ${i} is void`, i);
    if (length === 0) complainOfType(subject, "datasec-order", id, `variable ${i} has no size`, i);
    if (offset < end) {
      complainOfType(
        subject,
        "datasec-order",
        id,
        `variable ${i} at ${offset} begins before the last one ends at ${end}`,
        i,
      );
    }
    if (offset + length > size) {
      complainOfType(
        subject,
        "datasec-order",
        id,
        `variable ${i} ends at ${offset + length}, behind the section's ${size}`,
        i,
      );
    }
    end = Math.max(end, offset + length);
  }
}
