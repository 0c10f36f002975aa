import { literal, put, putInt, putString, putUint, putWide, type Sink } from "./dump-sink.ts";
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
}

/** A field's name in both spellings, with all that stands before its value. */
interface Key {
  readonly text: Uint8Array;
  readonly json: Uint8Array;
}

/** A word that is some field's value. */
type Word = Key;

function key(name: string, text = ` ${name}=`): Key {
  return { text: literal(text), json: literal(`,"${name}":`) };
}

function word(text: string): Word {
  return { text: literal(text), json: literal(`"${text}"`) };
}

const SIZE = key("size");
const TYPE_ID = key("type_id");
const VLEN = key("vlen");
const BITS_OFFSET = key("bits_offset");
const NR_BITS = key("nr_bits");
const ENCODING = key("encoding");
const INDEX_TYPE_ID = key("index_type_id");
const NR_ELEMS = key("nr_elems");
const BITFIELD_SIZE = key("bitfield_size");
const VALUE = key("val");
const FWD_KIND = key("fwd_kind");
const LINKAGE = key("linkage");
const VAR_LINKAGE = key("linkage", ", linkage=");
const RET_TYPE_ID = key("ret_type_id");
const COMPONENT_IDX = key("component_idx");
const OFFSET = key("offset");

/** Lists, by their name in JSON; the text has none. */
const MEMBERS = literal(',"members":[');
const VALUES = literal(',"values":[');
const PARAMS = literal(',"params":[');
const VARS = literal(',"vars":[');

const UNKNOWN = word("UNKNOWN");
/** bpftool has no name for void, which it prints only where a DATASEC refers to it. */
const KINDS: readonly Word[] = KIND_NAMES.map((name, kind) => (kind === KIND_VOID ? UNKNOWN : word(name)));

const OTHER_ENCODING = word("UNKN");
/** bpftool names an INT's encoding only where no more than one bit is set. */
const INT_ENCODINGS: ReadonlyMap<number, Word> = new Map([
  [0, word("(none)")],
  [INT_SIGNED, word("SIGNED")],
  [INT_CHAR, word("CHAR")],
  [INT_BOOL, word("BOOL")],
]);
const SIGNED = word("SIGNED");
const UNSIGNED = word("UNSIGNED");
const STRUCT = word("struct");
const UNION = word("union");

/** Linkages of FUNC (its vlen) and VAR are numbered alike: BTF_FUNC_STATIC ..., BTF_VAR_STATIC ... */
const LINKAGES: readonly Word[] = [word("static"), word("global"), word("extern")];
const OTHER_LINKAGE = word("(unknown)");

const ANONYMOUS = literal("(anon)");
const TEXT_ID = literal("[");
const TEXT_KIND = literal("] ");
const TEXT_NAME = literal(" '");
const TEXT_NAME_END = literal("'");
const TEXT_ELEMENT_NAME = literal("\n\t'");
const TEXT_SECINFO_TYPE = literal("\n\ttype_id=");
const TEXT_SECINFO_KIND = literal(" (");
const TEXT_SECINFO_END = literal("')");
const TEXT_END = literal("\n");
const TEXT_LONG = literal("LL");
const TEXT_UNSIGNED_LONG = literal("ULL");
const JSON_ID = literal('{"id":');
const JSON_KIND = literal(',"kind":');
const JSON_NAME = literal(',"name":"');
const JSON_ELEMENT_NAME = literal('{"name":"');
const JSON_SECINFO_TYPE = literal('{"type_id":');
const JSON_QUOTE = literal('"');
const JSON_END = literal("}");
const JSON_LIST_END = literal("]");
const COMMA = literal(",");

/** Prints one type: a line and a line for each element, or one JSON object. `id` is the view's. */
export function printType(out: Printer, id: number): void {
  const { btf, sink, json } = out;
  const kind = kindOf(btf, id);
  put(sink, json ? JSON_ID : TEXT_ID);
  putUint(sink, ownId(out, id));
  put(sink, json ? JSON_KIND : TEXT_KIND);
  putWord(out, KINDS[kind] ?? UNKNOWN);
  put(sink, json ? JSON_NAME : TEXT_NAME);
  putName(out, nameOffsetOf(btf, id));
  put(sink, json ? JSON_QUOTE : TEXT_NAME_END);
  printFields(out, id, kind);
  put(sink, json ? JSON_END : TEXT_END);
}

function printFields(out: Printer, id: number, kind: number): void {
  const { btf } = out;
  const at = recordOf(btf, id);
  const sizeOrType = btf.words[at + SIZE_OR_TYPE_WORD] as number;
  switch (kind) {
    case KIND_INT:
      uintField(out, SIZE, sizeOrType);
      uintField(out, BITS_OFFSET, intOffset(btf, id));
      uintField(out, NR_BITS, intBits(btf, id));
      wordField(out, ENCODING, INT_ENCODINGS.get(intEncoding(btf, id)) ?? OTHER_ENCODING);
      return;
    case KIND_PTR:
    case KIND_TYPEDEF:
    case KIND_VOLATILE:
    case KIND_CONST:
    case KIND_RESTRICT:
    case KIND_TYPE_TAG:
      idField(out, TYPE_ID, sizeOrType);
      return;
    case KIND_ARRAY:
      idField(out, TYPE_ID, btf.words[at + ARRAY_ELEMENT_WORD] as number);
      idField(out, INDEX_TYPE_ID, btf.words[at + ARRAY_INDEX_WORD] as number);
      uintField(out, NR_ELEMS, btf.words[at + ARRAY_LENGTH_WORD] as number);
      return;
    case KIND_STRUCT:
    case KIND_UNION:
      uintField(out, SIZE, sizeOrType);
      printList(out, id, MEMBERS, MEMBER_WORDS, printMember);
      return;
    case KIND_ENUM:
    case KIND_ENUM64:
      wordField(out, ENCODING, kindFlagOf(btf, id) === 1 ? SIGNED : UNSIGNED);
      uintField(out, SIZE, sizeOrType);
      if (kind === KIND_ENUM) printList(out, id, VALUES, ENUM_WORDS, printEnumerator);
      else printList(out, id, VALUES, ENUM64_WORDS, printWideEnumerator);
      return;
    case KIND_FWD:
      wordField(out, FWD_KIND, kindFlagOf(btf, id) === 1 ? UNION : STRUCT);
      return;
    case KIND_FUNC:
      idField(out, TYPE_ID, sizeOrType);
      wordField(out, LINKAGE, LINKAGES[vlenOf(btf, id)] ?? OTHER_LINKAGE);
      return;
    case KIND_FUNC_PROTO:
      idField(out, RET_TYPE_ID, sizeOrType);
      printList(out, id, PARAMS, PARAM_WORDS, printParameter);
      return;
    case KIND_VAR:
      idField(out, TYPE_ID, sizeOrType);
      wordField(out, VAR_LINKAGE, LINKAGES[btf.words[at + VAR_LINKAGE_WORD] as number] ?? OTHER_LINKAGE);
      return;
    case KIND_DATASEC:
      uintField(out, SIZE, sizeOrType);
      printList(out, id, VARS, SECINFO_WORDS, printVariable);
      return;
    case KIND_FLOAT:
      uintField(out, SIZE, sizeOrType);
      return;
    case KIND_DECL_TAG:
      idField(out, TYPE_ID, sizeOrType);
      putKey(out, COMPONENT_IDX);
      putInt(out.sink, btf.words[at + DECL_TAG_COMPONENT_WORD] as number);
      return;
  }
}

/** Prints `vlen` and the elements. */
function printList(
  out: Printer,
  id: number,
  name: Uint8Array,
  elementWords: number,
  printElement: (out: Printer, at: number, kindFlag: number) => void,
): void {
  const { btf, sink, json } = out;
  const vlen = vlenOf(btf, id);
  const kindFlag = kindFlagOf(btf, id);
  uintField(out, VLEN, vlen);
  if (json) put(sink, name);
  let at = recordOf(btf, id) + TYPE_WORDS;
  for (let i = 0; i < vlen; i++, at += elementWords) {
    if (json && i !== 0) put(sink, COMMA);
    printElement(out, at, kindFlag);
    if (json) put(sink, JSON_END);
  }
  if (json) put(sink, JSON_LIST_END);
}

function printMember(out: Printer, at: number, kindFlag: number): void {
  const { words } = out.btf;
  const offset = words[at + MEMBER_OFFSET_WORD] as number;
  const bitfieldSize = kindFlag === 1 ? offset >>> MEMBER_BITFIELD_SHIFT : 0;
  elementName(out, words[at + MEMBER_NAME_WORD] as number);
  idField(out, TYPE_ID, words[at + MEMBER_TYPE_WORD] as number);
  uintField(out, BITS_OFFSET, kindFlag === 1 ? offset & MEMBER_BIT_OFFSET_MASK : offset);
  if (bitfieldSize !== 0) uintField(out, BITFIELD_SIZE, bitfieldSize);
}

function printEnumerator(out: Printer, at: number, kindFlag: number): void {
  const value = out.btf.words[at + ENUMERATOR_VALUE_WORD] as number;
  elementName(out, out.btf.words[at + ENUMERATOR_NAME_WORD] as number);
  putKey(out, VALUE);
  if (kindFlag === 1) putInt(out.sink, value);
  else putUint(out.sink, value);
}

function printWideEnumerator(out: Printer, at: number, kindFlag: number): void {
  const { words } = out.btf;
  elementName(out, words[at + ENUMERATOR_NAME_WORD] as number);
  putKey(out, VALUE);
  const signed = kindFlag === 1;
  putWide(out.sink, words[at + ENUMERATOR_HIGH_WORD] as number, words[at + ENUMERATOR_VALUE_WORD] as number, signed);
  if (!out.json) put(out.sink, signed ? TEXT_LONG : TEXT_UNSIGNED_LONG);
}

function printParameter(out: Printer, at: number): void {
  elementName(out, out.btf.words[at + PARAM_NAME_WORD] as number);
  idField(out, TYPE_ID, out.btf.words[at + PARAM_TYPE_WORD] as number);
}

/** The text also says what a DATASEC's entry refers to. */
function printVariable(out: Printer, at: number): void {
  const { btf, sink, json } = out;
  const id = btf.words[at + SECINFO_TYPE_WORD] as number;
  put(sink, json ? JSON_SECINFO_TYPE : TEXT_SECINFO_TYPE);
  putUint(sink, ownId(out, id));
  uintField(out, OFFSET, btf.words[at + SECINFO_OFFSET_WORD] as number);
  uintField(out, SIZE, btf.words[at + SECINFO_SIZE_WORD] as number);
  if (json) return;
  put(sink, TEXT_SECINFO_KIND);
  putWord(out, KINDS[kindOf(btf, id)] ?? UNKNOWN);
  put(sink, TEXT_NAME);
  putName(out, nameOffsetOf(btf, id));
  put(sink, TEXT_SECINFO_END);
}

function elementName(out: Printer, offset: number): void {
  put(out.sink, out.json ? JSON_ELEMENT_NAME : TEXT_ELEMENT_NAME);
  putName(out, offset);
  put(out.sink, out.json ? JSON_QUOTE : TEXT_NAME_END);
}

function putKey(out: Printer, name: Key): void {
  put(out.sink, out.json ? name.json : name.text);
}

function putWord(out: Printer, value: Word): void {
  put(out.sink, out.json ? value.json : value.text);
}

function uintField(out: Printer, name: Key, value: number): void {
  putKey(out, name);
  putUint(out.sink, value);
}

function idField(out: Printer, name: Key, id: number): void {
  putKey(out, name);
  putUint(out.sink, ownId(out, id));
}

function wordField(out: Printer, name: Key, value: Word): void {
  putKey(out, name);
  putWord(out, value);
}

/** A view's id as the segment's file has it. */
function ownId({ segment }: Printer, id: number): number {
  return id >= segment.startId ? id - segment.idShift : id;
}

function putName(out: Printer, offset: number): void {
  const { strings } = out.btf;
  if (offset === 0) put(out.sink, ANONYMOUS);
  else if (out.json && needsEscape(strings, offset)) {
    put(out.sink, literal(JSON.stringify(stringAt(strings, offset)).slice(1, -1)));
  } else putString(out.sink, strings, offset);
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ASCII_END = 0x80;

/** True for a name that JSON cannot hold as it is; one that is no UTF-8 gets replacement characters. */
function needsEscape(strings: Uint8Array, offset: number): boolean {
  for (let i = offset, end = strings.length; i < end; i++) {
    const byte = strings[i] as number;
    if (byte === 0) return false;
    if (byte < SPACE || byte >= ASCII_END || byte === QUOTE || byte === BACKSLASH) return true;
  }
  return false;
}
