import { INFO_KIND_MASK, INFO_KIND_SHIFT, INFO_VLEN_MASK, INFO_WORD, SIZE_OR_TYPE_WORD } from "../lib/btf/format.ts";
import { allocate, allocateWords, get } from "./memory.ts";

/** One of the two BTFs that are compared. Arrays are addresses of 32-bit words. */
@unmanaged
export class Side {
  /** Type records; from numberNames on, each name's number stands in place of its offset. */
  words: usize;
  wordCount: i32;
  /** By type id: index of the record in `words`; one more entry for the end of the last. */
  offsets: usize;
  /** Types, with void. */
  types: i32;
  /** Where the side's strings begin in those of both. */
  stringStart: i32;
  /** By type id: address of what is said of the type elsewhere (a length, and so many words), or 0; 0 for no such array. */
  attached: usize;
  /** Class by type id; see classes.ts. */
  references: usize;
  /** Body class by type id, of those whose class is not one type on each side, the same word by word; see pairs.ts. */
  bodies: usize;
  /** By type id: class of what leads into a circle without a name; 0 for no such array. */
  circles: usize;
  /** By class of a name: the last type that has it; by type id: the one before it. See pairs.ts. */
  last: usize;
  before: usize;
  /** Ids of the DECL_TAGs and DATASECs, which say something of other types, ascending. */
  speaking: usize;
  speakingCount: i32;
  /** Ids of the enums without a name, ascending. */
  unnamedEnums: usize;
  unnamedEnumCount: i32;
  /** A byte for each type id, 1 where another type refers to it. */
  referenced: usize;
}

/** A side with room for so many words and types. */
export function newSide(wordCount: i32, types: i32, stringStart: i32): Side {
  const side = changetype<Side>(allocate(offsetof<Side>()));
  side.words = allocateWords(wordCount);
  side.wordCount = wordCount;
  side.offsets = allocateWords(<u64>types + 1);
  side.types = types;
  side.stringStart = stringStart;
  side.references = allocateWords(types);
  side.bodies = allocateWords(types);
  side.speaking = allocateWords(types);
  side.unnamedEnums = allocateWords(types);
  side.referenced = allocate(types);
  return side;
}

/** Types that a function looks at in one call. */
const TYPES_A_CALL = 512;

/**
 * Calls a function for all types, some at a time: an engine puts better code of it into use at its next call. Only what
 * is called by its address is never made part of the loop by the compiler.
 */
export function inBlocks(side: Side, work: (side: Side, from: i32, to: i32) => void): void {
  for (let from = 1; from < side.types; from += TYPES_A_CALL) {
    work(side, from, min(from + TYPES_A_CALL, side.types));
  }
}

/** Address of a type's record. */
export function recordOf(side: Side, id: i32): usize {
  return side.words + ((<usize>get(side.offsets, id)) << 2);
}

/** A record's info word. */
export function infoOf(record: usize): i32 {
  return get(record, INFO_WORD);
}

/** Kind by info word. */
export function kindOf(info: i32): i32 {
  return (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
}

/** vlen by info word. */
export function vlenOf(info: i32): i32 {
  return info & INFO_VLEN_MASK;
}

/** A record's size in bytes, or the type id that it refers to. */
export function sizeOrType(record: usize): i32 {
  return get(record, SIZE_OR_TYPE_WORD);
}
