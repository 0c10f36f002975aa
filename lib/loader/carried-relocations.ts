import { parseRelocations } from "../core/btf-ext.ts";
import type { BpfObject, BpfProgram } from "../core/object.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import type { PlannedProgram } from "../prepare/plan.ts";

/** Words of a relocation as a kernel takes it: `struct bpf_core_relo`. */
export const RELOCATION_WORDS = 4;
const INSN_BYTES = 8;
const LIBRARY_SECTION = ".text";

/**
 * The relocations of a program and its subprograms as a kernel takes them (since 5.17) to apply them itself: records of
 * instruction (in bytes from the program's start), root type, access string and kind, one after the other. Types and
 * strings are those of the object's BTF, which stay where they are. Null where a subprogram cannot be told from another.
 * @throws FormatError when `.BTF.ext` is damaged.
 */
export function carriedRelocations(object: BpfObject, { parts, section, name }: PlannedProgram): number[] | null {
  const { btfExt } = btfSectionsOf(object.elf);
  if (btfExt === undefined || object.relocations.length === 0) return [];
  const records = parseRelocations(btfExt, object.source);
  const words: number[] = [];
  for (const { name: part, start, count } of parts) {
    const isWhole = start === 0;
    const homes = object.programs.flatMap((one, index) => (isPart(one, part, count) ? [index] : []));
    const own = homes.filter((index) => {
      const home = (object.programs[index] as BpfProgram).section;
      return isWhole ? part === name && home.replace(/^\?/, "") === section : home === LIBRARY_SECTION;
    });
    const [home] = own;
    if (home === undefined || own.length > 1) return null;
    const { offset } = object.programs[home] as BpfProgram;
    for (const { index, program, insnOffset, typeId, kind } of object.relocations) {
      if (program !== home) continue;
      const at = insnOffset - offset + start * INSN_BYTES;
      words.push(at, typeId, records[index]?.accessOffset ?? 0, kind);
    }
  }
  return words;
}

function isPart({ name, size }: BpfProgram, part: string, count: number): boolean {
  return name === part && size === count * INSN_BYTES;
}
