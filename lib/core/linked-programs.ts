import { type ElfRelocations, isRelocationSection, readRelocations } from "../elf/relocations.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { readSymbols } from "../elf/symbols.ts";
import { INSN_BYTES, INSN_IMM, INSN_REGS, OP_CALL, OP_LDIMM64 } from "./instruction.ts";
import type { BpfObject } from "./object.ts";

/** The section whose functions are subprograms, which no loader loads by themselves. */
const LIBRARY = ".text";
/** In a call's source register: the target is another function, not a helper (linux/bpf.h, BPF_PSEUDO_CALL). */
const PSEUDO_CALL = 1;

/**
 * The programs of an object as a loader puts them together: for each function outside `.text` the indexes (into
 * `BpfObject.programs`) of itself and, ascending, of all functions it calls or points to, directly or not; then the
 * functions of `.text` that none of them needs, each by itself. A subprogram is part of every program that calls it.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function linkedPrograms(object: BpfObject): number[][] {
  const { programs } = object;
  const references = referencesOf(object);
  const linked = programs.flatMap(({ section }, i) => (section === LIBRARY ? [] : [reachable(references, i)]));
  const needed = new Set(linked.flat());
  programs.forEach((_, i) => {
    if (!needed.has(i)) linked.push([i]);
  });
  return linked;
}

function reachable(references: readonly ReadonlySet<number>[], from: number): number[] {
  const found = new Set([from]);
  for (const at of found) for (const next of references[at] ?? []) found.add(next);
  return [from, ...[...found].filter((at) => at !== from).sort((a, b) => a - b)];
}

/** For each function the functions it refers to: by a relocation against code, or by a call inside its section. */
function referencesOf(object: BpfObject): Set<number>[] {
  const { programs, elf } = object;
  const references = programs.map(() => new Set<number>());
  if (programs.length < 2) return references;
  const functionAt = functionLookup(object);
  const relocated = new Map<number, Map<number, { section: number; value: number }>>();
  for (const section of elf.sections) {
    if (!isRelocationSection(section)) continue;
    const relocations = readRelocations(elf, section);
    if (!programs.some(({ sectionIndex }) => sectionIndex === relocations.target)) continue;
    relocated.set(relocations.target, symbolsByOffset(object, relocations));
  }
  programs.forEach(({ sectionIndex, offset, size }, i) => {
    const section = elf.sections[sectionIndex];
    if (section === undefined) return;
    const code = sectionBytes(elf, section);
    const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
    const symbols = relocated.get(sectionIndex);
    for (let at = offset; at + INSN_BYTES <= Math.min(offset + size, code.length); at += INSN_BYTES) {
      const opcode = code[at] as number;
      if (opcode !== OP_CALL && opcode !== OP_LDIMM64) continue;
      const imm = view.getInt32(at + INSN_IMM, object.littleEndian);
      const symbol = symbols?.get(at);
      let target = -1;
      if (symbol !== undefined) {
        // A call counts in instructions from the next one; a function's address is in bytes.
        const within = opcode === OP_CALL ? (imm + 1) * INSN_BYTES : imm;
        target = functionAt(symbol.section, symbol.value + within);
      } else if (opcode === OP_CALL && sourceRegister(code[at + INSN_REGS] as number, object) === PSEUDO_CALL) {
        target = functionAt(sectionIndex, at + (imm + 1) * INSN_BYTES);
      }
      if (target !== -1) references[i]?.add(target);
      if (opcode === OP_LDIMM64) at += INSN_BYTES;
    }
  });
  return references;
}

function sourceRegister(registers: number, { littleEndian }: BpfObject): number {
  return littleEndian ? registers >>> 4 : registers & 0x0f;
}

function symbolsByOffset(
  { elf }: BpfObject,
  relocations: ElfRelocations,
): Map<number, { section: number; value: number }> {
  const table = readSymbols(elf, elf.sections[relocations.symbolTable]);
  const found = new Map<number, { section: number; value: number }>();
  for (let i = 0; i < relocations.count; i++) {
    const symbol = relocations.symbols[i] as number;
    if (symbol >= table.count) continue;
    const place = { section: table.sections[symbol] as number, value: table.values[symbol] as number };
    found.set(relocations.offsets[i] as number, place);
  }
  return found;
}

function functionLookup({ programs }: BpfObject): (section: number, offset: number) => number {
  const starts = new Map<string, number>();
  programs.forEach(({ sectionIndex, offset }, i) => {
    const key = `${sectionIndex} ${offset}`;
    if (!starts.has(key)) starts.set(key, i);
  });
  return (section, offset) => starts.get(`${section} ${offset}`) ?? -1;
}
