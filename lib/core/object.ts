import { FormatError } from "../btf/error.ts";
import { parseBtf } from "../btf/parse.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, typeCount } from "../btf/view.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import { type Elf, type ElfSection, openElf } from "../elf/elf.ts";
import { EM_BPF, SHF_EXECINSTR, SHT_PROGBITS, STT_FUNC } from "../elf/format.ts";
import { readSymbols, symbolName, symbolType } from "../elf/symbols.ts";
import { type CoreRecord, parseRelocations } from "./btf-ext.ts";
import { INSN_BYTES } from "./instruction.ts";

/** Pointers of BPF code have 8 bytes, whatever the machine. */
const BPF_POINTER_BYTES = 8;

/** A function of a BPF object: a program, or a subprogram in `.text`. */
export interface BpfProgram {
  readonly name: string;
  readonly section: string;
  readonly sectionIndex: number;
  /** Position in its section and length, in bytes. */
  readonly offset: number;
  readonly size: number;
}

/** One CO-RE relocation of an object, with its references checked. */
export interface CoreRelocation {
  /** Position among the object's relocations, in the order a loader takes them. */
  readonly index: number;
  readonly kind: number;
  /** Root type in the object's BTF. */
  readonly typeId: number;
  readonly accessString: string;
  readonly section: string;
  /** Index into the ELF's sections; -1 when the object has no section of that name. */
  readonly sectionIndex: number;
  /** Byte offset of the instruction in its section. */
  readonly insnOffset: number;
  /** Index into `BpfObject.programs`; -1 when no function covers the instruction (an eliminated weak one). */
  readonly program: number;
}

/** A BPF ELF object, as far as CO-RE goes. */
export interface BpfObject {
  readonly source: string;
  readonly littleEndian: boolean;
  readonly elf: Elf;
  /** The object's own types; null when it has no `.BTF`. */
  readonly btf: Btf | null;
  readonly programs: readonly BpfProgram[];
  readonly relocations: readonly CoreRelocation[];
}

/**
 * Parses a BPF object. One without `.BTF`, `.BTF.ext` or relocations is fine: it has none to resolve.
 * @throws FormatError when the file is no BPF ELF object or is damaged.
 */
export function parseBpfObject(bytes: Uint8Array, source = "object"): BpfObject {
  const elf = openElf(bytes, source);
  if (elf.machine !== EM_BPF) {
    throw new FormatError("bad-elf", `not a BPF object: the ELF file is for machine ${elf.machine}, BPF is ${EM_BPF}`, {
      source,
    });
  }
  const programs = readPrograms(elf);
  const sections = btfSectionsOf(elf);
  const empty = { source, littleEndian: elf.littleEndian, elf, programs, relocations: [] };
  if (sections.btf === undefined) return { ...empty, btf: null };
  const btf = parseBtf(sections.btf, { source, pointerSize: BPF_POINTER_BYTES });
  if (sections.btfExt === undefined) return { ...empty, btf };
  const records = parseRelocations(sections.btfExt, source);
  return { ...empty, btf, relocations: checkRelocations(records, btf, elf, programs) };
}

function readPrograms(elf: Elf): BpfProgram[] {
  const symbols = readSymbols(elf);
  const programs: BpfProgram[] = [];
  for (let i = 0; i < symbols.count; i++) {
    const section = elf.sections[symbols.sections[i] as number];
    if (section === undefined || symbolType(symbols, i) !== STT_FUNC || !isCode(section)) continue;
    programs.push({
      name: symbolName(symbols, i),
      section: section.name,
      sectionIndex: section.index,
      offset: symbols.values[i] as number,
      size: symbols.sizes[i] as number,
    });
  }
  // A stable order by place, so that results do not depend on how the symbol table was sorted.
  return programs.sort((a, b) => a.sectionIndex - b.sectionIndex || a.offset - b.offset);
}

function isCode(section: ElfSection): boolean {
  return section.type === SHT_PROGBITS && (section.flags & SHF_EXECINSTR) !== 0;
}

function checkRelocations(
  records: readonly CoreRecord[],
  btf: Btf,
  elf: Elf,
  programs: readonly BpfProgram[],
): CoreRelocation[] {
  const fail = (detail: string, index: number): never => {
    throw new FormatError("bad-relocation", `CO-RE relocation ${index} ${detail}`, {
      source: elf.source,
      section: ".BTF.ext",
    });
  };
  return records.map((record, index) => {
    const { kind, typeId, insnOffset } = record;
    if (typeId === 0 || typeId >= typeCount(btf)) {
      fail(`has the root type ${typeId}, but the last one is ${typeCount(btf) - 1}`, index);
    }
    for (const offset of [record.accessOffset, record.sectionName]) {
      if (offset >= btf.strings.length) fail(`has a string at ${offset}, but they end at ${btf.strings.length}`, index);
    }
    if (insnOffset % INSN_BYTES !== 0) fail(`is at ${insnOffset}, not a multiple of ${INSN_BYTES}`, index);
    const section = stringAt(btf.strings, record.sectionName);
    const sectionIndex = elf.sections.find((candidate) => candidate.name === section && isCode(candidate))?.index ?? -1;
    const program = programs.findIndex(
      ({ sectionIndex: home, offset, size }) =>
        home === sectionIndex && insnOffset >= offset && insnOffset < offset + size,
    );
    const accessString = stringAt(btf.strings, record.accessOffset);
    return { index, kind, typeId, accessString, section, sectionIndex, insnOffset, program };
  });
}
