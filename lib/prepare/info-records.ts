import type { InfoPart } from "../core/btf-ext.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfProgram } from "../core/object.ts";
import type { InfoRecords } from "./plan.ts";

/** Records of func_info or line_info by the index of their ELF section, as words. */
export interface SectionRecords {
  readonly recordBytes: number;
  readonly bySection: ReadonlyMap<number, Uint32Array>;
}

/** Puts records in order by section. `sectionOf` gives a section's index by the place of its name in the object's BTF strings. */
export function recordsBySection(part: InfoPart, sectionOf: (nameOffset: number) => number): SectionRecords {
  const bySection = new Map<number, Uint32Array>();
  for (const { nameOffset, words } of part.sections) {
    const index = sectionOf(nameOffset);
    // The first part about a section counts; others of its name are passed over (libbpf.c, adjust_prog_btf_ext_info).
    if (!bySection.has(index)) bySection.set(index, words);
  }
  return { recordBytes: part.recordBytes, bySection };
}

/** The records of a function, as words; instruction offsets still count bytes of its section. Null for none. */
export function recordsOfFunction(
  { recordBytes, bySection }: SectionRecords,
  { sectionIndex, offset, size }: BpfProgram,
): Uint32Array | null {
  const width = recordBytes / 4;
  const words = bySection.get(sectionIndex);
  if (words === undefined) return null;
  let first = -1;
  let end = -1;
  for (let at = 0; at < words.length; at += width) {
    const insn = words[at] as number;
    if (insn < offset) continue;
    if (insn >= offset + size) break;
    if (first === -1) first = at;
    end = at + width;
  }
  return first === -1 ? null : words.subarray(first, end);
}

/** Collects the records of a program's parts, their places counted in instructions from the program's start. */
export function joinRecords(
  recordBytes: number,
  parts: readonly { readonly words: Uint32Array; readonly home: BpfProgram; readonly start: number }[],
): InfoRecords {
  const width = recordBytes / 4;
  const words = new Uint32Array(parts.reduce((sum, part) => sum + part.words.length, 0));
  let to = 0;
  for (const { words: source, home, start } of parts) {
    words.set(source, to);
    for (let at = to; at < to + source.length; at += width) {
      words[at] = ((words[at] as number) - home.offset) / INSN_BYTES + start;
    }
    to += source.length;
  }
  return { recordBytes, words };
}
