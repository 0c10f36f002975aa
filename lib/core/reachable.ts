import { sectionBytes } from "../elf/section-bytes.ts";
import { codeReferences } from "./code-references.ts";
import { INSN_BYTES } from "./instruction.ts";
import { type CodeFunction, stepBudget, walkProgram } from "./known-walk.ts";
import { linkedPrograms } from "./linked-programs.ts";
import type { BpfObject } from "./object.ts";
import { patchInstruction } from "./patch.ts";
import type { ReloRecord } from "./resolve.ts";

/**
 * Of an object's records (all of them, from one target) those whose instruction no path of any program comes to, once
 * all values are in place: what stands behind an existence check that is 0. A verifier follows a jump one way where
 * both operands are numbers it knows, and leaves out what it never comes to (Linux kernel/bpf/verifier.c,
 * is_branch_taken, sanitize_dead_code), so such an instruction may be poisoned without harm.
 *
 * What this follows is less than a verifier does, so that what it calls unreachable is so for every verifier since
 * Linux 5.2, and errs to the other side: numbers of moves and simple arithmetic, in registers and whole slots of the
 * stack, through calls of static functions; values of maps, variables (even constant ones) and memory are unknown.
 * A global function counts as reached wherever it belongs to a program, since kernels before 6.8 check it apart.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function unreachableRecords(object: BpfObject, records: readonly ReloRecord[]): ReadonlySet<ReloRecord> {
  const functions = functionsOf(object, records);
  const reached = object.programs.map(({ size }) => new Uint8Array(Math.ceil(size / INSN_BYTES)));
  const touched = new Set(records.map(({ relocation }) => relocation.program));
  const budget = stepBudget();
  for (const linked of linkedPrograms(object)) {
    if (!linked.some((at) => touched.has(at))) continue;
    if (!walkProgram(functions, linked, reached, budget)) for (const at of linked) reached[at]?.fill(1);
  }
  return new Set(
    records.filter(({ relocation: { program, insnOffset } }) => {
      const slot = (insnOffset - (object.programs[program]?.offset ?? 0)) / INSN_BYTES;
      return reached[program]?.[slot] === 0;
    }),
  );
}

/** The code of all functions with the records' values in place. */
function functionsOf(object: BpfObject, records: readonly ReloRecord[]): CodeFunction[] {
  const references = codeReferences(object);
  const functions = object.programs.map(({ sectionIndex, offset, size, isGlobal }, i): CodeFunction => {
    const section = object.elf.sections[sectionIndex];
    const code = section === undefined ? new Uint8Array() : sectionBytes(object.elf, section);
    // Not slice(): a Buffer's is a view, and the file's bytes are the caller's.
    const own = new Uint8Array(code.subarray(offset, offset + size - (size % INSN_BYTES)));
    const slots = own.length / INSN_BYTES;
    const unknown = new Uint8Array(slots);
    return { code: own, unknown, isGlobal, references: references[i] ?? new Map(), littleEndian: object.littleEndian };
  });
  const slotOf = (program: number, insnOffset: number) =>
    (insnOffset - (object.programs[program]?.offset ?? 0)) / INSN_BYTES;
  // What has no record here is not known, and neither is what a poisoned instruction would have done.
  for (const { program, insnOffset } of object.relocations) {
    const home = functions[program];
    if (home !== undefined) home.unknown[slotOf(program, insnOffset)] = 1;
  }
  for (const { relocation, value } of records) {
    const home = functions[relocation.program];
    if (home === undefined || value === null) continue;
    const slot = slotOf(relocation.program, relocation.insnOffset);
    const at = slot * INSN_BYTES;
    const before = home.code.slice(at, at + 2 * INSN_BYTES);
    const outcome = patchInstruction(home.code, at, value, object.littleEndian);
    if (outcome === "patched") home.unknown[slot] = 0;
    else home.code.set(before, at);
  }
  return functions;
}
