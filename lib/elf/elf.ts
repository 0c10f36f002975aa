import { FormatError } from "../btf/error.ts";
import {
  AT_MACHINE,
  AT_TYPE,
  EI_CLASS,
  EI_DATA,
  EI_NIDENT,
  EI_VERSION,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EV_CURRENT,
  SH_NAME,
  SH_TYPE,
  SHN_UNDEF,
  SHN_XINDEX,
  SHT_NOBITS,
  SHT_NULL,
} from "./format.ts";
import { type ElfReader, elfReader, looksLikeElf, readAddress, readHalf, readWord } from "./reader.ts";

export const HEADER_SECTION = "ELF header";
export const SECTION_TABLE = "ELF section table";
/** More sections than any compiler makes; a bound on what a corrupt count costs. */
const MAX_SECTIONS = 1 << 20;
/** Bytes of all section names of one file together; the same text may be named by every section. */
const MAX_NAME_BYTES = 1 << 24;
const DECODER = new TextDecoder();

/** One section header. Offsets and sizes are bytes; they are checked when the section's bytes are asked for. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  /** Low 32 bits of `sh_flags`: no flag is above them. */
  readonly flags: number;
  /** Virtual address, 0 in a relocatable file; exact below 2^53. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** An ELF file whose header and section table were read and checked. */
export interface Elf {
  readonly bytes: Uint8Array;
  readonly source: string;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** `e_machine`: EM_BPF for a BPF object. */
  readonly machine: number;
  /** `e_type`: ET_REL for an object or a kernel module. */
  readonly type: number;
  /** All sections by index, the null section 0 included. Empty in a file without a section table. */
  readonly sections: readonly ElfSection[];
  readonly reader: ElfReader;
}

/**
 * Reads the header and the section table of an ELF file, 32 or 64 bits, either byte order. Costs by the number of
 * sections, not by the file's size; no section's bytes are touched but those of the section names.
 * @throws FormatError (not-elf, bad-elf, truncated, too-large) with the place.
 */
export function openElf(bytes: Uint8Array, source = "ELF"): Elf {
  const reader = readIdent(bytes, source);
  const { layout, littleEndian, is64 } = reader;
  if (bytes.length < layout.headerBytes) {
    throw headerError("truncated", `${bytes.length} bytes, but the header takes ${layout.headerBytes}`, source, 0);
  }
  const table = sectionTable(reader, source);
  const sections = readSections(reader, bytes, source, table);
  return {
    bytes,
    source,
    is64,
    littleEndian,
    machine: readHalf(reader, AT_MACHINE),
    type: readHalf(reader, AT_TYPE),
    sections,
    reader,
  };
}

/** The first section of that name, as libbpf looks them up; undefined when there is none. */
export function findSection(elf: Elf, name: string): ElfSection | undefined {
  return elf.sections.find((section) => section.name === name && section.type !== SHT_NULL);
}

/**
 * A section's bytes as they lie in the file (a view, no copy), compressed when the section is; none for SHT_NOBITS.
 * @throws FormatError (truncated) when they go beyond the file's end.
 */
export function rawSectionBytes(elf: Elf, section: ElfSection): Uint8Array {
  if (section.type === SHT_NOBITS || section.type === SHT_NULL) return elf.bytes.subarray(0, 0);
  const end = section.offset + section.size;
  if (end > elf.bytes.length) {
    throw new FormatError(
      "truncated",
      `section of ${section.size} bytes at 0x${section.offset.toString(16)}, but the file has ${elf.bytes.length}`,
      { source: elf.source, section: section.name || `section ${section.index}` },
    );
  }
  return elf.bytes.subarray(section.offset, end);
}

/** Where a section's header is in the file, in bytes. */
export function sectionHeaderAt({ reader }: Elf, section: ElfSection): number {
  const { layout } = reader;
  return readAddress(reader, layout.atSectionOffset) + section.index * layout.sectionBytes;
}

function readIdent(bytes: Uint8Array, source: string): ElfReader {
  if (!looksLikeElf(bytes)) throw headerError("not-elf", "not an ELF file: it does not start with \\x7fELF", source, 0);
  if (bytes.length < EI_NIDENT) throw headerError("truncated", "the file ends inside the header", source, 0);
  const elfClass = bytes[EI_CLASS] as number;
  if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) {
    throw headerError("bad-elf", `class ${elfClass}, expected 1 (32 bits) or 2 (64 bits)`, source, EI_CLASS);
  }
  const order = bytes[EI_DATA] as number;
  if (order !== ELFDATA2LSB && order !== ELFDATA2MSB) {
    throw headerError("bad-elf", `data encoding ${order}, expected 1 (little) or 2 (big endian)`, source, EI_DATA);
  }
  const version = bytes[EI_VERSION] as number;
  if (version !== EV_CURRENT) throw headerError("bad-elf", `version ${version}, expected 1`, source, EI_VERSION);
  return elfReader(bytes, elfClass === ELFCLASS64, order === ELFDATA2LSB);
}

interface SectionTable {
  readonly offset: number;
  readonly count: number;
  /** Index of the section that holds the names; 0 for none. */
  readonly names: number;
}

/** Place and length of the section table, with the counts that do not fit 16 bits taken from section 0. */
function sectionTable(reader: ElfReader, source: string): SectionTable {
  const { layout, view } = reader;
  const offset = readAddress(reader, layout.atSectionOffset);
  let count = readHalf(reader, layout.atSectionCount);
  let names = readHalf(reader, layout.atNameSection);
  if (offset === 0) {
    if (count === 0) return { offset, count, names: 0 };
    throw headerError("bad-elf", `${count} sections but no section table`, source, layout.atSectionCount);
  }
  const entrySize = readHalf(reader, layout.atSectionEntrySize);
  if (entrySize !== layout.sectionBytes) {
    const hint = `section headers of ${entrySize} bytes, expected ${layout.sectionBytes}`;
    throw headerError("bad-elf", hint, source, layout.atSectionEntrySize);
  }
  const room = view.byteLength - offset;
  if (room < layout.sectionBytes) {
    const hint = `section table at 0x${offset.toString(16)}, but the file has ${view.byteLength} bytes`;
    throw headerError("truncated", hint, source, layout.atSectionOffset);
  }
  if (count === 0) count = readAddress(reader, offset + layout.shSize);
  if (names === SHN_XINDEX) names = readWord(reader, offset + layout.shLink);
  if (count * layout.sectionBytes > room) {
    const hint = `${count} section headers at 0x${offset.toString(16)}, but the file has ${view.byteLength} bytes`;
    throw headerError("truncated", hint, source, layout.atSectionCount);
  }
  if (count > MAX_SECTIONS) {
    throw headerError("too-large", `${count} sections, more than ${MAX_SECTIONS}`, source, layout.atSectionCount);
  }
  if (names !== SHN_UNDEF && names >= count) {
    const hint = `section names are in section ${names}, but there are ${count} sections`;
    throw headerError("bad-elf", hint, source, layout.atNameSection);
  }
  return { offset, count, names };
}

function readSections(reader: ElfReader, bytes: Uint8Array, source: string, table: SectionTable): ElfSection[] {
  const { layout } = reader;
  const at = (index: number) => table.offset + index * layout.sectionBytes;
  const names = table.names === SHN_UNDEF ? undefined : nameBytes(reader, bytes, source, at(table.names));
  const nameOf = nameDecoder(names, source, table.offset);
  const sections: ElfSection[] = [];
  for (let index = 0; index < table.count; index++) {
    const header = at(index);
    sections.push({
      index,
      name: names === undefined ? "" : nameOf(readWord(reader, header + SH_NAME), header),
      type: readWord(reader, header + SH_TYPE),
      // A 64-bit big-endian file has the low word second.
      flags: readWord(reader, header + layout.shFlags + (reader.is64 && !reader.littleEndian ? 4 : 0)),
      address: readAddress(reader, header + layout.shAddress),
      offset: readAddress(reader, header + layout.shOffset),
      size: readAddress(reader, header + layout.shSize),
      link: readWord(reader, header + layout.shLink),
      info: readWord(reader, header + layout.shInfo),
      entrySize: readAddress(reader, header + layout.shEntrySize),
    });
  }
  return sections;
}

function nameBytes(reader: ElfReader, bytes: Uint8Array, source: string, header: number): Uint8Array {
  const { layout } = reader;
  const offset = readAddress(reader, header + layout.shOffset);
  const size = readAddress(reader, header + layout.shSize);
  if (readWord(reader, header + SH_TYPE) === SHT_NOBITS || offset + size > bytes.length) {
    const hint = `section names at 0x${offset.toString(16)} + ${size}, but the file has ${bytes.length} bytes`;
    throw new FormatError("truncated", hint, { source, section: SECTION_TABLE });
  }
  return bytes.subarray(offset, offset + size);
}

function nameDecoder(names: Uint8Array | undefined, source: string, table: number) {
  let decoded = 0;
  return (offset: number, header: number): string => {
    const end = names?.indexOf(0, offset) ?? -1;
    if (names === undefined || end === -1) {
      const hint = `a section's name is at ${offset}, but the names end at ${names?.length ?? 0}, or it lacks its NUL`;
      throw new FormatError("bad-elf", hint, { source, section: SECTION_TABLE, offset: header - table });
    }
    decoded += end - offset;
    if (decoded > MAX_NAME_BYTES) {
      const hint = `section names of more than ${MAX_NAME_BYTES} bytes together`;
      throw new FormatError("too-large", hint, { source, section: SECTION_TABLE, offset: header - table });
    }
    return DECODER.decode(names.subarray(offset, end));
  };
}

function headerError(
  code: "not-elf" | "bad-elf" | "truncated" | "too-large",
  detail: string,
  source: string,
  offset: number,
): FormatError {
  return new FormatError(code, detail, { source, section: HEADER_SECTION, offset });
}
