import { FormatError } from "../btf/error.ts";
import { stringAt } from "../btf/strings.ts";
import type { Elf, ElfSection } from "./elf.ts";
import { SHN_LORESERVE, SHN_XINDEX, SHT_DYNSYM, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX } from "./format.ts";
import { elfReader, readAddress, readHalf, readWord } from "./reader.ts";
import { sectionBytes } from "./section-bytes.ts";

/** A symbol table as columns, one entry a symbol, the null symbol 0 included. */
export interface ElfSymbols {
  readonly count: number;
  /** Offset of each name in `strings`. */
  readonly names: Uint32Array;
  /** Byte offset in its section in a relocatable file, else a virtual address; exact below 2^53. */
  readonly values: Float64Array;
  /** Bytes. */
  readonly sizes: Float64Array;
  /** `st_info`: binding and type, see symbolBind and symbolType. */
  readonly infos: Uint8Array;
  /** `st_other`: visibility, see symbolVisibility. */
  readonly others: Uint8Array;
  /**
   * Index of the section it is defined in: SHN_UNDEF for none. Reserved indexes (SHN_ABS, SHN_COMMON) are moved up by
   * RESERVED_SECTION, so that they cannot be taken for the sections that extended numbering gives the same numbers.
   */
  readonly sections: Float64Array;
  readonly strings: Uint8Array;
}

/** Added to reserved section indexes in `ElfSymbols.sections`. */
export const RESERVED_SECTION: number = 2 ** 32;

const NO_SYMBOLS: ElfSymbols = {
  count: 0,
  names: new Uint32Array(0),
  values: new Float64Array(0),
  sizes: new Float64Array(0),
  infos: new Uint8Array(0),
  others: new Uint8Array(0),
  sections: new Float64Array(0),
  strings: new Uint8Array(1),
};

/** `st_info`'s upper half: STB_LOCAL, STB_GLOBAL, STB_WEAK. */
export function symbolBind(symbols: ElfSymbols, index: number): number {
  return (symbols.infos[index] as number) >>> 4;
}

/** `st_info`'s lower half: STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, ... */
export function symbolType(symbols: ElfSymbols, index: number): number {
  return (symbols.infos[index] as number) & 0xf;
}

/** `st_other`'s lower two bits: STV_DEFAULT, STV_INTERNAL, STV_HIDDEN. */
export function symbolVisibility(symbols: ElfSymbols, index: number): number {
  return (symbols.others[index] as number) & 0x3;
}

/** A symbol's name, decoded; empty when it has none (a section's symbol, usually). */
export function symbolName(symbols: ElfSymbols, index: number): string {
  return stringAt(symbols.strings, symbols.names[index] as number);
}

/**
 * Reads a symbol table: the given section, or the file's SHT_SYMTAB. A file without one has no symbols.
 * @throws FormatError (bad-elf, truncated) when a record, a name or a section index is out of range.
 */
export function readSymbols(elf: Elf, section?: ElfSection): ElfSymbols {
  const table = section ?? elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (table === undefined) return NO_SYMBOLS;
  const place = (offset?: number) => ({ source: elf.source, section: table.name || `section ${table.index}`, offset });
  const { layout } = elf.reader;
  if (table.type !== SHT_SYMTAB && table.type !== SHT_DYNSYM) {
    throw new FormatError("bad-elf", `section ${table.index} is no symbol table`, place());
  }
  const bytes = sectionBytes(elf, table);
  if (table.entrySize !== layout.symbolBytes || bytes.length % layout.symbolBytes !== 0) {
    const hint = `${bytes.length} bytes of symbols of ${table.entrySize}, expected ${layout.symbolBytes} bytes each`;
    throw new FormatError("bad-elf", hint, place());
  }
  const strings = stringTable(elf, table);
  const reader = elfReader(bytes, elf.is64, elf.littleEndian);
  const extended = extendedIndexes(elf, table);
  const count = bytes.length / layout.symbolBytes;
  const names = new Uint32Array(count);
  const values = new Float64Array(count);
  const sizes = new Float64Array(count);
  const infos = new Uint8Array(count);
  const others = new Uint8Array(count);
  const sections = new Float64Array(count);
  for (let i = 0, at = 0; i < count; i++, at += layout.symbolBytes) {
    const name = readWord(reader, at);
    if (name >= strings.length) {
      const hint = `symbol ${i} has its name at ${name}, but the string table ends at ${strings.length}`;
      throw new FormatError("bad-elf", hint, place(at));
    }
    names[i] = name;
    values[i] = readAddress(reader, at + layout.stValue);
    sizes[i] = readAddress(reader, at + layout.stSize);
    infos[i] = bytes[at + layout.stInfo] as number;
    // The byte behind st_info in both classes.
    others[i] = bytes[at + layout.stInfo + 1] as number;
    const half = readHalf(reader, at + layout.stSection);
    const index = half === SHN_XINDEX ? extended(i) : half;
    if (half >= SHN_LORESERVE && half !== SHN_XINDEX) sections[i] = RESERVED_SECTION + half;
    else if (index < elf.sections.length) sections[i] = index;
    else {
      const hint = `symbol ${i} is in section ${index}, but there are ${elf.sections.length}`;
      throw new FormatError("bad-elf", hint, place(at + layout.stSection));
    }
  }
  return { count, names, values, sizes, infos, others, sections, strings };
}

/** The string table a symbol table links to; its last byte is a NUL. */
function stringTable(elf: Elf, table: ElfSection): Uint8Array {
  const section = elf.sections[table.link];
  if (section === undefined || section.type !== SHT_STRTAB) {
    throw new FormatError("bad-elf", `the symbols' strings should be in section ${table.link}, no string table`, {
      source: elf.source,
      section: table.name,
    });
  }
  const strings = sectionBytes(elf, section);
  if (strings.length !== 0 && strings[strings.length - 1] !== 0) {
    throw new FormatError("bad-elf", "the last string does not end with a NUL", {
      source: elf.source,
      section: section.name,
      offset: strings.length - 1,
    });
  }
  // An empty table stands for the empty string alone.
  return strings.length === 0 ? NO_SYMBOLS.strings : strings;
}

/** Section indexes of SHN_XINDEX symbols, from the SHT_SYMTAB_SHNDX section that links to the table. */
function extendedIndexes(elf: Elf, table: ElfSection): (symbol: number) => number {
  let words: ReturnType<typeof elfReader> | undefined;
  return (symbol) => {
    if (words === undefined) {
      const section = elf.sections.find(({ type, link }) => type === SHT_SYMTAB_SHNDX && link === table.index);
      const bytes = section === undefined ? new Uint8Array(0) : sectionBytes(elf, section);
      words = elfReader(bytes, elf.is64, elf.littleEndian);
    }
    if (symbol * 4 + 4 > words.view.byteLength) {
      throw new FormatError("bad-elf", `symbol ${symbol} has an extended section index, but none is there for it`, {
        source: elf.source,
        section: table.name,
      });
    }
    return readWord(words, symbol * 4);
  };
}
