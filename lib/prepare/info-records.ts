import type { InfoPart } from "../core/btf-ext.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfProgram } from "../core/object.ts";
import type { InfoRecords } from "./plan.ts";

/** The records of a function, as words; instruction offsets still count bytes of its section. Null for none. */
export function recordsOfFunction(
  part: InfoPart,
  sectionOf: (nameOffset: number) => number,
  { sectionIndex, offset, size }: BpfProgram,
): Uint32Array | null {
  const width = part.recordBytes / 4;
  // The first part about the section counts; others of its name are passed over (libbpf.c, adjust_prog_btf_ext_info).
  const home = part.sections.find(({ nameOffset }) => sectionOf(nameOffset) === sectionIndex);
  if (home === undefined) return null;
  let first = -1;
  let end = -1;
  for (let at = 0; at < home.words.length; at += width) {
    const insn = home.words[at] as number;
    if (insn < offset) continue;
    if (insn >= offset + size) break;
    if (first === -1) first = at;
    end = at + width;
  }
  return first === -1 ? null : home.words.subarray(first, end);
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
