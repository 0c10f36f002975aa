import { FormatError } from "../btf/error.ts";
import type { ElfSection } from "../elf/elf.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { INSN_BYTES } from "./instruction.ts";
import type { BpfObject, BpfProgram } from "./object.ts";
import { type PatchFailure, type PatchOutcome, patchInstruction } from "./patch.ts";
import type { ReloRecord } from "./resolve.ts";

/** What became of one relocation of a program. */
export interface AppliedRelocation {
  /** Index into the object's relocations. */
  readonly relocation: number;
  /** The instruction, counted in 8-byte slots from the start of the program. */
  readonly insn: number;
  /** What was done to it, or why a loader refuses the object here. */
  readonly outcome: PatchOutcome | PatchFailure;
}

/** One program's code with its relocations applied. */
export interface AppliedProgram {
  readonly name: string;
  readonly section: string;
  /** The program's own code, a copy, in the object's byte order; subprograms are programs of their own here. */
  readonly instructions: Uint8Array;
  /** Its relocations, in the object's order. */
  readonly patched: readonly AppliedRelocation[];
}

/**
 * Applies the values of resolved records to copies of the programs' code; the object stays as it is. Programs come in
 * the order of `object.programs`. A record without a value (`ambiguous`, `error`) and one whose value does not fit its
 * instruction are listed as failures and change nothing. Relocations outside any program are passed over, as libbpf
 * does with those of an eliminated weak function (libbpf.c, bpf_object__relocate_core).
 * @throws FormatError when a program has no instructions.
 */
export function applyRecords(object: BpfObject, records: readonly ReloRecord[]): AppliedProgram[] {
  const codeOf = new Map<number, Uint8Array>();
  const programs = object.programs.map((program) => {
    let code = codeOf.get(program.sectionIndex);
    if (code === undefined) {
      code = sectionBytes(object.elf, object.elf.sections[program.sectionIndex] as ElfSection);
      codeOf.set(program.sectionIndex, code);
    }
    return { program, instructions: ownCode(object, program, code), patched: [] as AppliedRelocation[] };
  });
  for (const { relocation, value, reason } of records) {
    const home = programs[relocation.program];
    if (home === undefined) continue;
    const at = relocation.insnOffset - home.program.offset;
    const outcome =
      value === null
        ? { failure: reason ?? "the relocation has no value" }
        : patchInstruction(home.instructions, at, value, object.littleEndian);
    home.patched.push({ relocation: relocation.index, insn: at / INSN_BYTES, outcome });
  }
  return programs.map(({ program: { name, section }, instructions, patched }) => ({
    name,
    section,
    instructions,
    patched,
  }));
}

/** True for a relocation that could not be applied. */
export function isFailure(outcome: AppliedRelocation["outcome"]): outcome is PatchFailure {
  return typeof outcome === "object";
}

function ownCode(object: BpfObject, { name, section, offset, size }: BpfProgram, code: Uint8Array): Uint8Array {
  if (size === 0) {
    throw new FormatError("bad-instruction", `program ${name} has no instructions`, {
      source: object.source,
      section,
      offset,
    });
  }
  // Not slice(): a Buffer's is a view, and the file's bytes are the caller's.
  return new Uint8Array(code.subarray(offset, offset + size));
}
