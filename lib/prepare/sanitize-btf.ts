import { encodeBtf } from "../btf/encode.ts";
import {
  INFO_KIND_SHIFT,
  INFO_WORD,
  INT_DATA_WORD,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_INT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  MEMBER_NAME_WORD,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  MEMBER_WORDS,
  NAME_WORD,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
} from "../btf/format.ts";
import { type Btf, kindOf, nameOffsetOf, recordOf, typeCount, vlenOf } from "../btf/view.ts";
import { appendString, appendType, editableBtf, sectionVariables } from "./btf-edit.ts";

/** What a kernel knows of BTF, by the release that brought it. */
export interface BtfFeatures {
  /** BPF_BTF_LOAD at all (4.18). */
  readonly btf: boolean;
  /** FUNC and FUNC_PROTO (5.0). */
  readonly functions: boolean;
  /** VAR and DATASEC (5.2). */
  readonly sections: boolean;
  /** Linkage of FUNC (5.6). */
  readonly linkage: boolean;
  /** FLOAT (5.13). */
  readonly floats: boolean;
  /** DECL_TAG (5.16). */
  readonly declTags: boolean;
  /** TYPE_TAG (5.17). */
  readonly typeTags: boolean;
  /** ENUM64, and signed ENUM (6.0). */
  readonly enum64: boolean;
  /** `?` in the name of a DATASEC (6.9). */
  readonly questionMark: boolean;
  /** The layout section (7.1). */
  readonly layout: boolean;
}

/** What a kernel of that release knows; distributions carry some of it back, which does no harm. */
export function btfFeatures(major: number, minor: number): BtfFeatures {
  const since = (from: number, minorFrom: number) => major > from || (major === from && minor >= minorFrom);
  return {
    btf: since(4, 18),
    functions: since(5, 0),
    sections: since(5, 2),
    linkage: since(5, 6),
    floats: since(5, 13),
    declTags: since(5, 16),
    typeTags: since(5, 17),
    enum64: since(6, 0),
    questionMark: since(6, 9),
    layout: since(7, 1),
  };
}

const PLACEHOLDER = "enum64_placeholder";
const DOT = 0x2e;
const QUESTION_MARK = 0x3f;
const UNDERLINE = 0x5f;
/** `INT` of one byte without encoding: 8 bits. */
const BYTE_DATA = 8;

/**
 * An object's BTF without what a kernel does not know: each such type becomes one of the same size that it does know, so
 * that ids stay (libbpf.c, bpf_object__sanitize_btf). Null for a kernel that takes no BTF.
 */
export function sanitizeBtf(source: Btf, has: BtfFeatures): Uint8Array | null {
  if (!has.btf) return null;
  const strings = new Uint8Array(source.strings);
  let btf: Btf = { ...editableBtf(source), strings };
  const last = typeCount(source);
  let placeholder = 0;
  for (let id = 1; id < last; id++) {
    const kind = kindOf(btf, id);
    const at = recordOf(btf, id);
    const isSection = kind === KIND_DATASEC;
    if ((!has.sections && kind === KIND_VAR) || (!has.declTags && kind === KIND_DECL_TAG)) {
      // A byte is the safe size: a greater one might be more than the variable had.
      setInfo(btf, id, KIND_INT, 0);
      btf.words[at + SIZE_OR_TYPE_WORD] = 1;
      btf.words[at + INT_DATA_WORD] = BYTE_DATA;
    } else if (!has.sections && isSection) sectionToStruct(btf, id);
    else if (!has.questionMark && isSection && btf.strings[nameOffsetOf(btf, id)] === QUESTION_MARK) {
      btf.strings[nameOffsetOf(btf, id)] = UNDERLINE;
    } else if (!has.functions && kind === KIND_FUNC_PROTO) {
      setInfo(btf, id, KIND_ENUM, vlenOf(btf, id));
      btf.words[at + SIZE_OR_TYPE_WORD] = 4;
    } else if (!has.functions && kind === KIND_FUNC) setInfo(btf, id, KIND_TYPEDEF, 0);
    else if (!has.linkage && kind === KIND_FUNC) setInfo(btf, id, KIND_FUNC, 0);
    else if (!has.floats && kind === KIND_FLOAT) {
      btf.words[at + NAME_WORD] = 0;
      setInfo(btf, id, KIND_STRUCT, 0);
    } else if (!has.typeTags && kind === KIND_TYPE_TAG) {
      btf.words[at + NAME_WORD] = 0;
      setInfo(btf, id, KIND_CONST, 0);
    } else if (!has.enum64 && kind === KIND_ENUM) setInfo(btf, id, KIND_ENUM, vlenOf(btf, id));
    else if (!has.enum64 && kind === KIND_ENUM64) {
      if (placeholder === 0) {
        const named = appendString(btf, PLACEHOLDER);
        const added = appendType(named.btf, [named.offset, (KIND_INT << INFO_KIND_SHIFT) >>> 0, 1, BYTE_DATA]);
        btf = added.btf;
        placeholder = added.id;
      }
      enumToUnion(btf, id, placeholder);
    }
  }
  return encodeBtf(btf, has.layout ? {} : { layout: false });
}

function setInfo(btf: Btf, id: number, kind: number, vlen: number): void {
  btf.words[recordOf(btf, id) + INFO_WORD] = ((kind << INFO_KIND_SHIFT) | vlen) >>> 0;
}

/** A DATASEC's records are as long as a struct's: its variables become members of their names. */
function sectionToStruct(btf: Btf, id: number): void {
  for (let at = nameOffsetOf(btf, id); btf.strings[at] !== 0 && at < btf.strings.length; at++) {
    if (btf.strings[at] === DOT || btf.strings[at] === QUESTION_MARK) btf.strings[at] = UNDERLINE;
  }
  const variables = sectionVariables(btf, id);
  setInfo(btf, id, KIND_STRUCT, variables.length);
  const first = recordOf(btf, id) + TYPE_WORDS;
  variables.forEach(({ type, offset }, i) => {
    const at = first + i * MEMBER_WORDS;
    btf.words[at + MEMBER_NAME_WORD] = nameOffsetOf(btf, type);
    btf.words[at + MEMBER_TYPE_WORD] = type;
    btf.words[at + MEMBER_OFFSET_WORD] = offset * 8;
  });
}

function enumToUnion(btf: Btf, id: number, member: number): void {
  const count = vlenOf(btf, id);
  setInfo(btf, id, KIND_UNION, count);
  const first = recordOf(btf, id) + TYPE_WORDS;
  for (let i = 0; i < count; i++) {
    btf.words[first + i * MEMBER_WORDS + MEMBER_TYPE_WORD] = member;
    btf.words[first + i * MEMBER_WORDS + MEMBER_OFFSET_WORD] = 0;
  }
}
