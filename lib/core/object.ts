import { FormatError } from "../btf/error.ts";
import { parseBtf } from "../btf/parse.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, typeCount } from "../btf/view.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import { type Elf, type ElfSection, openElf } from "../elf/elf.ts";
import {
  EM_BPF,
  EM_NONE,
  ET_REL,
  SHF_EXECINSTR,
  SHT_PROGBITS,
  STB_LOCAL,
  STT_FUNC,
  STV_HIDDEN,
  STV_INTERNAL,
} from "../elf/format.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { type ElfSymbols, readSymbols, symbolBind, symbolName, symbolType, symbolVisibility } from "../elf/symbols.ts";
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
  /** False for a static function and a hidden one, which are checked as part of those that call them. */
  readonly isGlobal: boolean;
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
  const fault = headerFault(elf);
  if (fault !== null) throw new FormatError("bad-elf", `not a BPF object: the ELF file is ${fault}`, { source });
  const programs = readPrograms(elf);
  const sections = btfSectionsOf(elf);
  const empty = { source, littleEndian: elf.littleEndian, elf, programs, relocations: [] };
  if (sections.btf === undefined) return { ...empty, btf: null };
  const btf = parseBtf(sections.btf, { source, pointerSize: BPF_POINTER_BYTES });
  if (sections.btfExt === undefined) return { ...empty, btf };
  const records = parseRelocations(sections.btfExt, source);
  return { ...empty, btf, relocations: checkRelocations(records, btf, elf, programs) };
}

/** What loaders want of the header (libbpf.c, bpf_object__elf_init). */
function headerFault({ machine, is64, type }: Elf): string | null {
  if (machine !== EM_BPF && machine !== EM_NONE) return `for machine ${machine}, BPF is ${EM_BPF}`;
  if (!is64) return "of 32 bits, objects are of 64";
  return type === ET_REL ? null : `of type ${type}, objects are of type ${ET_REL} (relocatable)`;
}

/** Of all functions together; a hundred thousand may share one name of a megabyte. */
const MAX_NAME_LENGTH = 1 << 24;

function readPrograms(elf: Elf): BpfProgram[] {
  const symbols = readSymbols(elf);
  const programs: BpfProgram[] = [];
  const codeLengths = new Map<ElfSection, number>();
  let nameLength = 0;
  for (let i = 0; i < symbols.count; i++) {
    const section = elf.sections[symbols.sections[i] as number];
    if (section === undefined || symbolType(symbols, i) !== STT_FUNC || !isCode(section)) continue;
    const name = symbolName(symbols, i);
    nameLength += name.length;
    if (nameLength > MAX_NAME_LENGTH) {
      const hint = `functions' names of more than ${MAX_NAME_LENGTH} characters together`;
      throw new FormatError("too-large", hint, { source: elf.source, section: ".symtab" });
    }
    const program = {
      name,
      section: section.name,
      sectionIndex: section.index,
      offset: symbols.values[i] as number,
      size: symbols.sizes[i] as number,
      isGlobal: symbolBind(symbols, i) !== STB_LOCAL && !isHidden(symbols, i),
    };
    const codeLength = codeLengths.get(section) ?? sectionBytes(elf, section).length;
    codeLengths.set(section, codeLength);
    checkPlace(program, codeLength, elf.source);
    programs.push(program);
  }
  // A stable order by place, so that results do not depend on how the symbol table was sorted.
  return programs.sort((a, b) => a.sectionIndex - b.sectionIndex || a.offset - b.offset);
}

/** libbpf opens no object with such a program either (libbpf.c, bpf_object__add_programs, bpf_object__init_prog). */
function checkPlace({ name, section, offset, size }: BpfProgram, codeLength: number, source: string): void {
  if (size % INSN_BYTES === 0 && offset % INSN_BYTES === 0 && offset + size <= codeLength) return;
  const detail = `program ${name} is at ${offset} + ${size}, which is no run of instructions in ${codeLength} bytes`;
  throw new FormatError("bad-instruction", detail, { source, section, offset });
}

/** As libbpf has it, which makes such a function static (libbpf.c, bpf_object__add_programs). */
function isHidden(symbols: ElfSymbols, i: number): boolean {
  const visibility = symbolVisibility(symbols, i);
  return visibility === STV_HIDDEN || visibility === STV_INTERNAL;
}

/** True for a section of instructions, perhaps of none. */
export function isCode(section: ElfSection): boolean {
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
  const sectionOf = sectionLookup(btf, elf, programs);
  const accessStrings = new Map<number, string>();
  return records.map((record, index) => {
    const { kind, typeId, insnOffset } = record;
    if (typeId === 0 || typeId >= typeCount(btf)) {
      fail(`has the root type ${typeId}, but the last one is ${typeCount(btf) - 1}`, index);
    }
    for (const offset of [record.accessOffset, record.sectionName]) {
      if (offset >= btf.strings.length) fail(`has a string at ${offset}, but they end at ${btf.strings.length}`, index);
    }
    if (insnOffset % INSN_BYTES !== 0) fail(`is at ${insnOffset}, not a multiple of ${INSN_BYTES}`, index);
    let accessString = accessStrings.get(record.accessOffset);
    if (accessString === undefined) {
      accessString = shortString(btf, record.accessOffset);
      accessStrings.set(record.accessOffset, accessString);
    }
    const { section, sectionIndex, functions } = sectionOf(record.sectionName);
    const program = functionAt(functions, insnOffset);
    return { index, kind, typeId, accessString, section, sectionIndex, insnOffset, program };
  });
}

/** No name of a section is longer, and no access string of 64 elements; what is, is cut, and fits nothing. */
const MAX_STRING_BYTES = 1024;

function shortString(btf: Btf, offset: number): string {
  return stringAt(btf.strings.subarray(offset, offset + MAX_STRING_BYTES), 0);
}

/** The functions of one section by ascending offset, in columns. */
interface Functions {
  /** Index into `BpfObject.programs` of the first; the others follow. */
  readonly first: number;
  readonly offsets: readonly number[];
  /** The greatest end of this function and those before it. */
  readonly ends: readonly number[];
}

interface HomeSection {
  readonly section: string;
  readonly sectionIndex: number;
  readonly functions: Functions;
}

/** Finds a relocation's section by name, each name once: thousands of relocations share a few sections. */
function sectionLookup(btf: Btf, elf: Elf, programs: readonly BpfProgram[]): (nameOffset: number) => HomeSection {
  const indexOf = new Map<string, number>();
  // The first of its name counts.
  for (const section of elf.sections) {
    if (isCode(section) && !indexOf.has(section.name)) indexOf.set(section.name, section.index);
  }
  const bySection = functionsBySection(programs);
  const known = new Map<number, HomeSection>();
  return (nameOffset) => {
    let home = known.get(nameOffset);
    if (home === undefined) {
      const section = shortString(btf, nameOffset);
      const sectionIndex = indexOf.get(section) ?? -1;
      home = { section, sectionIndex, functions: bySection.get(sectionIndex) ?? NO_FUNCTIONS };
      known.set(nameOffset, home);
    }
    return home;
  };
}

const NO_FUNCTIONS: Functions = { first: 0, offsets: [], ends: [] };

function functionsBySection(programs: readonly BpfProgram[]): Map<number, Functions> {
  const bySection = new Map<number, { first: number; offsets: number[]; ends: number[] }>();
  programs.forEach(({ sectionIndex, offset, size }, i) => {
    let functions = bySection.get(sectionIndex);
    if (functions === undefined) {
      functions = { first: i, offsets: [], ends: [] };
      bySection.set(sectionIndex, functions);
    }
    functions.offsets.push(offset);
    functions.ends.push(Math.max(offset + size, functions.ends.at(-1) ?? 0));
  });
  return bySection;
}

/** The first function that covers an offset, as an index into `BpfObject.programs`; -1 for none. */
function functionAt({ first, offsets, ends }: Functions, offset: number): number {
  // Ends ascend: the first greater one is that of the first function which goes on behind the offset.
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > offset) high = middle;
    else low = middle + 1;
  }
  return low < ends.length && (offsets[low] as number) <= offset ? first + low : -1;
}
