import { parseRelocations } from "../core/btf-ext.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import type { PlannedProgram } from "../prepare/plan.ts";

/** Words of a relocation as a kernel takes it: `struct bpf_core_relo`. */
export const RELOCATION_WORDS = 4;

/**
 * The relocations of a program and its subprograms as a kernel takes them (since 5.17) to apply them itself: records of
 * instruction (in bytes from the program's start), root type, access string and kind, one after the other. Types and
 * strings are those of the object's BTF, which stay where they are.
 * @throws FormatError when `.BTF.ext` is damaged.
 */
export function carriedRelocations(object: BpfObject, { parts }: PlannedProgram): number[] {
  const { btfExt } = btfSectionsOf(object.elf);
  if (btfExt === undefined || object.relocations.length === 0) return [];
  const records = parseRelocations(btfExt, object.source);
  return parts.flatMap(({ index: home, start }) => {
    const offset = object.programs[home]?.offset ?? 0;
    return object.relocations.flatMap(({ index, program, insnOffset, typeId, kind }) => {
      if (program !== home) return [];
      return [insnOffset - offset + start * INSN_BYTES, typeId, records[index]?.accessOffset ?? 0, kind];
    });
  });
}
