/**
 * BPF objects for tests, written field by field: BTF rows as in ../btf/records.ts, instructions, relocations. What a
 * compiler would never write can be had as well.
 */
import { assembleBtf } from "../../lib/btf/encode.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { EM_BPF, SHF_EXECINSTR, SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB } from "../../lib/elf/format.ts";
import type { Row } from "../btf/records.ts";

/** One instruction; registers are 0. */
export interface Insn {
  readonly code: number;
  readonly off?: number;
  readonly imm?: number;
  readonly src?: number;
}

/** One relocation, on an instruction of its program. */
export interface Relo {
  readonly kind: number;
  readonly typeId: number;
  readonly access: string;
  /** Slot in the program; 0 by default. */
  readonly insn?: number;
}

/** A program; programs with one section's name follow each other in it. */
export interface Program {
  readonly name: string;
  readonly section?: string;
  readonly insns: readonly Insn[];
  readonly relos: readonly Relo[];
}

/** An object's parts. */
export interface ObjectParts {
  readonly rows: readonly Row[];
  readonly programs: readonly Program[];
  readonly littleEndian?: boolean;
  /**
   * Empty func_info and line_info in .BTF.ext, without which cilium/ebpf reads none of it. libbpf takes them for a
   * mistake, and then it is libbpf that reads none.
   */
  readonly codeInfo?: true;
}

/** `r0 = imm`, a load, an exit, ...: the opcodes tests use. */
export const MOV_K: Insn = { code: 0xb7 };
export const LDX_W: Insn = { code: 0x61 };
export const EXIT: Insn = { code: 0x95 };

const DEFAULT_SECTION = "socket";
const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const INSN_BYTES = 8;
const STB_GLOBAL_STT_FUNC = 0x12;
const CORE_RECORD_BYTES = 16;
const FUNC_RECORD_BYTES = 8;
const LINE_RECORD_BYTES = 16;
const EXT_HEADER_BYTES = 32;

/** Strings, each once, by their offset. */
class StringTable {
  private readonly offsets = new Map<string, number>([["", 0]]);
  private text = "\0";

  add(value: string): number {
    let offset = this.offsets.get(value);
    if (offset === undefined) {
      offset = Buffer.byteLength(this.text, "utf8");
      this.offsets.set(value, offset);
      this.text += `${value}\0`;
    }
    return offset;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.from(this.text, "utf8"));
  }
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/** {@link objectBytes}, parsed. */
export function buildObject(parts: ObjectParts): BpfObject {
  return parseBpfObject(objectBytes(parts), "built");
}

/** An ELF file of the parts. */
export function objectBytes({ rows, programs, littleEndian = true, codeInfo }: ObjectParts): Uint8Array {
  const strings = new StringTable();
  const words = rows.flat().map((word) => (typeof word === "string" ? strings.add(word) : word));
  const names = [...new Set(programs.map(sectionOf))];
  const placed = names.map((name) => placePrograms(programs.filter((program) => sectionOf(program) === name)));
  const code = names.map((name, i): Section => {
    const insns = (placed[i] ?? []).flatMap(({ program }) => program.insns);
    return { name, type: SHT_PROGBITS, flags: SHF_EXECINSTR | 2, bytes: encodeInsns(insns, littleEndian) };
  });
  const ext = coreRelocations(names, placed, strings, littleEndian, codeInfo === true);
  const btf = assembleBtf({ words: Uint32Array.from(words), strings: strings.bytes(), littleEndian });
  const symbolNames = new StringTable();
  const symbols = placed.flatMap((list, i) =>
    list.map(({ program, at }) => ({
      name: symbolNames.add(program.name),
      section: i + 1,
      at,
      size: program.insns.length * INSN_BYTES,
    })),
  );
  const stringSection = code.length + 4;
  const sections: Section[] = [
    ...code,
    { name: ".BTF", type: SHT_PROGBITS, flags: 0, bytes: btf },
    { name: ".BTF.ext", type: SHT_PROGBITS, flags: 0, bytes: ext },
    {
      name: ".symtab",
      type: SHT_SYMTAB,
      flags: 0,
      bytes: encodeSymbols(symbols, littleEndian),
      link: stringSection,
      info: 1,
      entrySize: SYMBOL_BYTES,
    },
    { name: ".strtab", type: SHT_STRTAB, flags: 0, bytes: symbolNames.bytes() },
  ];
  return encodeElf(sections, littleEndian);
}

/** Instructions as bytes. */
export function encodeInsns(insns: readonly Insn[], littleEndian = true): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_BYTES);
  const view = new DataView(bytes.buffer);
  insns.forEach(({ code, off = 0, imm = 0, src = 0 }, i) => {
    const at = i * INSN_BYTES;
    bytes[at] = code;
    bytes[at + 1] = littleEndian ? src << 4 : src;
    view.setInt16(at + 2, off, littleEndian);
    view.setInt32(at + 4, imm, littleEndian);
  });
  return bytes;
}

const sectionOf = ({ section }: Program): string => section ?? DEFAULT_SECTION;

interface Placed {
  readonly program: Program;
  readonly at: number;
}

function placePrograms(programs: readonly Program[]): Placed[] {
  let at = 0;
  return programs.map((program) => {
    const placed = { program, at };
    at += program.insns.length * INSN_BYTES;
    return placed;
  });
}

function coreRelocations(
  names: readonly string[],
  placed: readonly (readonly Placed[])[],
  strings: StringTable,
  littleEndian: boolean,
  codeInfo = false,
): Uint8Array {
  const words = placed.flatMap((list, i) => {
    const records = list.flatMap(({ program, at }) =>
      program.relos.map(({ kind, typeId, access, insn = 0 }) => [
        at + insn * INSN_BYTES,
        typeId,
        strings.add(access),
        kind,
      ]),
    );
    return records.length === 0 ? [] : [strings.add(names[i] ?? ""), records.length, ...records.flat()];
  });
  const core = words.length === 0 ? [] : [CORE_RECORD_BYTES, ...words];
  const info = codeInfo ? [FUNC_RECORD_BYTES, LINE_RECORD_BYTES] : [];
  const body = [...info, ...core];
  const bytes = new Uint8Array(EXT_HEADER_BYTES + body.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, littleEndian);
  view.setUint8(2, 1);
  const infoHeader = codeInfo ? [0, 4, 4, 4, 8] : [0, 0, 0, 0, 0];
  const header = [EXT_HEADER_BYTES, ...infoHeader, core.length * 4];
  [...header, ...body].forEach((word, i) => {
    view.setUint32(4 + i * 4, word, littleEndian);
  });
  return bytes;
}

function encodeSymbols(
  symbols: readonly { name: number; section: number; at: number; size: number }[],
  littleEndian: boolean,
): Uint8Array {
  const bytes = new Uint8Array((symbols.length + 1) * SYMBOL_BYTES);
  const view = new DataView(bytes.buffer);
  symbols.forEach(({ name, section, at, size }, i) => {
    const from = (i + 1) * SYMBOL_BYTES;
    view.setUint32(from, name, littleEndian);
    view.setUint8(from + 4, STB_GLOBAL_STT_FUNC);
    view.setUint16(from + 6, section, littleEndian);
    view.setBigUint64(from + 8, BigInt(at), littleEndian);
    view.setBigUint64(from + 16, BigInt(size), littleEndian);
  });
  return bytes;
}

function encodeElf(parts: readonly Section[], littleEndian: boolean): Uint8Array {
  const names = new StringTable();
  const nameSection = { name: ".shstrtab", type: SHT_STRTAB, flags: 0 };
  for (const { name } of [...parts, nameSection]) names.add(name);
  const sections: Section[] = [...parts, { ...nameSection, bytes: names.bytes() }];
  const table = HEADER_BYTES + sections.reduce((sum, { bytes }) => sum + padded(bytes.length), 0);
  const file = new Uint8Array(table + (sections.length + 1) * SECTION_BYTES);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  const half = (at: number, value: number) => view.setUint16(at, value, littleEndian);
  const word = (at: number, value: number) => view.setUint32(at, value, littleEndian);
  const long = (at: number, value: number) => view.setBigUint64(at, BigInt(value), littleEndian);
  half(16, 1);
  half(18, EM_BPF);
  word(20, 1);
  long(40, table);
  half(52, HEADER_BYTES);
  half(58, SECTION_BYTES);
  half(60, sections.length + 1);
  half(62, sections.length);
  let offset = HEADER_BYTES;
  sections.forEach(({ name, type, flags, bytes, link = 0, info = 0, entrySize = 0 }, i) => {
    file.set(bytes, offset);
    const at = table + (i + 1) * SECTION_BYTES;
    word(at, names.add(name));
    word(at + 4, type);
    long(at + 8, flags);
    long(at + 24, offset);
    long(at + 32, bytes.length);
    word(at + 40, link);
    word(at + 44, info);
    long(at + 48, 8);
    long(at + 56, entrySize);
    offset += padded(bytes.length);
  });
  return file;
}

const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;
