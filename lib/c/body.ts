import { KIND_ARRAY, KIND_CONST, KIND_UNION, KIND_VOLATILE } from "../btf/format.ts";
import { arrayElement, arrayLength, memberType } from "../btf/members.ts";
import { pointerBytes } from "../btf/resolve.ts";
import { type Btf, kindOf, sizeOf, targetOf, vlenOf } from "../btf/view.ts";
import { declare, keywordOf, type Spelling } from "./declarator.ts";
import { filledBy, isWritten, memberAlignment, natural, type Place, placeOf, roundUp } from "./layout.ts";
import { declTagText } from "./tags.ts";
import { memberText, remark, type Writer } from "./writer.ts";

/** A gap that takes more nameless bitfields than this is filled with a member, an array of bytes. */
const MOST_BITFIELDS = 8;
/** Behind a last array without elements there must be no member, so bitfields go on for longer. */
const MOST_BITFIELDS_BEHIND_ARRAY = 512;
/** What a member made up for a gap is called, with a number behind it. */
const GAP_NAME = "__btfgen_gap";
const BITS_A_BYTE = 8;

/** The text of a struct or union so far. */
interface Body {
  readonly id: number;
  readonly isUnion: boolean;
  readonly packed: boolean;
  /** Bytes of its alignment. */
  readonly alignment: number;
  text: string;
  /** Bits up to which it is filled. */
  end: number;
  /** True when there is a member with a name, here or in a struct that is unfolded. */
  named: boolean;
  /** True when the last member is an array without elements. */
  behindEmptyArray: boolean;
}

/** A struct or union from its brace to its attributes, at the writer's indent. */
export function compositeBody(writer: Writer, spelling: Spelling, id: number): string {
  return writeBody(writer, spelling, id).text;
}

function writeBody(writer: Writer, spelling: Spelling, id: number): Body {
  const { btf, layouts, tags } = writer;
  const outer = writer.indent;
  writer.indent = `${outer}\t`;
  const body: Body = {
    id,
    isUnion: kindOf(btf, id) === KIND_UNION,
    packed: layouts.packed[id] === 1,
    alignment: Math.max(1, layouts.alignments[id] as number),
    text: "",
    end: 0,
    named: false,
    behindEmptyArray: false,
  };
  for (let i = 0; i < vlenOf(btf, id); i++) addMember(writer, spelling, body, i);
  const size = sizeOf(btf, id) * BITS_A_BYTE;
  if (roundUp(body.end, body.alignment) !== size) fill(writer, body, size);
  writer.indent = outer;
  const packed = body.packed ? " __attribute__((packed))" : "";
  const aligned = layouts.aligned[id] === 0 ? "" : ` __attribute__((aligned(${layouts.aligned[id]})))`;
  const inside = body.text === "" ? " {" : ` {\n${body.text}${outer}`;
  body.text = `${inside}}${packed}${aligned}${declTagText(btf, tags, id, -1)}`;
  return body;
}

function addMember(writer: Writer, spelling: Spelling, body: Body, index: number): void {
  const { btf, layouts, indent, tags } = writer;
  const place = placeOf(layouts, body.id, index, body.end);
  const { offset, width, problem, inner } = place;
  const name = place.name === 0 ? "" : memberText(writer, place.name);
  if (problem !== "") {
    const what = `${name === "" ? "a member" : name} at ${Math.floor(offset / 8)}`;
    body.text += `${indent}${remark(what, problem)}\n`;
  }
  if (!isWritten(place)) return;
  let attribute = "";
  if (!body.isUnion && natural(body.end, place, body.packed) !== offset) {
    const bytes = body.packed ? 0 : memberAlignment(layouts, body.id, body.end, place);
    if (bytes === 0) fill(writer, body, offset);
    else attribute = ` __attribute__((aligned(${bytes})))`;
  }
  const tag = name === "" ? "" : declTagText(btf, tags, body.id, index);
  const unfolded = inner === 0 ? undefined : writeBody(writer, spelling, inner);
  const text =
    unfolded === undefined
      ? memberDeclaration(writer, spelling, body, index, place, name)
      : qualifiersBefore(btf, memberType(btf, body.id, index), inner) + keywordOf(btf, inner) + unfolded.text;
  body.text += `${indent}${text}${width === 0 ? "" : `: ${width}`}${attribute}${tag};\n`;
  body.end = filledBy(place, body.end);
  body.named ||= unfolded === undefined || unfolded.named;
  body.behindEmptyArray = place.width === 0 && place.size === 0;
}

/** Qualifiers of a member without a name, whose struct is unfolded. */
function qualifiersBefore(btf: Btf, type: number, inner: number): string {
  let kinds = 0;
  for (let at = type; at !== inner; at = targetOf(btf, at)) kinds |= 1 << kindOf(btf, at);
  return ((kinds >>> KIND_CONST) & 1 ? "const " : "") + ((kinds >>> KIND_VOLATILE) & 1 ? "volatile " : "");
}

/** A member of its name; the last one of a struct may be an array of any length, where nothing at all comes behind it. */
function memberDeclaration(
  writer: Writer,
  spelling: Spelling,
  body: Body,
  index: number,
  place: Place,
  name: string,
): string {
  const { btf, layouts } = writer;
  const type = memberType(btf, body.id, index);
  const flexible =
    kindOf(btf, type) === KIND_ARRAY &&
    arrayLength(btf, type) === 0 &&
    index === vlenOf(btf, body.id) - 1 &&
    !body.isUnion &&
    body.named &&
    layouts.embedded[body.id] === 0 &&
    roundUp(place.offset, body.alignment) === sizeOf(btf, body.id) * BITS_A_BYTE;
  return flexible
    ? declare(spelling, arrayElement(btf, type), `${name}[]`)
    : declareAgain(writer, spelling, type, name);
}

/** Stands for the name in a declaration that is kept; no name has it. */
const NAME_PLACE = "\x01";

/** Declares a member. Many members share few types, so what stands around the name is kept, but for bodies. */
function declareAgain({ around }: Writer, spelling: Spelling, type: number, name: string): string {
  const known = around.get(type);
  if (known !== undefined) return known[0] + name + known[1];
  const text = declare(spelling, type, NAME_PLACE);
  const at = text.lastIndexOf(NAME_PLACE);
  const [front, back] = [text.slice(0, at), text.slice(at + 1)];
  if (!text.includes("{")) around.set(type, [front, back]);
  return front + name + back;
}

/**
 * Fills a gap up to `to`, in bits: with nameless bitfields, of which the compiler's BTF has no trace, none of a type
 * that is aligned to more than the struct is (some targets align the struct by them); or with a member if they are many.
 */
function fill(writer: Writer, body: Body, to: number): void {
  const { indent } = writer;
  const most = body.behindEmptyArray ? MOST_BITFIELDS_BEHIND_ARRAY : MOST_BITFIELDS;
  const from = body.isUnion ? 0 : body.end;
  const widest = body.packed ? 8 : Math.min(8, body.isUnion ? 8 : body.alignment);
  let lines = "";
  let count = 0;
  let at = from;
  for (; at < to && count <= most; count++) {
    const [type, bits] = widestField(writer, at, to, widest);
    lines += `${indent}${type}: ${bits};\n`;
    at += bits;
  }
  if (at < to || (body.isUnion && count > 1)) {
    const [start, end] = [roundUp(from, 1), Math.floor(to / BITS_A_BYTE) * BITS_A_BYTE];
    const head = start > from ? `${indent}char: ${start - from};\n` : "";
    const tail = to > end ? `${indent}char: ${to - end};\n` : "";
    const bytes = (end - start) / BITS_A_BYTE;
    lines = `${head}${indent}unsigned char ${GAP_NAME}${writer.gaps++}[${bytes}];\n${tail}`;
  }
  body.text += lines;
  body.end = to;
}

/** The bitfield that fills most from `at` on without crossing a border of its type, and its type. */
function widestField({ btf }: Writer, at: number, to: number, widest: number): [type: string, bits: number] {
  let best: [string, number] = ["char", 0];
  for (let bytes = 1; bytes <= widest; bytes *= 2) {
    const border = roundUp(at + 1, bytes);
    const bits = Math.min(border, to) - at;
    if (bits > best[1]) best = [typeOf(bytes, pointerBytes(btf)), bits];
  }
  return best;
}

function typeOf(bytes: number, longBytes: number): string {
  if (bytes === 8) return longBytes === 8 ? "long" : "long long";
  return bytes === 4 ? "int" : bytes === 2 ? "short" : "char";
}
