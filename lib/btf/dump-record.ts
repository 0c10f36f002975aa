import { inBytes, put, rawName, type Sink } from "./dump-sink.ts";
import {
  ARRAY_ELEMENT_WORD,
  ARRAY_INDEX_WORD,
  ARRAY_LENGTH_WORD,
  DECL_TAG_COMPONENT_WORD,
  ENUM_WORDS,
  ENUM64_WORDS,
  ENUMERATOR_HIGH_WORD,
  ENUMERATOR_NAME_WORD,
  ENUMERATOR_VALUE_WORD,
  INT_BOOL,
  INT_CHAR,
  INT_SIGNED,
  KIND_ARRAY,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_NAMES,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOID,
  KIND_VOLATILE,
  MEMBER_BIT_OFFSET_MASK,
  MEMBER_BITFIELD_SHIFT,
  MEMBER_NAME_WORD,
  MEMBER_OFFSET_WORD,
  MEMBER_TYPE_WORD,
  MEMBER_WORDS,
  PARAM_NAME_WORD,
  PARAM_TYPE_WORD,
  PARAM_WORDS,
  SECINFO_OFFSET_WORD,
  SECINFO_SIZE_WORD,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
  VAR_LINKAGE_WORD,
} from "./format.ts";
import { intBits, intEncoding, intOffset } from "./members.ts";
import { stringAt } from "./strings.ts";
import { type Btf, type BtfSegment, kindFlagOf, kindOf, nameOffsetOf, recordOf, vlenOf } from "./view.ts";

/** Where a dump goes, and in which of its two spellings: both print the same fields in the same order. */
export interface Printer {
  readonly btf: Btf;
  /** The segment printed: its types are numbered as in its file. */
  readonly segment: BtfSegment;
  readonly sink: Sink;
  readonly json: boolean;
  /** True when some name, perhaps one that is not printed, is one that JSON cannot hold as it is. */
  readonly escapes: boolean;
}

const NEEDS_ESCAPE = /[^\0\x20\x21\x23-\x5b\x5d-\x7f]/;

/** A printer for a segment in one of the spellings. */
export function openPrinter(btf: Btf, segment: BtfSegment, sink: Sink, json: boolean): Printer {
  return { btf, segment, sink, json, escapes: json && NEEDS_ESCAPE.test(sink.names) };
}

/** bpftool has no name for void, which it prints only where a DATASEC refers to it. */
const UNKNOWN = "UNKNOWN";
const KINDS: readonly string[] = KIND_NAMES.map((name, kind) => (kind === KIND_VOID ? UNKNOWN : name));

/** bpftool names an INT's encoding only where no more than one bit is set. */
const INT_ENCODINGS: ReadonlyMap<number, string> = new Map([
  [0, "(none)"],
  [INT_SIGNED, "SIGNED"],
  [INT_CHAR, "CHAR"],
  [INT_BOOL, "BOOL"],
]);
const OTHER_ENCODING = "UNKN";

/** Linkages of FUNC (its vlen) and VAR are numbered alike: BTF_FUNC_STATIC ..., BTF_VAR_STATIC ... */
const LINKAGES: readonly string[] = ["static", "global", "extern"];
const OTHER_LINKAGE = "(unknown)";

/** Prints one type: a line and a line for each element, or one JSON object. `id` is the view's. */
export function printType(out: Printer, id: number): void {
  const { btf, sink, json } = out;
  const kind = kindOf(btf, id);
  const word = KINDS[kind] ?? UNKNOWN;
  const name = nameText(out, nameOffsetOf(btf, id));
  const own = ownId(out, id);
  const fields = fieldsText(out, id, kind);
  put(sink, json ? `{"id":${own},"kind":"${word}","name":"${name}"${fields}` : `[${own}] ${word} '${name}'${fields}`);
  const list = LISTS[kind];
  if (list !== undefined) printList(out, id, list);
  put(sink, json ? "}" : "\n");
}

/** Everything but the elements: the text's fields, or the JSON's. */
function fieldsText(out: Printer, id: number, kind: number): string {
  const { btf, json } = out;
  const at = recordOf(btf, id);
  const word = btf.words[at + SIZE_OR_TYPE_WORD] as number;
  switch (kind) {
    case KIND_INT: {
      const [offset, bits] = [intOffset(btf, id), intBits(btf, id)];
      const encoding = INT_ENCODINGS.get(intEncoding(btf, id)) ?? OTHER_ENCODING;
      if (json) return `,"size":${word},"bits_offset":${offset},"nr_bits":${bits},"encoding":"${encoding}"`;
      return ` size=${word} bits_offset=${offset} nr_bits=${bits} encoding=${encoding}`;
    }
    case KIND_PTR:
    case KIND_TYPEDEF:
    case KIND_VOLATILE:
    case KIND_CONST:
    case KIND_RESTRICT:
    case KIND_TYPE_TAG:
      return json ? `,"type_id":${ownId(out, word)}` : ` type_id=${ownId(out, word)}`;
    case KIND_ARRAY: {
      const element = ownId(out, btf.words[at + ARRAY_ELEMENT_WORD] as number);
      const index = ownId(out, btf.words[at + ARRAY_INDEX_WORD] as number);
      const length = btf.words[at + ARRAY_LENGTH_WORD] as number;
      if (json) return `,"type_id":${element},"index_type_id":${index},"nr_elems":${length}`;
      return ` type_id=${element} index_type_id=${index} nr_elems=${length}`;
    }
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_DATASEC: {
      const vlen = vlenOf(btf, id);
      return json ? `,"size":${word},"vlen":${vlen}` : ` size=${word} vlen=${vlen}`;
    }
    case KIND_ENUM:
    case KIND_ENUM64: {
      const encoding = kindFlagOf(btf, id) === 1 ? "SIGNED" : "UNSIGNED";
      const vlen = vlenOf(btf, id);
      if (json) return `,"encoding":"${encoding}","size":${word},"vlen":${vlen}`;
      return ` encoding=${encoding} size=${word} vlen=${vlen}`;
    }
    case KIND_FWD: {
      const what = kindFlagOf(btf, id) === 1 ? "union" : "struct";
      return json ? `,"fwd_kind":"${what}"` : ` fwd_kind=${what}`;
    }
    case KIND_FUNC: {
      const linkage = LINKAGES[vlenOf(btf, id)] ?? OTHER_LINKAGE;
      const type = ownId(out, word);
      return json ? `,"type_id":${type},"linkage":"${linkage}"` : ` type_id=${type} linkage=${linkage}`;
    }
    case KIND_FUNC_PROTO: {
      const [type, vlen] = [ownId(out, word), vlenOf(btf, id)];
      return json ? `,"ret_type_id":${type},"vlen":${vlen}` : ` ret_type_id=${type} vlen=${vlen}`;
    }
    case KIND_VAR: {
      const linkage = LINKAGES[btf.words[at + VAR_LINKAGE_WORD] as number] ?? OTHER_LINKAGE;
      const type = ownId(out, word);
      return json ? `,"type_id":${type},"linkage":"${linkage}"` : ` type_id=${type}, linkage=${linkage}`;
    }
    case KIND_FLOAT:
      return json ? `,"size":${word}` : ` size=${word}`;
    case KIND_DECL_TAG: {
      const component = (btf.words[at + DECL_TAG_COMPONENT_WORD] as number) | 0;
      const type = ownId(out, word);
      return json ? `,"type_id":${type},"component_idx":${component}` : ` type_id=${type} component_idx=${component}`;
    }
    default:
      return "";
  }
}

/** A kind's elements: their list's name in JSON, and how to print one; `at` is its word index. */
interface List {
  readonly name: string;
  readonly elementWords: number;
  readonly elementText: (out: Printer, at: number, kindFlag: number) => string;
}

const MEMBERS: List = { name: "members", elementWords: MEMBER_WORDS, elementText: memberText };
const LISTS: Readonly<Record<number, List>> = {
  [KIND_STRUCT]: MEMBERS,
  [KIND_UNION]: MEMBERS,
  [KIND_ENUM]: { name: "values", elementWords: ENUM_WORDS, elementText: enumeratorText },
  [KIND_ENUM64]: { name: "values", elementWords: ENUM64_WORDS, elementText: wideEnumeratorText },
  [KIND_FUNC_PROTO]: { name: "params", elementWords: PARAM_WORDS, elementText: parameterText },
  [KIND_DATASEC]: { name: "vars", elementWords: SECINFO_WORDS, elementText: variableText },
};

function printList(out: Printer, id: number, { name, elementWords, elementText }: List): void {
  const { btf, sink, json } = out;
  const kindFlag = kindFlagOf(btf, id);
  const from = recordOf(btf, id) + TYPE_WORDS;
  const to = from + vlenOf(btf, id) * elementWords;
  if (json) put(sink, `,"${name}":[`);
  for (let at = from; at < to; at += elementWords) {
    const text = elementText(out, at, kindFlag);
    put(sink, json && at !== from ? `,${text}` : text);
  }
  if (json) put(sink, "]");
}

function memberText(out: Printer, at: number, kindFlag: number): string {
  const { words } = out.btf;
  const name = nameText(out, words[at + MEMBER_NAME_WORD] as number);
  const type = ownId(out, words[at + MEMBER_TYPE_WORD] as number);
  const word = words[at + MEMBER_OFFSET_WORD] as number;
  const offset = kindFlag === 1 ? word & MEMBER_BIT_OFFSET_MASK : word;
  const size = kindFlag === 1 ? word >>> MEMBER_BITFIELD_SHIFT : 0;
  if (out.json) {
    const bitfield = size === 0 ? "" : `,"bitfield_size":${size}`;
    return `{"name":"${name}","type_id":${type},"bits_offset":${offset}${bitfield}}`;
  }
  const text = `\n\t'${name}' type_id=${type} bits_offset=${offset}`;
  return size === 0 ? text : `${text} bitfield_size=${size}`;
}

function enumeratorText(out: Printer, at: number, kindFlag: number): string {
  const { words } = out.btf;
  const name = nameText(out, words[at + ENUMERATOR_NAME_WORD] as number);
  const word = words[at + ENUMERATOR_VALUE_WORD] as number;
  const value = kindFlag === 1 ? word | 0 : word;
  return out.json ? `{"name":"${name}","val":${value}}` : `\n\t'${name}' val=${value}`;
}

function wideEnumeratorText(out: Printer, at: number, kindFlag: number): string {
  const { words } = out.btf;
  const name = nameText(out, words[at + ENUMERATOR_NAME_WORD] as number);
  const high = BigInt(words[at + ENUMERATOR_HIGH_WORD] as number);
  const bits = (high << 32n) | BigInt(words[at + ENUMERATOR_VALUE_WORD] as number);
  const value = kindFlag === 1 ? BigInt.asIntN(64, bits) : bits;
  if (out.json) return `{"name":"${name}","val":${value}}`;
  return `\n\t'${name}' val=${value}${kindFlag === 1 ? "LL" : "ULL"}`;
}

function parameterText(out: Printer, at: number): string {
  const name = nameText(out, out.btf.words[at + PARAM_NAME_WORD] as number);
  const type = ownId(out, out.btf.words[at + PARAM_TYPE_WORD] as number);
  return out.json ? `{"name":"${name}","type_id":${type}}` : `\n\t'${name}' type_id=${type}`;
}

/** The text also says what a DATASEC's entry refers to. */
function variableText(out: Printer, at: number): string {
  const { btf, json } = out;
  const id = btf.words[at + SECINFO_TYPE_WORD] as number;
  const offset = btf.words[at + SECINFO_OFFSET_WORD] as number;
  const size = btf.words[at + SECINFO_SIZE_WORD] as number;
  if (json) return `{"type_id":${ownId(out, id)},"offset":${offset},"size":${size}}`;
  const name = nameText(out, nameOffsetOf(btf, id));
  const kind = KINDS[kindOf(btf, id)] ?? UNKNOWN;
  return `\n\ttype_id=${ownId(out, id)} offset=${offset} size=${size} (${kind} '${name}')`;
}

/** A view's id as the segment's file has it. */
function ownId({ segment }: Printer, id: number): number {
  return id >= segment.startId ? id - segment.idShift : id;
}

/** A name as it is; in JSON escaped where it must be, with replacement characters for what is no UTF-8. */
function nameText(out: Printer, offset: number): string {
  if (offset === 0) return "(anon)";
  const name = rawName(out.sink, offset);
  if (!out.escapes || !NEEDS_ESCAPE.test(name)) return name;
  return inBytes(JSON.stringify(stringAt(out.btf.strings, offset)).slice(1, -1));
}
