/** Broken BPF objects: ELF header and section table, symbols, code, .BTF.ext, access strings, and the types inside. */
import { parseHeader } from "../../lib/btf/header.ts";
import { type Elf, type ElfSection, openElf, sectionHeaderAt } from "../../lib/elf/elf.ts";
import { SHF_EXECINSTR, SHT_SYMTAB } from "../../lib/elf/format.ts";
import { type Broken, type BtfSeed, breakBtf, btfSeed } from "./btf-mutator.ts";
import { oneOf, type Random } from "./random.ts";

/** A sound object to break. */
export interface ObjectSeed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly elf: Elf;
  readonly btf: ElfSection;
  readonly ext: ElfSection;
  readonly btfSeed: BtfSeed;
}

/** A seed from a sound object; undefined for one without .BTF or .BTF.ext. */
export function objectSeed(name: string, bytes: Uint8Array): ObjectSeed | undefined {
  const elf = openElf(bytes, name);
  const section = (wanted: string) => elf.sections.find((candidate) => candidate.name === wanted);
  const btf = section(".BTF");
  const ext = section(".BTF.ext");
  if (btf === undefined || ext === undefined) return undefined;
  return { name, bytes, elf, btf, ext, btfSeed: btfSeed(bytes.slice(btf.offset, btf.offset + btf.size)) };
}

type Mutation = (seed: ObjectSeed, bytes: Uint8Array, random: Random) => void;

const EXT_HEADER_BYTES = 32;
const RECORD_BYTES = 16;

function word(seed: ObjectSeed, bytes: Uint8Array, at: number, change: (old: number) => number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (at + 4 > bytes.length) return;
  view.setUint32(at, change(view.getUint32(at, seed.elf.littleEndian)) >>> 0, seed.elf.littleEndian);
}

/** Byte position of a field of some CO-RE relocation record: 0 instruction, 4 type, 8 access string, 12 kind. */
function relocationField(seed: ObjectSeed, bytes: Uint8Array, random: Random, field: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const part = seed.ext.offset + EXT_HEADER_BYTES + view.getUint32(seed.ext.offset + 24, seed.elf.littleEndian);
  const length = view.getUint32(seed.ext.offset + 28, seed.elf.littleEndian);
  // Behind the record size and the first section's header; further sections' headers put later records off by 8.
  const records = Math.max(1, Math.floor((length - 12) / RECORD_BYTES));
  return part + 12 + random(records) * RECORD_BYTES + field;
}

function codeOf({ elf }: ObjectSeed): ElfSection[] {
  return elf.sections.filter(({ flags, size }) => (flags & SHF_EXECINSTR) !== 0 && size > 0);
}

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  byte: (_seed, bytes, random) => {
    bytes[random(bytes.length)] = random(256);
  },
  elfHeader: (_seed, bytes, random) => {
    bytes[random(64)] = oneOf([0, 1, 2, 0x7f, 0x80, 0xff], random);
  },
  sectionHeader: (seed, bytes, random) => {
    const table = Number(new DataView(bytes.buffer).getBigUint64(40, seed.elf.littleEndian));
    const at = table + 4 * random(16 * seed.elf.sections.length);
    word(seed, bytes, at, (old) => oneOf([0, 1, old + 1, old - 8, old * 2, 0xffff_ffff, random(0x10000)], random));
  },
  codeSize: (seed, bytes, random) => {
    const code = codeOf(seed);
    if (code.length === 0) return;
    // Of the eight bytes those that a section of less than 4 GB has something in.
    const low = seed.elf.reader.layout.shSize + (seed.elf.littleEndian ? 0 : 4);
    word(seed, bytes, sectionHeaderAt(seed.elf, oneOf(code, random)) + low, (old) => old - random(9) * 8);
  },
  symbols: (seed, bytes, random) => {
    const table = seed.elf.sections.find(({ type }) => type === SHT_SYMTAB);
    if (table !== undefined && table.size > 0) bytes[table.offset + random(table.size)] = random(256);
  },
  code: (seed, bytes, random) => {
    const code = codeOf(seed);
    if (code.length === 0) return;
    const section = oneOf(code, random);
    bytes[section.offset + random(section.size)] = random(256);
  },
  ext: (seed, bytes, random) => {
    const at = seed.ext.offset + 4 * random(seed.ext.size / 4);
    word(seed, bytes, at, (old) => oneOf([0, old + 1, old - 1, old + 4, 0xffff_ffff, random(0x1_0000)], random));
  },
  extHeader: (seed, bytes, random) =>
    word(seed, bytes, seed.ext.offset + 4 * random(8), (old) => oneOf([0, old + 4, old - 4, 1 << 30], random)),
  kind: (seed, bytes, random) => word(seed, bytes, relocationField(seed, bytes, random, 12), () => random(14)),
  root: (seed, bytes, random) => {
    const root = oneOf(seed.btfSeed.favourites, random);
    word(seed, bytes, relocationField(seed, bytes, random, 4), () => root);
  },
  instruction: (seed, bytes, random) =>
    word(seed, bytes, relocationField(seed, bytes, random, 0), (old) => old + 8 * (random(9) - 4)),
  access: (seed, bytes, random) => {
    const { stringLength } = parseHeader(seed.btfSeed.bytes, seed.name);
    word(seed, bytes, relocationField(seed, bytes, random, 8), (old) =>
      random(3) === 0 ? random(stringLength) : old + random(3) - 1,
    );
  },
  digits: (seed, bytes, random) => {
    // Access strings are the digits and colons among the strings.
    const header = parseHeader(seed.btfSeed.bytes, seed.name);
    const from = seed.btf.offset + header.headerLength + header.stringOffset;
    for (let attempt = 0; attempt < 200; attempt++) {
      const at = from + random(header.stringLength);
      const byte = bytes[at] ?? 0;
      if (byte < 0x30 || byte > 0x3a || bytes[at + 1] === undefined) continue;
      bytes[at] = oneOf([0x30, 0x31, 0x33, 0x39, 0x3a, 0x2d, 0x30 + random(10)], random);
      return;
    }
  },
  types: (seed, bytes, random) => {
    bytes.set(breakBtf(seed.btfSeed, random).bytes, seed.btf.offset);
  },
};

const RARE = new Set(["byte", "elfHeader", "sectionHeader", "extHeader", "ext", "codeSize"]);
const WEIGHTED = Object.keys(MUTATIONS).flatMap((name) => (RARE.has(name) ? [name] : [name, name, name]));

/** Breaks a copy of an object, in one to four ways; sometimes it is cut short as well. */
export function breakObject(seed: ObjectSeed, random: Random): Broken {
  const bytes = new Uint8Array(seed.bytes);
  const done: string[] = [];
  for (let times = 1 + random(4); times > 0; times--) {
    const name = oneOf(WEIGHTED, random);
    (MUTATIONS[name] as Mutation)(seed, bytes, random);
    done.push(name);
  }
  if (random(60) !== 0) return { bytes, done };
  return { bytes: bytes.slice(0, random(bytes.length)), done: [...done, "cut"] };
}
