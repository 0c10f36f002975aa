/** ELF images for tests: sections as data, in both classes and byte orders, with room for every way to be wrong. */
import * as format from "../../lib/elf/format.ts";

/** One section to write; numbers default to 0, `data` to nothing. */
export interface SectionSpec {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly address?: number;
  readonly data?: Uint8Array;
  /** `sh_size`, where it is not the data's length (SHT_NOBITS, or a lie). */
  readonly size?: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** Class, byte order and header of the image. */
export interface ImageOptions {
  readonly is64?: boolean;
  readonly littleEndian?: boolean;
  readonly machine?: number;
  readonly type?: number;
  /** Writes section count and names' index into section 0, as files with more than 65,279 sections do. */
  readonly extended?: boolean;
}

/** What a test writes fields with. */
export interface FieldWriter {
  half(at: number, value: number): void;
  word(at: number, value: number): void;
  address(at: number, value: number): void;
}

const utf8 = new TextEncoder();

/** Fields of one class and byte order over some bytes. */
export function fields(bytes: Uint8Array, { is64 = true, littleEndian = true }: ImageOptions = {}): FieldWriter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    half: (at, value) => view.setUint16(at, value, littleEndian),
    word: (at, value) => view.setUint32(at, value, littleEndian),
    address: (at, value) => {
      if (is64) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), littleEndian);
      else view.setUint32(at, value, littleEndian);
    },
  };
}

/** Layout of a class. */
export function layoutOf({ is64 = true }: ImageOptions = {}): format.ElfLayout {
  return is64 ? format.LAYOUT_64 : format.LAYOUT_32;
}

/** Text as bytes with a NUL after each of the strings. */
export function strings(...texts: string[]): Uint8Array {
  return utf8.encode(texts.map((text) => `${text}\0`).join(""));
}

/** An image: header, the sections' data, then the section table; section 0 and `.shstrtab` (the last) are added. */
export function elfImage(sections: readonly SectionSpec[], options: ImageOptions = {}): Uint8Array {
  const { is64 = true, littleEndian = true, machine = format.EM_BPF, type = format.ET_REL, extended = false } = options;
  const layout = layoutOf(options);
  const named: SectionSpec[] = [{ name: "" }, ...sections, { name: ".shstrtab", type: format.SHT_STRTAB }];
  const text = strings(...named.map(({ name }) => name));
  const nameOffsets: number[] = [];
  named.reduce((at, { name }) => {
    nameOffsets.push(at);
    return at + utf8.encode(name).length + 1;
  }, 0);
  const datas = named.map(({ data }, i) => (i === named.length - 1 ? text : (data ?? new Uint8Array(0))));
  const offsets: number[] = [];
  const table = datas.reduce((at, data) => {
    offsets.push(at);
    return at + data.length;
  }, layout.headerBytes);
  const bytes = new Uint8Array(table + named.length * layout.sectionBytes);
  const write = fields(bytes, options);
  bytes.set(format.ELF_MAGIC);
  bytes[format.EI_CLASS] = is64 ? format.ELFCLASS64 : format.ELFCLASS32;
  bytes[format.EI_DATA] = littleEndian ? format.ELFDATA2LSB : format.ELFDATA2MSB;
  bytes[format.EI_VERSION] = format.EV_CURRENT;
  write.half(format.AT_TYPE, type);
  write.half(format.AT_MACHINE, machine);
  write.word(format.AT_VERSION, format.EV_CURRENT);
  write.address(layout.atSectionOffset, table);
  write.half(layout.atHeaderSize, layout.headerBytes);
  write.half(layout.atSectionEntrySize, layout.sectionBytes);
  write.half(layout.atSectionCount, extended ? 0 : named.length);
  write.half(layout.atNameSection, extended ? format.SHN_XINDEX : named.length - 1);
  named.forEach((section, i) => {
    const at = table + i * layout.sectionBytes;
    const data = datas[i] ?? new Uint8Array(0);
    bytes.set(data, offsets[i]);
    write.word(at + format.SH_NAME, nameOffsets[i] ?? 0);
    write.word(at + format.SH_TYPE, i === 0 ? format.SHT_NULL : (section.type ?? format.SHT_PROGBITS));
    write.address(at + layout.shFlags, section.flags ?? 0);
    write.address(at + layout.shAddress, section.address ?? 0);
    write.address(at + layout.shOffset, i === 0 ? 0 : (offsets[i] ?? 0));
    write.address(at + layout.shSize, i === 0 && extended ? named.length : (section.size ?? data.length));
    write.word(at + layout.shLink, i === 0 && extended ? named.length - 1 : (section.link ?? 0));
    write.word(at + layout.shInfo, section.info ?? 0);
    write.address(at + layout.shEntrySize, section.entrySize ?? 0);
  });
  return bytes;
}

/** Byte position of the header of section `index` in an image of elfImage. */
export function sectionHeaderAt(image: Uint8Array, index: number, options: ImageOptions = {}): number {
  const layout = layoutOf(options);
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const { is64 = true, littleEndian = true } = options;
  const at = layout.atSectionOffset;
  const table = is64 ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian);
  return table + index * layout.sectionBytes;
}

/** One symbol to write. */
export interface SymbolSpec {
  readonly name: number;
  readonly value?: number;
  readonly size?: number;
  readonly info?: number;
  readonly section?: number;
}

/** A symbol table's bytes, the null symbol included. */
export function symbolTable(symbols: readonly SymbolSpec[], options: ImageOptions = {}): Uint8Array {
  const layout = layoutOf(options);
  const bytes = new Uint8Array((symbols.length + 1) * layout.symbolBytes);
  const write = fields(bytes, options);
  symbols.forEach((symbol, i) => {
    const at = (i + 1) * layout.symbolBytes;
    write.word(at, symbol.name);
    write.address(at + layout.stValue, symbol.value ?? 0);
    write.address(at + layout.stSize, symbol.size ?? 0);
    bytes[at + layout.stInfo] = symbol.info ?? 0;
    write.half(at + layout.stSection, symbol.section ?? 0);
  });
  return bytes;
}

/** A BPF object as small as findBpfObjects takes one: a licence, and the given sections. */
export function bpfObject(sections: readonly SectionSpec[] = [], options: ImageOptions = {}): Uint8Array {
  return elfImage([{ name: "license", data: strings("GPL") }, ...sections], options);
}

/** Byte strings one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
