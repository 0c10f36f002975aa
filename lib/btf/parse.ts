import { FormatError } from "./error.ts";
import { NAME_WORD, SIZE_OR_TYPE_WORD, TYPE_WORDS } from "./format.ts";
import { parseHeader } from "./header.ts";
import { ELEMENT_WORDS, FIXED_WORDS } from "./kind-table.ts";
import { applyLayout, type RecordSizes } from "./layout.ts";
import { checkScan, scanTypes } from "./scan.ts";
import { shiftReferences } from "./shift.ts";
import { isLongName } from "./strings.ts";
import type { Btf, BtfHeader, BtfSegment } from "./view.ts";
import { NEW_MEMORY, type ViewMemory } from "./view-memory.ts";
import { readWords } from "./words.ts";

/** Bytes of BTF and the name to use for them in messages. */
export interface BtfInput {
  readonly bytes: Uint8Array;
  readonly source: string;
}

/** What the caller knows that the bytes do not say. */
export interface ParseOptions {
  /** Name for messages; `BTF` when absent. */
  readonly source?: string;
  /** What the view is put into; new memory by default. */
  readonly memory?: ViewMemory;
  /** Bytes of a pointer where that is known (8 for a BPF object); otherwise read off the size of `long`. */
  readonly pointerSize?: 4 | 8;
}

const KNOWN_SIZES: RecordSizes = { fixedWords: FIXED_WORDS, elementWords: ELEMENT_WORDS };

/**
 * Parses a base BTF (a kernel's, or a BPF object's) and validates it completely in one pass: sizes, kinds, every name
 * offset and every type id. Accessors trust the result.
 * @throws FormatError naming section, offset and type id.
 */
export function parseBtf(bytes: Uint8Array, options: ParseOptions = {}): Btf {
  const source = options.source ?? "BTF";
  const header = parseHeader(bytes, source);
  const { memory = NEW_MEMORY } = options;
  const words = memory.words(TYPE_WORDS + header.typeLength / 4);
  words.fill(0, 0, TYPE_WORDS);
  const strings = stringSection(bytes, header, source);
  if (strings[0] !== 0) {
    throw new FormatError("missing-base", "strings do not start with an empty one: split BTF, which needs its base", {
      source,
      section: "BTF strings",
      offset: 0,
    });
  }
  const { layout, sizes } = layoutSection(bytes, header, source, KNOWN_SIZES);
  readWords(bytes, header.headerLength + header.typeOffset, header.typeLength, header.littleEndian, words, TYPE_WORDS);
  // A record has at least TYPE_WORDS words, so this many offsets are enough for any input.
  const offsets = memory.offsets(Math.floor(words.length / TYPE_WORDS) + 1);
  const section = { words, from: TYPE_WORDS, to: words.length, firstId: 1, source };
  const scan = scanTypes(section, sizes, offsets, 1);
  checkScan(section, sizes, scan, strings.length);
  const segment: BtfSegment = {
    source,
    header,
    layout,
    startId: 1,
    endId: scan.endId,
    stringStart: 0,
    stringEnd: strings.length,
    idShift: 0,
    stringShift: 0,
  };
  return {
    source,
    words,
    offsets: memory.kept(offsets, scan.endId + 1),
    strings,
    segments: [segment],
    roots: scan.roots,
    pointerSize: options.pointerSize ?? pointerSizeOf(words, scan.integers, strings),
  };
}

/**
 * Parses modules' split BTF behind one base. In files, every module's own ids and string offsets start where the
 * base's end; in the view each module gets its own, in the order given. The result shares nothing with the modules'
 * bytes and copies the base once.
 * @throws FormatError as parseBtf; also when the byte orders differ.
 */
export function parseModules(base: Btf, modules: readonly BtfInput[]): Btf {
  const baseSegment = base.segments[0] as BtfSegment;
  if (base.segments.length !== 1) throw new RangeError("parseModules: the base must not have modules yet");
  const headers = modules.map(({ bytes, source }) => {
    const header = parseHeader(bytes, source);
    if (header.littleEndian !== baseSegment.header.littleEndian) {
      throw new FormatError("bad-magic", `byte order differs from that of its base, ${base.source}`, {
        source,
        offset: 0,
      });
    }
    return header;
  });
  const wordTotal = headers.reduce((sum, header) => sum + header.typeLength / 4, base.words.length);
  const stringTotal = headers.reduce((sum, header) => sum + header.stringLength, base.strings.length);
  const words = new Uint32Array(wordTotal);
  const strings = new Uint8Array(stringTotal);
  words.set(base.words);
  strings.set(base.strings);
  const baseEnd = baseSegment.endId;
  const offsets = new Uint32Array(baseEnd + Math.floor((wordTotal - base.words.length) / TYPE_WORDS) + 1);
  offsets.set(base.offsets);

  const segments: BtfSegment[] = [baseSegment];
  const roots: (readonly number[])[] = [base.roots];
  const baseSizes = layoutSizes(baseSegment);
  let wordAt = base.words.length;
  let stringAt = base.strings.length;
  let idAt = baseEnd;
  for (let i = 0; i < modules.length; i++) {
    const { bytes, source } = modules[i] as BtfInput;
    const header = headers[i] as BtfHeader;
    const { layout, sizes } = layoutSection(bytes, header, source, baseSizes);
    const own = stringSection(bytes, header, source, true);
    strings.set(own, stringAt);
    readWords(bytes, header.headerLength + header.typeOffset, header.typeLength, header.littleEndian, words, wordAt);
    const wordEnd = wordAt + header.typeLength / 4;
    const section = { words, from: wordAt, to: wordEnd, firstId: baseEnd, source };
    const scan = scanTypes(section, sizes, offsets, idAt);
    checkScan(section, sizes, scan, base.strings.length + own.length);
    const segment: BtfSegment = {
      source,
      header,
      layout,
      startId: idAt,
      endId: scan.endId,
      stringStart: stringAt,
      stringEnd: stringAt + own.length,
      idShift: idAt - baseEnd,
      stringShift: stringAt - base.strings.length,
    };
    shiftReferences(words, offsets, segment, { ids: baseEnd, strings: base.strings.length });
    segments.push(segment);
    roots.push(scan.roots);
    wordAt = wordEnd;
    stringAt = segment.stringEnd;
    idAt = segment.endId;
  }
  return {
    source: base.source,
    words,
    offsets: offsets.slice(0, idAt + 1),
    strings,
    segments,
    roots: roots.flat(),
    pointerSize: base.pointerSize,
  };
}

function stringSection(bytes: Uint8Array, header: BtfHeader, source: string, split = false): Uint8Array {
  const from = header.headerLength + header.stringOffset;
  const strings = bytes.subarray(from, from + header.stringLength);
  const place = { source, section: "BTF strings", offset: Math.max(0, header.stringLength - 1) };
  if (strings.length === 0 && !split) {
    throw new FormatError("missing-base", "no strings, not even an empty one: split BTF, which needs its base", place);
  }
  if (strings.length !== 0 && strings[strings.length - 1] !== 0) {
    throw new FormatError("bad-section", "the last string does not end with a NUL", place);
  }
  return strings;
}

function layoutSection(
  bytes: Uint8Array,
  header: BtfHeader,
  source: string,
  otherwise: RecordSizes,
): { layout: Uint8Array; sizes: RecordSizes } {
  const from = header.headerLength + header.layoutOffset;
  const layout = new Uint8Array(bytes.subarray(from, from + header.layoutLength));
  return { layout, sizes: layout.length === 0 ? otherwise : applyLayout(layout, source, KNOWN_SIZES) };
}

function layoutSizes(segment: BtfSegment): RecordSizes {
  return segment.layout.length === 0 ? KNOWN_SIZES : applyLayout(segment.layout, segment.source, KNOWN_SIZES);
}

/** libbpf btf.c, determine_ptr_size: the size of the first INT of 4 or 8 bytes which is called some form of `long`. */
export function pointerSizeOf(words: Uint32Array, integers: readonly number[], strings: Uint8Array): number {
  for (const at of integers) {
    const size = words[at + SIZE_OR_TYPE_WORD] as number;
    if ((size === 4 || size === 8) && isLongName(strings, words[at + NAME_WORD] as number)) return size;
  }
  return 0;
}
