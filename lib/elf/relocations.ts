import { FormatError } from "../btf/error.ts";
import type { Elf, ElfSection } from "./elf.ts";
import { SHT_REL, SHT_RELA } from "./format.ts";
import { elfReader, readAddress, readWord } from "./reader.ts";
import { sectionBytes } from "./section-bytes.ts";

/** The entries of one relocation section as columns. */
export interface ElfRelocations {
  readonly count: number;
  /** Index of the section the entries apply to (`sh_info`); 0 for none. */
  readonly target: number;
  /** Index of the section with the symbol table (`sh_link`). */
  readonly symbolTable: number;
  /** Byte offset of each place in the target section (an address in an executable). */
  readonly offsets: Float64Array;
  /** Symbol indexes. */
  readonly symbols: Uint32Array;
  /** Relocation types: R_BPF_64_64 is 1, R_BPF_64_32 is 10, ... */
  readonly types: Uint32Array;
  /** Addends, signed; 0 in an SHT_REL section, where they are in the section's bytes. Exact up to 2^53. */
  readonly addends: Float64Array;
}

/** True for SHT_REL and SHT_RELA. */
export function isRelocationSection(section: ElfSection): boolean {
  return section.type === SHT_REL || section.type === SHT_RELA;
}

/**
 * Reads an SHT_REL or SHT_RELA section. Symbol indexes are not checked against the symbol table, which may belong to
 * another reader's interest; the target section's index is.
 * @throws FormatError (bad-elf, truncated).
 */
export function readRelocations(elf: Elf, section: ElfSection): ElfRelocations {
  const place = { source: elf.source, section: section.name || `section ${section.index}` };
  if (!isRelocationSection(section)) {
    throw new FormatError("bad-elf", `section type ${section.type} is neither REL nor RELA`, place);
  }
  const withAddend = section.type === SHT_RELA;
  const wordBytes = elf.is64 ? 8 : 4;
  const entryBytes = wordBytes * (withAddend ? 3 : 2);
  const bytes = sectionBytes(elf, section);
  if (section.entrySize !== entryBytes || bytes.length % entryBytes !== 0) {
    const hint = `${bytes.length} bytes of relocations of ${section.entrySize}, expected ${entryBytes} bytes each`;
    throw new FormatError("bad-elf", hint, place);
  }
  if (section.info >= elf.sections.length) {
    const hint = `relocates section ${section.info}, but there are ${elf.sections.length}`;
    throw new FormatError("bad-elf", hint, place);
  }
  const reader = elfReader(bytes, elf.is64, elf.littleEndian);
  const count = bytes.length / entryBytes;
  const offsets = new Float64Array(count);
  const symbols = new Uint32Array(count);
  const types = new Uint32Array(count);
  const addends = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++, at += entryBytes) {
    offsets[i] = readAddress(reader, at);
    const info = at + wordBytes;
    if (elf.is64) {
      // r_info is one u64, symbol << 32 | type, so that the byte order says which half is first.
      symbols[i] = readWord(reader, elf.littleEndian ? info + 4 : info);
      types[i] = readWord(reader, elf.littleEndian ? info : info + 4);
    } else {
      const word = readWord(reader, info);
      symbols[i] = word >>> 8;
      types[i] = word & 0xff;
    }
    if (withAddend) addends[i] = readSigned(reader, info + wordBytes);
  }
  return { count, target: section.info, symbolTable: section.link, offsets, symbols, types, addends };
}

function readSigned(reader: ReturnType<typeof elfReader>, at: number): number {
  if (!reader.is64) return readWord(reader, at) | 0;
  return Number(reader.view.getBigInt64(at, reader.littleEndian));
}
