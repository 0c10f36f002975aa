import { FormatError } from "../btf/error.ts";
import { HASH_PRIME, HASH_SEED } from "../btf/hash.ts";
import { equalBytes } from "../btf/strings.ts";
import {
  AT_MACHINE,
  AT_TYPE,
  AT_VERSION,
  EI_CLASS,
  EI_DATA,
  EI_VERSION,
  ELF_MAGIC,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EM_BPF,
  EM_NONE,
  ET_REL,
  EV_CURRENT,
  LAYOUT_64,
  SH_NAME,
  SH_TYPE,
  SHF_EXECINSTR,
  SHN_LORESERVE,
  SHT_NOBITS,
  SHT_NULL,
  SHT_STRTAB,
} from "./format.ts";
import { containerNames, sourceNameOf } from "./object-name.ts";
import { type ElfReader, elfReader, looksLikeElf, readAddress, readHalf, readWord } from "./reader.ts";

/** A BPF ELF object and where it was found. */
export interface EmbeddedObject {
  /** The file's name for a file that is a BPF object, else `file#object`; unique in its file. */
  readonly name: string;
  /** The file it lies in. */
  readonly source: string;
  /** Byte offset in that file; 0 for a file that is an object itself. */
  readonly offset: number;
  /** The object's bytes: a view of the file, no copy. */
  readonly bytes: Uint8Array;
}

/** More objects than any program embeds; a bound for the comparison of each with the others. */
const MAX_OBJECTS = 4096;
/** Bytes of an ELF64 section header: what one takes at least of the file. */
const SECTION_BYTES = LAYOUT_64.sectionBytes;

/**
 * Finds the BPF objects in a file: the file itself when it is one, else every BPF ELF object (ELF64, either byte
 * order) that lies anywhere in it, at any alignment, in order of their offsets. That is how libbpf skeletons, Go's
 * embed and Rust's include_bytes keep them. An object inside another one's sections is part of that one and not found
 * again; of equal objects the first is kept. A file without any gives an empty list; nothing is decompressed.
 *
 * Names are `file#object`. The object's part is the first of these that exists:
 * 1. the object's own source file without directories and suffix: its STT_FILE symbol, or the first file of its line
 *    information that is no header;
 * 2. the symbol of the containing ELF file that points at the object, without the prefixes and suffixes of the tools
 *    that make such symbols;
 * 3. the containing file's base name where it has this object alone, else `bpf<n>`, counted from 0.
 * A name that was given before gets `.1`, `.2`, ...
 * @throws FormatError (too-large) for a file made of more false headers, or more objects, than a real one can have.
 */
export function findBpfObjects(bytes: Uint8Array, source: string): EmbeddedObject[] {
  if (isBpfElf(bytes)) return [{ name: source, source, offset: 0, bytes }];
  const found = distinct(scanForObjects(bytes, source));
  return nameObjects(bytes, source, found);
}

/**
 * True for an ELF file, of either class and byte order, whose machine is BPF, also where parseBpfObject refuses it; and for
 * one of no machine, as old LLVM made objects, where the rest of the header is an object's.
 */
export function isBpfElf(bytes: Uint8Array): boolean {
  if (!looksLikeElf(bytes) || bytes.length < AT_VERSION) return false;
  const reader = elfReader(bytes, true, bytes[EI_DATA] === ELFDATA2LSB);
  const machine = readHalf(reader, AT_MACHINE);
  if (machine !== EM_NONE) return machine === EM_BPF;
  return bytes[EI_CLASS] === ELFCLASS64 && readHalf(reader, AT_TYPE) === ET_REL;
}

interface Found {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Buffer's indexOf: 2 ms for the 19 MB of the libbpf-tools executables, 9 times as fast as a loop here, and linear on
 * any input.
 */
function scanForObjects(bytes: Uint8Array, source: string): Found[] {
  const found: Found[] = [];
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = Uint8Array.from(ELF_MAGIC);
  // Objects that do not overlap have room for this many section headers; hostile ones share them.
  const budget = { sections: SHN_LORESERVE + 4 * Math.ceil(bytes.length / SECTION_BYTES) };
  let offset = haystack.indexOf(magic);
  while (offset !== -1) {
    const length = objectLength(bytes, offset, budget);
    if (budget.sections < 0) throw tooMany("section headers of false ELF files", source, offset);
    if (length !== 0) {
      if (found.length === MAX_OBJECTS) throw tooMany(`BPF objects, more than ${MAX_OBJECTS}`, source, offset);
      found.push({ offset, bytes: bytes.subarray(offset, offset + length) });
    }
    offset = haystack.indexOf(magic, offset + Math.max(length, magic.length));
  }
  return found;
}

function tooMany(what: string, source: string, offset: number): FormatError {
  return new FormatError("too-large", `too many ${what}: no real program looks like this`, { source, offset });
}

/** Length of the BPF object at `offset`, 0 when there is none: no exception, as most candidates are none. */
function objectLength(file: Uint8Array, offset: number, budget: { sections: number }): number {
  if (file.length - offset < LAYOUT_64.headerBytes || file[offset + EI_CLASS] !== ELFCLASS64) return 0;
  const order = file[offset + EI_DATA];
  if ((order !== ELFDATA2LSB && order !== ELFDATA2MSB) || file[offset + EI_VERSION] !== EV_CURRENT) return 0;
  const bytes = file.subarray(offset);
  const reader = elfReader(bytes, true, order === ELFDATA2LSB);
  if (readHalf(reader, AT_TYPE) !== ET_REL || readHalf(reader, AT_MACHINE) !== EM_BPF) return 0;
  if (readWord(reader, AT_VERSION) !== EV_CURRENT) return 0;
  if (readHalf(reader, LAYOUT_64.atSectionEntrySize) !== SECTION_BYTES) return 0;
  const table = readAddress(reader, LAYOUT_64.atSectionOffset);
  const count = readHalf(reader, LAYOUT_64.atSectionCount);
  const names = readHalf(reader, LAYOUT_64.atNameSection);
  const tableEnd = table + count * SECTION_BYTES;
  if (count < 2 || count >= SHN_LORESERVE || names === 0 || names >= count) return 0;
  if (table < LAYOUT_64.headerBytes || tableEnd > bytes.length) return 0;
  const end = sectionsEnd(reader, table, count, budget);
  return end !== 0 && hasBpfSection(reader, bytes, table, count, names) ? Math.max(end, tableEnd) : 0;
}

/** Offset at which the furthest section ends; 0 when a section does not fit. */
function sectionsEnd(reader: ElfReader, table: number, count: number, budget: { sections: number }): number {
  const room = reader.view.byteLength;
  let end = LAYOUT_64.headerBytes;
  for (let i = 0; i < count; i++) {
    budget.sections--;
    const at = table + i * SECTION_BYTES;
    const type = readWord(reader, at + SH_TYPE);
    if ((i === 0) !== (type === SHT_NULL)) return 0;
    if (type === SHT_NULL || type === SHT_NOBITS) continue;
    const sectionEnd = readAddress(reader, at + LAYOUT_64.shOffset) + readAddress(reader, at + LAYOUT_64.shSize);
    if (sectionEnd > room) return 0;
    if (sectionEnd > end) end = sectionEnd;
  }
  return end;
}

/** Names of sections that tell a BPF object of some use, beside those that hold instructions. */
const BPF_SECTIONS: readonly Uint8Array[] = [".BTF", ".maps", "license"].map((name) =>
  new TextEncoder().encode(`${name}\0`),
);

/** True when the section names are in order and some section is one that a BPF object has. */
function hasBpfSection(reader: ElfReader, bytes: Uint8Array, table: number, count: number, names: number): boolean {
  const header = table + names * SECTION_BYTES;
  if (readWord(reader, header + SH_TYPE) !== SHT_STRTAB) return false;
  const from = readAddress(reader, header + LAYOUT_64.shOffset);
  const size = readAddress(reader, header + LAYOUT_64.shSize);
  if (size === 0 || bytes[from + size - 1] !== 0) return false;
  let found = false;
  for (let i = 0; i < count; i++) {
    const at = table + i * SECTION_BYTES;
    const name = readWord(reader, at + SH_NAME);
    if (name >= size) return false;
    const flags = readWord(reader, at + LAYOUT_64.shFlags + (reader.littleEndian ? 0 : 4));
    const hasCode = (flags & SHF_EXECINSTR) !== 0 && readAddress(reader, at + LAYOUT_64.shSize) !== 0;
    found ||= hasCode || BPF_SECTIONS.some((known) => equalBytes(bytes, from + name, known, 0, known.length));
  }
  return found;
}

/** Drops every object that is byte for byte an earlier one. */
function distinct(found: readonly Found[]): Found[] {
  const lengths = new Map<number, number>();
  for (const { bytes } of found) lengths.set(bytes.length, (lengths.get(bytes.length) ?? 0) + 1);
  const seen = new Map<string, Found[]>();
  return found.filter((object) => {
    const { length } = object.bytes;
    if (lengths.get(length) === 1) return true;
    const key = `${length}:${checksum(object.bytes)}`;
    const others = seen.get(key);
    if (others === undefined) seen.set(key, [object]);
    else if (others.some(({ bytes }) => equalBytes(bytes, 0, object.bytes, 0, length))) return false;
    else others.push(object);
    return true;
  });
}

/** FNV-1a: only to compare few pairs whole. */
function checksum(bytes: Uint8Array): number {
  let hash = HASH_SEED;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), HASH_PRIME);
  return hash;
}

function nameObjects(bytes: Uint8Array, source: string, found: readonly Found[]): EmbeddedObject[] {
  const sourceNames = found.map((object) => sourceNameOf(object.bytes));
  const unnamed = found.filter((_, i) => sourceNames[i] === undefined);
  const symbols = containerNames(
    bytes,
    unnamed.map(({ offset }) => offset),
  );
  const baseName = source.slice(source.lastIndexOf("/") + 1);
  const given = new Set<string>();
  return found.map((object, i) => {
    const otherwise = found.length === 1 ? baseName : `bpf${i}`;
    const wanted = sourceNames[i] ?? symbols.get(object.offset) ?? otherwise;
    let name = wanted;
    for (let n = 1; given.has(name); n++) name = `${wanted}.${n}`;
    given.add(name);
    return { name: `${source}#${name}`, source, offset: object.offset, bytes: object.bytes };
  });
}
