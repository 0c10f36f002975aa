import { type ElfRelocations, isRelocationSection, readRelocations } from "../elf/relocations.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { type ElfSymbols, readSymbols } from "../elf/symbols.ts";
import { INSN_BYTES, INSN_IMM, INSN_REGS, OP_CALL, OP_LDIMM64, PSEUDO_CALL } from "./instruction.ts";
import type { BpfObject } from "./object.ts";

/** What an instruction refers to besides its numbers: an index into `BpfObject.programs`, or ELSEWHERE. */
export type CodeReference = number;
/** A map, a variable, a kernel's symbol: the loader puts its address there, whatever the immediate says. */
export const ELSEWHERE: CodeReference = -1;

/**
 * For each function of an object, by slot (8 bytes, from the function's start), what its calls and 64-bit immediates
 * refer to: by a relocation of the ELF file, or by a call inside their section. Helpers and plain numbers are left out.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function codeReferences(object: BpfObject): Map<number, CodeReference>[] {
  const { programs, elf } = object;
  const references = programs.map(() => new Map<number, CodeReference>());
  const functionAt = functionLookup(object);
  const relocated = new Map<number, Map<number, { section: number; value: number }>>();
  const tables = new Map<number, ElfSymbols>();
  const homes = new Set(programs.map(({ sectionIndex }) => sectionIndex));
  for (const section of elf.sections) {
    if (!isRelocationSection(section) || !homes.has(section.info)) continue;
    const relocations = readRelocations(elf, section);
    let table = tables.get(relocations.symbolTable);
    table ??= readSymbols(elf, elf.sections[relocations.symbolTable]);
    tables.set(relocations.symbolTable, table);
    relocated.set(relocations.target, symbolsByOffset(table, relocations));
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
      const slot = (at - offset) / INSN_BYTES;
      const imm = view.getInt32(at + INSN_IMM, object.littleEndian);
      const symbol = symbols?.get(at);
      if (symbol !== undefined) {
        // A call counts in instructions from the next one; a function's address is in bytes.
        const within = opcode === OP_CALL ? (imm + 1) * INSN_BYTES : imm;
        references[i]?.set(slot, functionAt(symbol.section, symbol.value + within));
      } else if (opcode === OP_CALL && sourceRegister(code[at + INSN_REGS] as number, object) === PSEUDO_CALL) {
        references[i]?.set(slot, functionAt(sectionIndex, at + (imm + 1) * INSN_BYTES));
      }
      if (opcode === OP_LDIMM64) at += INSN_BYTES;
    }
  });
  return references;
}

function sourceRegister(registers: number, { littleEndian }: BpfObject): number {
  return littleEndian ? registers >>> 4 : registers & 0x0f;
}

function symbolsByOffset(
  table: ElfSymbols,
  relocations: ElfRelocations,
): Map<number, { section: number; value: number }> {
  const found = new Map<number, { section: number; value: number }>();
  for (let i = 0; i < relocations.count; i++) {
    const symbol = relocations.symbols[i] as number;
    if (symbol >= table.count) continue;
    const place = { section: table.sections[symbol] as number, value: table.values[symbol] as number };
    found.set(relocations.offsets[i] as number, place);
  }
  return found;
}

function functionLookup({ programs }: BpfObject): (section: number, offset: number) => CodeReference {
  const starts = new Map<string, number>();
  programs.forEach(({ sectionIndex, offset }, i) => {
    const key = `${sectionIndex} ${offset}`;
    if (!starts.has(key)) starts.set(key, i);
  });
  return (section, offset) => starts.get(`${section} ${offset}`) ?? ELSEWHERE;
}
