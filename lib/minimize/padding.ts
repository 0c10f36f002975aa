import {
  INT_BITS_MASK,
  KIND_ARRAY,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
  MEMBER_BIT_OFFSET_MASK,
  MEMBER_BITFIELD_SHIFT,
} from "../btf/format.ts";
import { pointerBytes } from "../btf/resolve.ts";
import { kindOf, nameOffsetOf, segmentOf, sizeOf, typeCount } from "../btf/view.ts";
import { type Draft, type DraftElement, type Drafts, newDraft, refersToType } from "./draft.ts";
import { isRegular } from "./draft-shared.ts";
import { type Marks, markExactly, NAMED } from "./marks.ts";
import { byteText } from "./string-table.ts";

/** What padding members are called, with a number behind it. */
export const PADDING_NAME = "__btfgen_pad";
/** What padding is made of, in the order of liking: unsigned, so that a bit of it is a bit. */
const BYTE_NAMES = ["unsigned char", "char"];
/** Types lie inside each other less deep than this in any real BTF; corrupt ones may go round in circles. */
const MAX_DEPTH = 32;
/** Copies made so that anonymous members do not share names; a bound for corrupt BTF. */
const MAX_COPIES = 10_000;

/**
 * Keeps an integer of one byte under its name, which padding is made of. Before the relocations' marks: its name makes
 * it a candidate.
 */
export function markByte(marks: Marks): void {
  const { btf } = marks;
  const found = new Map<string, number>();
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_INT || sizeOf(btf, id) !== 1 || segmentOf(btf, id) !== 0) continue;
    const name = byteText(btf.strings, nameOffsetOf(btf, id));
    if (!found.has(name)) found.set(name, id);
  }
  for (const name of BYTE_NAMES) {
    const id = found.get(name);
    if (id === undefined) continue;
    markExactly(marks, id, NAMED);
    return;
  }
}

interface Padder {
  readonly drafts: Drafts;
  readonly pointerBytes: number;
  /** Names that members of the target have already. */
  readonly taken: ReadonlySet<string>;
  readonly byte: Draft;
  /** Arrays of bytes by length. */
  readonly arrays: Map<number, Draft>;
  /** How many members a composite must stay below, where that decides a comparison. */
  readonly fewer: Map<Draft, number>;
  /** Composites that are an anonymous member of another. */
  readonly owned: Set<Draft>;
  copies: number;
  /** True once there is any padding. */
  used: boolean;
}

/** Where names must differ: a struct with its anonymous members, whose members' names are its own (C11 6.7.2.1). */
interface Scope {
  readonly prefix: string;
  next: number;
}

/**
 * Fills every gap of every struct with named members, `unsigned char __btfgen_pad<n>[...]` or bitfields of it, so that
 * the types, written as C and compiled, keep all sizes and offsets, and no printer needs to guess: one that finds no
 * gap adds nothing. Struct sizes keep their tails, unions one member of their full size (in front, so that the last
 * member stays the last), types without kept members are all padding. Where it is not enough:
 * - behind an array without elements that comes last: padding there would make it an array like any other, so the
 *   tail is left to the printer (bpftool writes nameless bitfields, which is right);
 * - a packed union whose size is no multiple of its members' alignment: bpftool writes no `packed` on a union, whatever
 *   its members, so that its C is too large (libbpf btf_dump.c, btf_dump_emit_struct_def). `union acpi_resource_data` is
 *   one when what is kept of its packed members does not show that they are packed.
 * - an enum of 1, 2 or 8 bytes, whose size a printer must say by an attribute: bpftool 7.1 has none, later ones have
 *   those of 1 and 8 bytes (btf_dump_emit_enum_def); without it the C is wrong with padding or without.
 * A third stays as it is: a type that must not match another (type_matches) for want of members.
 * Otherwise relocations resolve alike with padding or without: they look for members by name.
 */
export function addPadding(marks: Marks, drafts: Drafts): void {
  const composites = drafts.list.filter(isComposite);
  const taken = new Set(composites.flatMap(({ elements }) => elements.map(({ name }) => name)));
  const byte = drafts.list.find(isByte) ?? newDraft(KIND_INT, { name: BYTE_NAMES[0] as string, size: 1, detail: 8 });
  const padder: Padder = {
    drafts,
    pointerBytes: pointerBytes(marks.btf),
    taken,
    byte,
    arrays: new Map(),
    fewer: limits(marks, drafts),
    owned: new Set(),
    copies: 0,
    used: false,
  };
  for (const draft of composites) ownMembers(padder, draft, 0);
  const included = new Set(
    composites.flatMap(({ elements }) => elements.filter(({ name }) => name === "").map(({ type }) => type)),
  );
  for (const draft of composites) {
    // A named struct can be an anonymous member too (-fms-extensions), of any number of others.
    const prefix = included.has(draft) ? `${PADDING_NAME}_${draft.name}_` : PADDING_NAME;
    if (!padder.owned.has(draft)) padDraft(padder, draft, { prefix, next: 0 }, 0);
  }
  if (padder.used && !drafts.list.includes(byte)) drafts.list.push(byte);
  for (const array of padder.arrays.values()) drafts.list.push(array);
}

function limits({ fewer }: Marks, { bySource }: Drafts): Map<Draft, number> {
  const found = new Map<Draft, number>();
  for (const [id, count] of fewer) {
    const draft = bySource.get(id);
    if (draft !== undefined) found.set(draft, Math.min(count, found.get(draft) ?? count));
  }
  return found;
}

function isByte(draft: Draft): boolean {
  return draft.size === 1 && draft.segment === 0 && BYTE_NAMES.includes(draft.name) && isRegular(draft);
}

/** Gives each anonymous member a type of its own: were one there twice, so would be the names of its padding. */
function ownMembers(padder: Padder, draft: Draft, depth: number): void {
  const { owned, drafts } = padder;
  draft.elements = draft.elements.map((element) => {
    const { name, type } = element;
    if (name !== "" || type === null || !isComposite(type) || type.name !== "") return element;
    if (!owned.has(type)) {
      owned.add(type);
      return element;
    }
    if (depth > MAX_DEPTH || padder.copies >= MAX_COPIES) return element;
    padder.copies++;
    const copy: Draft = { ...type };
    const limit = padder.fewer.get(type);
    if (limit !== undefined) padder.fewer.set(copy, limit);
    owned.add(copy);
    drafts.list.push(copy);
    ownMembers(padder, copy, depth + 1);
    return { ...element, type: copy };
  });
}

function isComposite({ kind }: Draft): boolean {
  return kind === KIND_STRUCT || kind === KIND_UNION;
}

function padDraft(padder: Padder, draft: Draft, scope: Scope, depth: number): void {
  const { elements } = draft;
  const padded = draft.kind === KIND_UNION ? padUnion(padder, draft, scope) : padStruct(padder, draft, scope);
  if (padded.length < (padder.fewer.get(draft) ?? Number.POSITIVE_INFINITY)) draft.elements = padded;
  if (depth > MAX_DEPTH) return;
  for (const { name, type } of elements) {
    if (name !== "" || type === null || !padder.owned.has(type)) continue;
    padDraft(padder, type, scope, depth + 1);
  }
}

function padUnion(padder: Padder, draft: Draft, scope: Scope): DraftElement[] {
  const filled = Math.max(0, ...draft.elements.map((element) => memberBits(padder, draft, element)));
  if (filled >= draft.size * 8) return [...draft.elements];
  const padding: DraftElement[] = [];
  fillGap(padder, scope, draft, padding, 0, draft.size * 8);
  return [...padding, ...draft.elements];
}

function padStruct(padder: Padder, draft: Draft, scope: Scope): DraftElement[] {
  const padded: DraftElement[] = [];
  let end = 0;
  for (const element of draft.elements) {
    const offset = memberOffset(draft, element);
    fillGap(padder, scope, draft, padded, end, offset);
    padded.push(element);
    end = Math.max(end, offset + memberBits(padder, draft, element));
  }
  const last = draft.elements.at(-1)?.type;
  if (last === undefined || last === null || !isFlexible(last)) {
    fillGap(padder, scope, draft, padded, end, draft.size * 8);
  }
  return padded;
}

/** Adds members for the bits from one to another: up to whole bytes, the bytes, the rest. */
function fillGap(padder: Padder, scope: Scope, draft: Draft, padded: DraftElement[], from: number, to: number): void {
  for (let at = from; at < to; ) {
    const bytes = at % 8 === 0 ? Math.floor((to - at) / 8) : 0;
    // At most up to the end of the byte: a bitfield does not reach over its type's end.
    const width = bytes > 0 ? bytes * 8 : Math.min(to - at, 8 - (at % 8));
    if (bytes === 0 && draft.kindFlag === 0) {
      // Bitfields of compilers before kind_flag, which are their type's: there is none for this gap.
      at += width;
      continue;
    }
    const type = bytes > 1 ? byteArray(padder, bytes) : padder.byte;
    const rest = [bytes > 0 ? at : ((width << MEMBER_BITFIELD_SHIFT) | at) >>> 0];
    padded.push({ name: freshName(padder, scope), type, rest });
    padder.used = true;
    at += width;
  }
}

function freshName({ taken }: Padder, scope: Scope): string {
  for (;;) {
    const name = `${scope.prefix}${scope.next++}`;
    if (!taken.has(name)) return name;
  }
}

function byteArray({ arrays, byte }: Padder, length: number): Draft {
  let array = arrays.get(length);
  if (array === undefined) {
    array = newDraft(KIND_ARRAY, { target: byte, indexType: byte, detail: length });
    arrays.set(length, array);
  }
  return array;
}

function memberOffset(draft: Draft, { rest }: DraftElement): number {
  const word = rest[0] ?? 0;
  return draft.kindFlag === 1 ? word & MEMBER_BIT_OFFSET_MASK : word;
}

/** Bits that a member takes. */
function memberBits(padder: Padder, draft: Draft, { type, rest }: DraftElement): number {
  const width = draft.kindFlag === 1 ? (rest[0] ?? 0) >>> MEMBER_BITFIELD_SHIFT : 0;
  if (width > 0) return width;
  if (type?.kind === KIND_INT) return Math.min(type.size * 8, type.detail & INT_BITS_MASK);
  return 8 * bytesOf(padder, type);
}

/** Size of a type in bytes; 0 where it has none. */
function bytesOf(padder: Padder, type: Draft | null): number {
  let elements = 1;
  let at = type;
  for (let depth = 0; at !== null && depth < MAX_DEPTH; depth++) {
    if (at.kind === KIND_PTR) return elements * padder.pointerBytes;
    if (at.kind === KIND_ARRAY) elements *= at.detail;
    else if (!refersToType(at.kind)) return elements * at.size;
    at = at.target;
  }
  return 0;
}

function isFlexible(type: Draft): boolean {
  let at: Draft | null = type;
  for (let depth = 0; at !== null && depth < MAX_DEPTH; depth++) {
    if (at.kind === KIND_ARRAY) return at.detail === 0;
    if (!refersToType(at.kind) || at.kind === KIND_PTR) return false;
    at = at.target;
  }
  return false;
}
