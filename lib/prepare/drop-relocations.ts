import { FormatError } from "../btf/error.ts";
import { relocationsPlace } from "../core/btf-ext.ts";
import { type Elf, type ElfSection, findSection, rawSectionBytes } from "../elf/elf.ts";
import { SHF_COMPRESSED } from "../elf/format.ts";
import { readAddress } from "../elf/reader.ts";
import { isRelocationSection } from "../elf/relocations.ts";
import { setSectionSize } from "./section-header.ts";

/**
 * Takes the CO-RE relocations out of an object's `.BTF.ext`, in place: the header says that there are none, their bytes
 * become zeros, and the section ends before them where they are its last part, as compilers and linkers put them. ELF
 * relocations of the section that lie in what is gone go with it. `bytes` is a copy of the file that `elf` was read of.
 * @throws FormatError when `.BTF.ext` is damaged or compressed.
 */
export function dropRelocations(elf: Elf, bytes: Uint8Array): void {
  const section = findSection(elf, ".BTF.ext");
  if (section === undefined) return;
  if ((section.flags & SHF_COMPRESSED) !== 0) {
    const hint = "a compressed section, which cannot be changed in place: use objcopy --decompress-debug-sections";
    throw new FormatError("bad-elf", hint, { source: elf.source, section: section.name });
  }
  const contents = rawSectionBytes(elf, section);
  const place = contents.length === 0 ? null : relocationsPlace(contents, elf.source);
  if (place === null) return;
  const { from, length, lengthAt, littleEndian } = place;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(section.offset + lengthAt, 0, littleEndian);
  bytes.fill(0, section.offset + from, section.offset + from + length);
  if (from + length === contents.length) setSectionSize(elf, bytes, section, from);
  for (const relocations of elf.sections) {
    if (isRelocationSection(relocations) && relocations.info === section.index) {
      dropEntries(elf, bytes, relocations, from, from + length);
    }
  }
}

/** Moves the entries of a relocation section together that are not about [from, to) of its target. */
function dropEntries(elf: Elf, bytes: Uint8Array, section: ElfSection, from: number, to: number): void {
  const entry = section.entrySize;
  if (entry === 0) return;
  const source = rawSectionBytes(elf, section);
  let end = section.offset;
  for (let at = 0; at + entry <= source.length; at += entry) {
    const offset = readAddress(elf.reader, section.offset + at);
    if (offset >= from && offset < to) continue;
    bytes.set(source.subarray(at, at + entry), end);
    end += entry;
  }
  bytes.fill(0, end, section.offset + source.length);
  setSectionSize(elf, bytes, section, end - section.offset);
}
