import { inflateSync } from "node:zlib";
import { FormatError } from "../btf/error.ts";
import { type Elf, type ElfSection, rawSectionBytes } from "./elf.ts";
import { ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD, SHF_COMPRESSED, SHT_NOBITS } from "./format.ts";
import { elfReader, readAddress, readWord } from "./reader.ts";

/** The longest run of bytes that one byte of deflate can stand for; a size beyond it is a lie. */
const DEFLATE_RATIO = 1032;
/** No section this library reads is greater; bounds the memory of a hostile file. */
const MAX_INFLATED_BYTES = 1 << 29;

/**
 * A section's contents: a view of the file without a copy, or the inflated bytes of an SHF_COMPRESSED section (zlib).
 * @throws FormatError (truncated, bad-elf, too-large); zstd-compressed sections are refused as bad-elf.
 */
export function sectionBytes(elf: Elf, section: ElfSection): Uint8Array {
  const raw = rawSectionBytes(elf, section);
  if ((section.flags & SHF_COMPRESSED) === 0 || section.type === SHT_NOBITS) return raw;
  const place = { source: elf.source, section: section.name || `section ${section.index}`, offset: 0 };
  const { layout } = elf.reader;
  if (raw.length < layout.compressionBytes) {
    const hint = `compressed section of ${raw.length} bytes, but its header takes ${layout.compressionBytes}`;
    throw new FormatError("truncated", hint, place);
  }
  const reader = elfReader(raw, elf.is64, elf.littleEndian);
  const algorithm = readWord(reader, 0);
  if (algorithm !== ELFCOMPRESS_ZLIB) {
    const which = algorithm === ELFCOMPRESS_ZSTD ? "zstd" : `algorithm ${algorithm}`;
    const hint = `compressed with ${which}, only zlib is read here: decompress it with objcopy --decompress-debug-sections`;
    throw new FormatError("bad-elf", hint, place);
  }
  const size = readAddress(reader, layout.chSize);
  const packed = raw.subarray(layout.compressionBytes);
  if (size > MAX_INFLATED_BYTES || size > packed.length * DEFLATE_RATIO) {
    const hint = `${packed.length} compressed bytes claim to be ${size}`;
    throw new FormatError("too-large", hint, { ...place, offset: layout.chSize });
  }
  return inflate(packed, size, place);
}

function inflate(packed: Uint8Array, size: number, place: { source: string; section: string; offset: number }) {
  // zlib wants room for at least one byte.
  const options = { maxOutputLength: Math.max(1, size) };
  let result: Uint8Array;
  try {
    result = inflateSync(packed, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError("bad-elf", `the compressed section does not inflate to its ${size} bytes: ${reason}`, place);
  }
  if (result.length !== size) {
    const hint = `the compressed section inflates to ${result.length} bytes, its header says ${size}`;
    throw new FormatError("bad-elf", hint, place);
  }
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
}
