import { type Elf, type ElfSection, sectionHeaderAt } from "../elf/elf.ts";

/** Writes a section's size into a copy of its file. The section must become smaller, not greater. */
export function setSectionSize(elf: Elf, bytes: Uint8Array, section: ElfSection, size: number): void {
  const { layout, is64, littleEndian } = elf.reader;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = sectionHeaderAt(elf, section) + layout.shSize;
  if (is64) view.setBigUint64(at, BigInt(size), littleEndian);
  else view.setUint32(at, size, littleEndian);
}
