import {
  INFO_KIND_FLAG_SHIFT,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  KIND_CONST,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC,
  KIND_NAMES,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
  NAME_WORD,
  SIZE_OR_TYPE_WORD,
} from "./format.ts";

/** The header of one BTF blob, as read. Offsets are bytes from the end of the header. */
export interface BtfHeader {
  readonly littleEndian: boolean;
  readonly flags: number;
  /** Bytes; 24, or 32 and more with the layout section. */
  readonly headerLength: number;
  readonly typeOffset: number;
  readonly typeLength: number;
  readonly stringOffset: number;
  readonly stringLength: number;
  readonly layoutOffset: number;
  readonly layoutLength: number;
}

/**
 * One blob's share of a `Btf`: the base, or one module. A module's own type ids and string offsets start at those the
 * base ends with; where several modules lie behind one base, later ones are moved up by `idShift` and `stringShift`.
 */
export interface BtfSegment {
  readonly source: string;
  readonly header: BtfHeader;
  /** Layout section, byte for byte (4 bytes a kind: info size, element size, flags); empty without one. */
  readonly layout: Uint8Array;
  /** First type id of the segment in this view. */
  readonly startId: number;
  /** One past its last type id. */
  readonly endId: number;
  /** First byte of its strings in `Btf.strings`. */
  readonly stringStart: number;
  readonly stringEnd: number;
  /** View id minus the id in the file, for the segment's own types. */
  readonly idShift: number;
  readonly stringShift: number;
}

/**
 * BTF, parsed and validated: a type is a number, its data are words. One view holds a base alone, or a base with any
 * number of modules whose ids were made distinct, so that a type id means one thing everywhere.
 */
export interface Btf {
  /** The base's file name, for messages. */
  readonly source: string;
  /** Type records in the host's byte order; words 0 to 2 are a made-up record for void, id 0. */
  readonly words: Uint32Array;
  /** Word index of each type's record by id; one entry more than there are types, for the end of the last. */
  readonly offsets: Uint32Array;
  /** String sections, base first. Offset 0 is the empty string; every string ends with a NUL. */
  readonly strings: Uint8Array;
  /** The base, then the modules in the order they were given. */
  readonly segments: readonly BtfSegment[];
  /**
   * Ids of the types that have a name by which programs ask for them, ascending: all named ones but functions,
   * variables and sections, which are most of a kernel's types. Kept by the one pass, so that none has to be made again.
   */
  readonly roots: readonly number[];
  /** Bytes of a pointer: 4 or 8, read off the size of `long` as libbpf's determine_ptr_size does; 0 when unknown. */
  readonly pointerSize: number;
}

/** Kinds whose names are no types': what a program asks for by name is of any other kind. See `Btf.roots`. */
export const NO_ROOT_KINDS: ReadonlySet<number> = new Set([
  KIND_FUNC,
  KIND_VAR,
  KIND_DATASEC,
  KIND_DECL_TAG,
  KIND_TYPE_TAG,
]);

/** Number of types including void: ids run from 0 to `typeCount - 1`. */
export function typeCount(btf: Btf): number {
  return btf.offsets.length - 1;
}

/** Word index of a type's record in `btf.words`. The id must be in range. */
export function recordOf(btf: Btf, id: number): number {
  return btf.offsets[id] as number;
}

/** The kind, 0 for void. */
export function kindOf(btf: Btf, id: number): number {
  return ((btf.words[recordOf(btf, id) + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
}

/** Number of members, enumerators, parameters or section variables. */
export function vlenOf(btf: Btf, id: number): number {
  return (btf.words[recordOf(btf, id) + INFO_WORD] as number) & INFO_VLEN_MASK;
}

/** The kind_flag bit: 1 or 0. */
export function kindFlagOf(btf: Btf, id: number): number {
  return (btf.words[recordOf(btf, id) + INFO_WORD] as number) >>> INFO_KIND_FLAG_SHIFT;
}

/** Offset of the type's name in `btf.strings`; 0 when it has none. */
export function nameOffsetOf(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + NAME_WORD] as number;
}

/** Size in bytes of an INT, FLOAT, STRUCT, UNION, ENUM, ENUM64 or DATASEC. */
export function sizeOf(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + SIZE_OR_TYPE_WORD] as number;
}

/** The type id that a PTR, modifier, TYPEDEF, FUNC, FUNC_PROTO (return type), VAR or tag refers to. */
export function targetOf(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + SIZE_OR_TYPE_WORD] as number;
}

/** The segment a type belongs to, as an index into `btf.segments`. */
export function segmentOf(btf: Btf, id: number): number {
  let low = 0;
  let high = btf.segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((btf.segments[middle] as BtfSegment).startId <= id) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Kind name as bpftool prints it; `KIND<n>` for one this library does not know. */
export function kindName(kind: number): string {
  return KIND_NAMES[kind] ?? `KIND${kind}`;
}

/** STRUCT or UNION. */
export function isComposite(kind: number): boolean {
  return kind === KIND_STRUCT || kind === KIND_UNION;
}

/** ENUM or ENUM64. */
export function isEnum(kind: number): boolean {
  return kind === KIND_ENUM || kind === KIND_ENUM64;
}

/** VOLATILE, CONST, RESTRICT or TYPE_TAG (libbpf's btf_is_mod). */
export function isModifier(kind: number): boolean {
  return kind === KIND_CONST || kind === KIND_VOLATILE || kind === KIND_RESTRICT || kind === KIND_TYPE_TAG;
}

/** A modifier or a TYPEDEF: what is looked through when two types are compared. */
export function isTransparent(kind: number): boolean {
  return kind === KIND_TYPEDEF || isModifier(kind);
}

/** PTR. */
export function isPointer(kind: number): boolean {
  return kind === KIND_PTR;
}
