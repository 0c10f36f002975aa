/** Objects with their CO-RE relocations in another order: a loader strikes candidates in the order it meets them. */
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";

/** Offsets in `struct btf_ext_header`: header length, and where the CO-RE records are. */
const AT_HEADER_LENGTH = 4;
const AT_CORE_RELO = 24;
const HEADER_WITH_CORE_BYTES = 32;
const SECTION_HEADER_BYTES = 8;

/** A copy of a BPF object in which sections' CO-RE records, and the records in each, stand backwards. */
export function withRelocationsReversed(object: Uint8Array): Uint8Array {
  const copy = new Uint8Array(object);
  const elf = openElf(copy, "object");
  const ext = btfSectionsOf(elf).btfExt;
  if (ext === undefined) return copy;
  const view = new DataView(ext.buffer, ext.byteOffset, ext.byteLength);
  const u32 = (at: number) => view.getUint32(at, elf.littleEndian);
  if (u32(AT_HEADER_LENGTH) < HEADER_WITH_CORE_BYTES || u32(AT_CORE_RELO + 4) === 0) return copy;
  const from = u32(AT_HEADER_LENGTH) + u32(AT_CORE_RELO);
  const end = from + u32(AT_CORE_RELO + 4);
  const recordBytes = u32(from);
  const blocks: Uint8Array[] = [];
  for (let at = from + 4; at < end; ) {
    const count = u32(at + 4);
    const records = Array.from({ length: count }, (_, i) => {
      const start = at + SECTION_HEADER_BYTES + i * recordBytes;
      return ext.slice(start, start + recordBytes);
    });
    blocks.push(Buffer.concat([new Uint8Array(ext.slice(at, at + SECTION_HEADER_BYTES)), ...records.reverse()]));
    at += SECTION_HEADER_BYTES + count * recordBytes;
  }
  ext.set(Buffer.concat(blocks.reverse()), from + 4);
  return copy;
}
