import { FormatError } from "../btf/error.ts";
import { BTF_MAGIC } from "../btf/format.ts";

const SECTION = ".BTF.ext";
/** `struct btf_ext_header`: magic, version, flags, hdr_len, then offset and length of each part. */
const AT_HEADER_LENGTH = 4;
const AT_FUNC_INFO = 8;
const AT_LINE_INFO = 16;
/** Present when the header has at least 32 bytes. */
const AT_CORE_RELO = 24;
const HEADER_BYTES = 24;
const HEADER_WITH_CORE_BYTES = 32;
const BTF_EXT_VERSION = 1;
/** Smallest records: bpf_func_info, bpf_line_info, bpf_core_relo. Larger ones have fields this library does not know. */
const FUNC_RECORD_BYTES = 8;
const LINE_RECORD_BYTES = 16;
const CORE_RECORD_BYTES = 16;
const SECTION_HEADER_BYTES = 8;
/** `line_col`: line in the upper 22 bits, column in the lower 10. */
const LINE_SHIFT = 10;
const COLUMN_MASK = 0x3ff;

/** One CO-RE relocation as the compiler wrote it (`struct bpf_core_relo`). */
export interface CoreRecord {
  /** Name offset of the ELF section in the object's BTF strings. */
  readonly sectionName: number;
  /** Byte offset of the instruction in that section. */
  readonly insnOffset: number;
  /** Root type in the object's BTF. */
  readonly typeId: number;
  /** Offset of the access string in the object's BTF strings. */
  readonly accessOffset: number;
  readonly kind: number;
}

/** Where an instruction comes from (`struct bpf_line_info`); name offsets are into the object's BTF strings. */
export interface LineRecord {
  readonly sectionName: number;
  readonly insnOffset: number;
  readonly fileOffset: number;
  readonly textOffset: number;
  readonly line: number;
  readonly column: number;
}

/**
 * The CO-RE relocations of a `.BTF.ext` section, in the file's order (Linux Documentation/bpf/btf.rst). References
 * to names and types are checked by the caller, who has the BTF they point into.
 * @throws FormatError when a part lies outside the section or its records do not add up.
 */
export function parseRelocations(bytes: Uint8Array, source: string): CoreRecord[] {
  const { reader, headerLength, part } = openExt(bytes, source);
  // Functions and lines are not used here, but a part that lies outside the section is still a broken file.
  eachRecord(reader, part(AT_FUNC_INFO), FUNC_RECORD_BYTES, null);
  eachRecord(reader, part(AT_LINE_INFO), LINE_RECORD_BYTES, null);
  const relocations: CoreRecord[] = [];
  if (headerLength < HEADER_WITH_CORE_BYTES) return relocations;
  eachRecord(reader, part(AT_CORE_RELO), CORE_RECORD_BYTES, (sectionName, u32) => {
    relocations.push({ sectionName, insnOffset: u32(0), typeId: u32(4), accessOffset: u32(8), kind: u32(12) });
  });
  return relocations;
}

/**
 * The line records of a `.BTF.ext` section, in the file's order; wanted for messages only.
 * @throws FormatError as parseRelocations.
 */
export function parseLines(bytes: Uint8Array, source: string): LineRecord[] {
  const { reader, part } = openExt(bytes, source);
  const lines: LineRecord[] = [];
  eachRecord(reader, part(AT_LINE_INFO), LINE_RECORD_BYTES, (sectionName, u32) => {
    const lineColumn = u32(12);
    lines.push({
      sectionName,
      insnOffset: u32(0),
      fileOffset: u32(4),
      textOffset: u32(8),
      line: lineColumn >>> LINE_SHIFT,
      column: lineColumn & COLUMN_MASK,
    });
  });
  return lines;
}

/** One part of `.BTF.ext` as it is: records of words, the first of which is the instruction's byte offset. */
export interface InfoPart {
  /** Bytes of a record, as the compiler wrote it; a multiple of 4. */
  readonly recordBytes: number;
  /** By ELF section, in the file's order; `nameOffset` is into the object's BTF strings. */
  readonly sections: readonly { readonly nameOffset: number; readonly words: Uint32Array }[];
}

/**
 * The func_info or line_info part, undecoded, for who hands it on to a kernel; null where there is none.
 * @throws FormatError as parseRelocations.
 */
export function infoPart(bytes: Uint8Array, source: string, which: "func_info" | "line_info"): InfoPart | null {
  const { reader, part } = openExt(bytes, source);
  const [at, smallest] = which === "func_info" ? [AT_FUNC_INFO, FUNC_RECORD_BYTES] : [AT_LINE_INFO, LINE_RECORD_BYTES];
  const place = part(at);
  if (place.length === 0) return null;
  eachRecord(reader, place, smallest, null);
  const { view, littleEndian } = reader;
  const recordBytes = view.getUint32(place.from, littleEndian);
  const sections: { nameOffset: number; words: Uint32Array }[] = [];
  for (let position = place.from + 4; position < place.from + place.length; ) {
    const nameOffset = view.getUint32(position, littleEndian);
    const bytesHere = view.getUint32(position + 4, littleEndian) * recordBytes;
    const first = position + SECTION_HEADER_BYTES;
    const words = new Uint32Array(bytesHere / 4);
    for (let i = 0; i < words.length; i++) words[i] = view.getUint32(first + i * 4, littleEndian);
    sections.push({ nameOffset, words });
    position = first + bytesHere;
  }
  return { recordBytes, sections };
}

/** Where the relocations of a `.BTF.ext` section lie; all in bytes from its start. */
export interface RelocationsPlace {
  readonly from: number;
  readonly length: number;
  /** Where the header says how long they are: a u32 in the section's byte order. */
  readonly lengthAt: number;
  readonly littleEndian: boolean;
}

/**
 * Where the CO-RE relocations are, for who wants them away; null where the section has none.
 * @throws FormatError as parseRelocations.
 */
export function relocationsPlace(bytes: Uint8Array, source: string): RelocationsPlace | null {
  const { reader, headerLength, part } = openExt(bytes, source);
  if (headerLength < HEADER_WITH_CORE_BYTES) return null;
  const { from, length } = part(AT_CORE_RELO);
  eachRecord(reader, { at: AT_CORE_RELO, from, length }, CORE_RECORD_BYTES, null);
  return length === 0 ? null : { from, length, lengthAt: AT_CORE_RELO + 4, littleEndian: reader.littleEndian };
}

interface Part {
  /** Where the header says so, for messages. */
  readonly at: number;
  readonly from: number;
  readonly length: number;
}

function openExt(bytes: Uint8Array, source: string) {
  const fail = (detail: string, offset: number): never => {
    throw new FormatError("bad-section", detail, { source, section: SECTION, offset });
  };
  if (bytes.length < HEADER_BYTES) fail(`${bytes.length} bytes, but its header takes ${HEADER_BYTES}`, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === BTF_MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== BTF_MAGIC) fail("magic is not 0xeb9f", 0);
  const version = view.getUint8(2);
  if (version !== BTF_EXT_VERSION) fail(`version ${version}, this library reads ${BTF_EXT_VERSION}`, 2);
  const headerLength = view.getUint32(AT_HEADER_LENGTH, littleEndian);
  if (headerLength < HEADER_BYTES || headerLength > bytes.length) {
    fail(`header length ${headerLength}, expected ${HEADER_BYTES} to ${bytes.length}`, AT_HEADER_LENGTH);
  }
  const part = (at: number): Part => ({
    at,
    from: headerLength + view.getUint32(at, littleEndian),
    length: view.getUint32(at + 4, littleEndian),
  });
  const reader: Reader = { view, littleEndian, fail };
  return { reader, headerLength, part };
}

interface Reader {
  readonly view: DataView;
  readonly littleEndian: boolean;
  readonly fail: (detail: string, offset: number) => never;
}

/** A part is: record size (u32), then per ELF section its name offset, a count, and that many records. */
function eachRecord(
  { view, littleEndian, fail }: Reader,
  { at, from, length }: Part,
  smallest: number,
  visit: ((sectionName: number, u32: (offset: number) => number) => void) | null,
): void {
  if (length === 0) return;
  const end = from + length;
  if (end > view.byteLength) fail(`part at ${from} + ${length}, but the section has ${view.byteLength} bytes`, at);
  if (from % 4 !== 0) fail(`part at ${from}, not a multiple of 4`, at);
  if (length < 4) fail(`part of ${length} bytes, but the record size alone takes 4`, at);
  const recordBytes = view.getUint32(from, littleEndian);
  if (recordBytes < smallest || recordBytes % 4 !== 0) {
    fail(`records of ${recordBytes} bytes, expected at least ${smallest} and a multiple of 4`, from);
  }
  let position = from + 4;
  while (position < end) {
    if (position + SECTION_HEADER_BYTES > end) fail("the part ends inside a section's header", position);
    const sectionName = view.getUint32(position, littleEndian);
    const count = view.getUint32(position + 4, littleEndian);
    const records = position + SECTION_HEADER_BYTES;
    if (count === 0) fail("a section without records", position);
    if (records + count * recordBytes > end) fail(`${count} records go on behind the part's end`, position);
    for (let i = 0; visit !== null && i < count; i++) {
      const record = records + i * recordBytes;
      visit(sectionName, (offset) => view.getUint32(record + offset, littleEndian));
    }
    position = records + count * recordBytes;
  }
}
