import { ELF_MAGIC, type ElfLayout, LAYOUT_32, LAYOUT_64 } from "./format.ts";

/** How to read the fields of one ELF file: its class and byte order, over its bytes. */
export interface ElfReader {
  readonly view: DataView;
  readonly is64: boolean;
  readonly littleEndian: boolean;
  readonly layout: ElfLayout;
}

/** True when the bytes at `at` are `\x7fELF`. */
export function looksLikeElf(bytes: Uint8Array, at = 0): boolean {
  return ELF_MAGIC.every((byte, i) => bytes[at + i] === byte);
}

/** A reader for a file, or a part of one, of the given class and byte order. */
export function elfReader(bytes: Uint8Array, is64: boolean, littleEndian: boolean): ElfReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, is64, littleEndian, layout: is64 ? LAYOUT_64 : LAYOUT_32 };
}

/** A 16-bit field; the place must lie inside the bytes, as with the other two. */
export function readHalf(reader: ElfReader, at: number): number {
  return reader.view.getUint16(at, reader.littleEndian);
}

/** A 32-bit field. */
export function readWord(reader: ElfReader, at: number): number {
  return reader.view.getUint32(at, reader.littleEndian);
}

/**
 * An address, offset or size: 32 or 64 bits by class. Exact below 2^53; what is greater is rounded, and greater than
 * any file, so that a check against a length still holds.
 */
export function readAddress(reader: ElfReader, at: number): number {
  if (!reader.is64) return readWord(reader, at);
  const first = readWord(reader, at);
  const second = readWord(reader, at + 4);
  return reader.littleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second;
}
