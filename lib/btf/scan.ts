import { FormatError } from "./error.ts";
import {
  ARRAY_ELEMENT_WORD,
  ARRAY_INDEX_WORD,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  KIND_ARRAY,
  KIND_INT,
  KIND_LIMIT,
  KIND_MAX,
  KIND_VOID,
  NAME_WORD,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
} from "./format.ts";
import { ELEMENT_NAME_WORDS, ELEMENT_TYPE_ID_WORDS, TYPE_ID_WORDS } from "./kind-table.ts";
import type { RecordSizes } from "./layout.ts";
import { NO_ROOT_KINDS } from "./view.ts";

/** A type section inside an array of words. */
export interface TypeSection {
  readonly words: Uint32Array;
  readonly from: number;
  readonly to: number;
  /** The id of its first type in the file's own numbering: 1, or the number of types of the base. */
  readonly firstId: number;
  readonly source: string;
}

/** What the pass over a type section found. */
export interface Scan {
  /** One past the last id, in the numbering of the offsets that were filled. */
  readonly endId: number;
  /** One past the last id, in the file's own numbering. */
  readonly idEnd: number;
  /** Greatest type id and name offset referred to; when one is negative, some value had its top bit set. */
  readonly maxId: number;
  readonly maxName: number;
  /** Word index of a record that does not fit or has an unknown kind; -1 when all are well. */
  readonly badRecord: number;
  /** Word indexes of the INT records, for the pointer size. */
  readonly integers: readonly number[];
  /** Ids of the named types that are no functions, variables or sections; see `Btf.roots`. */
  readonly roots: readonly number[];
}

/** Everything the pass needs to know of a kind in one word. */
const SHAPE_FIXED_MASK = 0x7f;
const SHAPE_ELEMENT_SHIFT = 7;
const SHAPE_ELEMENT_MASK = 0x7f;
const SHAPE_REFERS = 1 << 14;
const SHAPE_IS_ARRAY = 1 << 15;
const SHAPE_ELEMENT_NAMED = 1 << 16;
const SHAPE_ELEMENT_REFERS = 1 << 17;
const SHAPE_IS_INT = 1 << 18;
const SHAPE_IS_ROOT = 1 << 19;
/** The word of an element that holds its type id: 0 or 1. */
const SHAPE_ELEMENT_ID_SHIFT = 20;

function shapesOf({ fixedWords, elementWords }: RecordSizes): Int32Array {
  const shapes = new Int32Array(KIND_LIMIT);
  for (let kind = 1; kind < KIND_LIMIT; kind++) {
    const elementIds = kind <= KIND_MAX ? (ELEMENT_TYPE_ID_WORDS[kind] as number) : 0;
    shapes[kind] =
      (fixedWords[kind] as number) |
      ((elementWords[kind] as number) << SHAPE_ELEMENT_SHIFT) |
      (TYPE_ID_WORDS[kind] === 1 << SIZE_OR_TYPE_WORD ? SHAPE_REFERS : 0) |
      (kind === KIND_ARRAY ? SHAPE_IS_ARRAY : 0) |
      (kind === KIND_INT ? SHAPE_IS_INT : 0) |
      (ELEMENT_NAME_WORDS[kind] !== 0 ? SHAPE_ELEMENT_NAMED : 0) |
      (elementIds !== 0 ? SHAPE_ELEMENT_REFERS : 0) |
      (fixedWords[kind] !== 0 && !NO_ROOT_KINDS.has(kind) ? SHAPE_IS_ROOT : 0) |
      ((elementIds >>> 1) << SHAPE_ELEMENT_ID_SHIFT);
  }
  return shapes;
}

/** How far the pass has come, and what it has met. */
interface Progress {
  readonly words: Int32Array;
  readonly shapes: Int32Array;
  readonly offsets: Uint32Array;
  /** Where the section ends. */
  readonly to: number;
  readonly integers: number[];
  readonly roots: number[];
  at: number;
  id: number;
  maxId: number;
  maxName: number;
  anyBits: number;
  badRecord: number;
}

/**
 * Words that are scanned in one call. A function that is called once and loops runs in V8's interpreter for most of
 * the loop; one that is called often is compiled in the background and compiled code takes over at the next call. A
 * fresh process takes 13 ms instead of 15 for its first 6.1 kernel and 13 instead of 19 for its second (Node 20).
 */
const WORDS_A_CALL = 1024;

/**
 * The one pass over a type section: fills `offsets` from `startId` on (and one entry past the end).
 *
 * It keeps the greatest type id and name offset and lets checkScan compare once; a value with its top bit set makes
 * the maximum negative by the OR. Signed words and one packed word a kind instead of five tables: 2.9 ms instead of
 * 4.5 ms for the 95,000 types of a 6.1 kernel (Node 20, warm).
 */
export function scanTypes(section: TypeSection, sizes: RecordSizes, offsets: Uint32Array, startId: number): Scan {
  const { words, from, to, firstId } = section;
  const progress: Progress = {
    words: new Int32Array(words.buffer, words.byteOffset, words.length),
    shapes: shapesOf(sizes),
    offsets,
    to,
    integers: [],
    roots: [],
    at: from,
    id: startId,
    maxId: 0,
    maxName: 0,
    anyBits: 0,
    badRecord: -1,
  };
  while (progress.at < to && progress.badRecord === -1) scanSome(progress, Math.min(to, progress.at + WORDS_A_CALL));
  const { id, at, badRecord, integers, roots } = progress;
  offsets[id] = at;
  const isHuge = progress.anyBits < 0;
  return {
    endId: id,
    idEnd: firstId + (id - startId),
    maxId: isHuge ? -1 : progress.maxId,
    maxName: isHuge ? -1 : progress.maxName,
    badRecord,
    integers,
    roots,
  };
}

/** Scans the records that begin before `until`. */
function scanSome(progress: Progress, until: number): void {
  const { words, shapes, offsets, to, integers, roots } = progress;
  let { at, id, maxId, maxName, anyBits } = progress;
  while (at < until) {
    const record = at;
    const info = words[at + INFO_WORD] as number;
    const shape = shapes[(info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK] as number;
    const perElement = (shape >>> SHAPE_ELEMENT_SHIFT) & SHAPE_ELEMENT_MASK;
    at += shape & SHAPE_FIXED_MASK;
    const next = at + (info & INFO_VLEN_MASK) * perElement;
    if (shape === 0 || next > to) {
      progress.badRecord = record;
      break;
    }
    offsets[id] = record;
    const name = words[record + NAME_WORD] as number;
    anyBits |= name;
    if (name !== 0 && (shape & SHAPE_IS_ROOT) !== 0) roots.push(id);
    id++;
    if (name > maxName) maxName = name;
    if ((shape & SHAPE_REFERS) !== 0) {
      const reference = words[record + SIZE_OR_TYPE_WORD] as number;
      anyBits |= reference;
      if (reference > maxId) maxId = reference;
    } else if ((shape & (SHAPE_IS_ARRAY | SHAPE_IS_INT)) !== 0) {
      if ((shape & SHAPE_IS_INT) !== 0) integers.push(record);
      else {
        const element = words[record + ARRAY_ELEMENT_WORD] as number;
        const index = words[record + ARRAY_INDEX_WORD] as number;
        anyBits |= element | index;
        if (element > maxId) maxId = element;
        if (index > maxId) maxId = index;
      }
    }
    if (at === next) continue;
    const idWord = shape >>> SHAPE_ELEMENT_ID_SHIFT;
    if ((shape & SHAPE_ELEMENT_NAMED) === 0) {
      if ((shape & SHAPE_ELEMENT_REFERS) !== 0) {
        for (; at < next; at += perElement) {
          const reference = words[at + idWord] as number;
          anyBits |= reference;
          if (reference > maxId) maxId = reference;
        }
      }
    } else if ((shape & SHAPE_ELEMENT_REFERS) !== 0) {
      for (; at < next; at += perElement) {
        const elementName = words[at] as number;
        const reference = words[at + idWord] as number;
        anyBits |= elementName | reference;
        if (elementName > maxName) maxName = elementName;
        if (reference > maxId) maxId = reference;
      }
    } else {
      for (; at < next; at += perElement) {
        const elementName = words[at] as number;
        anyBits |= elementName;
        if (elementName > maxName) maxName = elementName;
      }
    }
    at = next;
  }
  progress.at = at;
  progress.id = id;
  progress.maxId = maxId;
  progress.maxName = maxName;
  progress.anyBits = anyBits;
}

/**
 * Throws for what the scan found and searches for its place only then.
 * @throws FormatError with section, offset and type id.
 */
export function checkScan(section: TypeSection, sizes: RecordSizes, scan: Scan, stringLength: number): void {
  const inRange = scan.maxId >= 0 && scan.maxId < scan.idEnd && scan.maxName >= 0 && scan.maxName < stringLength;
  if (scan.badRecord === -1 && inRange) return;
  const { words, from, source } = section;
  const end = scan.badRecord === -1 ? section.to : scan.badRecord;
  let id = section.firstId;
  let at = from;
  const place = (word: number) => ({ source, section: "BTF types", offset: (word - from) * 4, typeId: id });
  while (at < end) {
    const { kind, fixed, perElement, next } = recordShape(words, at, sizes);
    for (let word = at; word < next; word++) {
      const inFixed = word < at + fixed;
      const position = inFixed ? word - at : (word - at - fixed) % perElement;
      const idBits = (inFixed ? TYPE_ID_WORDS[kind] : ELEMENT_TYPE_ID_WORDS[kind]) as number;
      const nameBits = inFixed ? 1 << NAME_WORD : (ELEMENT_NAME_WORDS[kind] as number);
      const value = words[word] as number;
      if (((idBits >>> position) & 1) === 1 && value >= scan.idEnd) {
        const hint = `refers to type id ${value}, but the last one is ${scan.idEnd - 1}`;
        throw new FormatError("bad-type-id", hint, place(word));
      }
      if (((nameBits >>> position) & 1) === 1 && value >= stringLength) {
        const hint = `has a name at ${value}, but the strings end at ${stringLength}`;
        throw new FormatError("bad-name-offset", hint, place(word));
      }
    }
    id++;
    at = next;
  }
  // Only a bad record can be left: every reference of the records before it is in range.
  if (at + TYPE_WORDS > section.to) {
    throw new FormatError("truncated", "the section ends inside a type's record", place(at));
  }
  const { kind, fixed } = recordShape(words, at, sizes);
  if (kind === KIND_VOID || fixed === 0) {
    const hint = kind === KIND_VOID ? "" : ", and the file has no layout section that gives its size";
    throw new FormatError("unknown-kind", `kind ${kind} is not one of 1 to ${KIND_MAX}${hint}`, place(at));
  }
  throw new FormatError("truncated", "the type's record goes on behind the end of the section", place(at));
}

function recordShape(words: Uint32Array, at: number, sizes: RecordSizes) {
  const info = words[at + INFO_WORD] as number;
  const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  const fixed = sizes.fixedWords[kind] as number;
  const perElement = sizes.elementWords[kind] as number;
  return { kind, fixed, perElement, next: at + fixed + (info & INFO_VLEN_MASK) * perElement };
}
