/**
 * The ELF format as constants: what BPF objects, kernel images and modules need of it. Source: the System V ABI,
 * chapters 4 and 5, and Linux `include/uapi/linux/elf.h` and `elf-em.h`.
 */

/** `\x7fELF`, the first four bytes. */
export const ELF_MAGIC: readonly number[] = [0x7f, 0x45, 0x4c, 0x46];
/** Bytes of `e_ident` that say how to read the rest. */
export const EI_CLASS = 4;
export const EI_DATA = 5;
export const EI_VERSION = 6;
export const EI_NIDENT = 16;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;

export const ET_REL = 1;
/** What LLVM before EM_BPF gave its BPF objects; loaders take it still. */
export const EM_NONE = 0;
export const EM_BPF = 247;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_SYMTAB_SHNDX = 18;

export const SHF_EXECINSTR = 0x4;
export const SHF_COMPRESSED = 0x800;

/** Section indexes from here on are no indexes but have a meaning of their own. */
export const SHN_LORESERVE = 0xff00;
export const SHN_UNDEF = 0;
export const SHN_ABS = 0xfff1;
/** The index does not fit 16 bits and stands elsewhere. */
export const SHN_XINDEX = 0xffff;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;
export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;

export const ELFCOMPRESS_ZLIB = 1;
export const ELFCOMPRESS_ZSTD = 2;

/** Byte positions in `Elf32_Ehdr` or `Elf64_Ehdr`, `Elf32_Shdr` or `Elf64_Shdr`; sizes in bytes. */
export interface ElfLayout {
  readonly headerBytes: number;
  readonly atSectionOffset: number;
  readonly atHeaderSize: number;
  readonly atSegmentOffset: number;
  readonly atSegmentEntrySize: number;
  readonly atSegmentCount: number;
  readonly atSectionEntrySize: number;
  readonly atSectionCount: number;
  readonly atNameSection: number;
  readonly sectionBytes: number;
  readonly shFlags: number;
  readonly shAddress: number;
  readonly shOffset: number;
  readonly shSize: number;
  readonly shLink: number;
  readonly shInfo: number;
  readonly shEntrySize: number;
  readonly symbolBytes: number;
  readonly stValue: number;
  readonly stSize: number;
  readonly stInfo: number;
  readonly stSection: number;
  /** `Elf32_Chdr`, `Elf64_Chdr`. */
  readonly compressionBytes: number;
  readonly chSize: number;
}

export const LAYOUT_32: ElfLayout = {
  headerBytes: 52,
  atSegmentOffset: 28,
  atSectionOffset: 32,
  atHeaderSize: 40,
  atSegmentEntrySize: 42,
  atSegmentCount: 44,
  atSectionEntrySize: 46,
  atSectionCount: 48,
  atNameSection: 50,
  sectionBytes: 40,
  shFlags: 8,
  shAddress: 12,
  shOffset: 16,
  shSize: 20,
  shLink: 24,
  shInfo: 28,
  shEntrySize: 36,
  symbolBytes: 16,
  stValue: 4,
  stSize: 8,
  stInfo: 12,
  stSection: 14,
  compressionBytes: 12,
  chSize: 4,
};

export const LAYOUT_64: ElfLayout = {
  headerBytes: 64,
  atSegmentOffset: 32,
  atSectionOffset: 40,
  atHeaderSize: 52,
  atSegmentEntrySize: 54,
  atSegmentCount: 56,
  atSectionEntrySize: 58,
  atSectionCount: 60,
  atNameSection: 62,
  sectionBytes: 64,
  shFlags: 8,
  shAddress: 16,
  shOffset: 24,
  shSize: 32,
  shLink: 40,
  shInfo: 44,
  shEntrySize: 56,
  symbolBytes: 24,
  stValue: 8,
  stSize: 16,
  stInfo: 4,
  stSection: 6,
  compressionBytes: 24,
  chSize: 8,
};

/** `e_type`, `e_machine`, `e_version`, `sh_name` and `sh_type`: at the same place in both classes. */
export const AT_TYPE = 16;
export const AT_MACHINE = 18;
export const AT_VERSION = 20;
export const SH_NAME = 0;
export const SH_TYPE = 4;
