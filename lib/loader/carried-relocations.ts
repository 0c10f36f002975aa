import { parseRelocations } from "../core/btf-ext.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import type { PlannedProgram } from "../prepare/plan.ts";

/** Words of a relocation as a kernel takes it: `struct bpf_core_relo`. */
export const RELOCATION_WORDS = 4;

/** The relocations of a function, RELOCATION_WORDS each; instructions in bytes from the function's start. By its index. */
export type CarriedRelocations = ReadonlyMap<number, readonly number[]>;

/**
 * The relocations of an object's functions as a kernel takes them (since 5.17) to apply them itself: records of
 * instruction, root type, access string and kind, one after the other. Types and strings are those of the object's BTF,
 * which stay where they are.
 * @throws FormatError when `.BTF.ext` is damaged.
 */
export function carriedRelocations(object: BpfObject): CarriedRelocations {
  const carried = new Map<number, number[]>();
  const { btfExt } = btfSectionsOf(object.elf);
  if (btfExt === undefined || object.relocations.length === 0) return carried;
  const records = parseRelocations(btfExt, object.source);
  for (const { index, program, insnOffset, typeId, kind } of object.relocations) {
    const home = object.programs[program];
    if (home === undefined) continue;
    const words = carried.get(program) ?? [];
    words.push(insnOffset - home.offset, typeId, records[index]?.accessOffset ?? 0, kind);
    carried.set(program, words);
  }
  return carried;
}

/** Those of a program and its subprograms, counted in bytes from the program's start. */
export function relocationsOfProgram(carried: CarriedRelocations, { parts }: PlannedProgram): number[] {
  return parts.flatMap(({ index, start }) =>
    (carried.get(index) ?? []).map((word, i) => (i % RELOCATION_WORDS === 0 ? word + start * INSN_BYTES : word)),
  );
}
