import { FormatError } from "../btf/error.ts";
import { parseHeader } from "../btf/header.ts";
import { stringAt } from "../btf/strings.ts";
import { btfSectionsOf } from "./btf-section.ts";
import { type Elf, openElf } from "./elf.ts";
import { ET_REL, STT_FILE } from "./format.ts";
import { elfReader, looksLikeElf, readHalf, readWord } from "./reader.ts";
import { readSymbols, symbolName, symbolType } from "./symbols.ts";

/** `struct btf_ext_header`: magic, header length, and where the line information is. */
const EXT_MAGIC = 0xeb9f;
const EXT_HEADER_LENGTH = 4;
const EXT_LINE_OFFSET = 16;
const EXT_LINE_LENGTH = 20;
const EXT_HEADER_BYTES = 24;
/** `struct btf_ext_info_sec` (name, count) and the smallest `struct bpf_line_info`, whose file name is its word 1. */
const LINE_SECTION_BYTES = 8;
const LINE_BYTES = 16;
const LINE_FILE = 4;

const MAX_NAME_LENGTH = 64;

/**
 * Name of the source file that a BPF object was compiled from, without directories and suffix: its STT_FILE symbol
 * (which `strip -g` may have dropped), else the first file of its line information that is no header. Undefined where
 * neither is there, or the object is too broken to tell.
 */
export function sourceNameOf(object: Uint8Array): string | undefined {
  return orUndefined(() => {
    const elf = openElf(object);
    const file = fileSymbol(elf) ?? firstSourceLine(elf);
    return file === undefined ? undefined : plainName(file.replace(/(\.bpf)?\.(c|cc|cpp|cxx|o|rs)$/, ""));
  });
}

/** What an object's source calls the object itself: `exec.bpf.o` of `build/exec.bpf.o`, `exec` of `bin/tool#exec`. */
export function ownName(source: string): string {
  return source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf("#")) + 1);
}

/**
 * For each of the given file offsets, the name of a symbol that points there, where the file is ELF and has one that
 * tells something: `_binary_x_bpf_o_start` (ld -b binary) and `x_bpf__elf_bytes` (skeletons) give `x`; a compiler's
 * own label and a skeleton's bare `data` tell nothing.
 */
export function containerNames(bytes: Uint8Array, offsets: readonly number[]): Map<number, string> {
  const names = new Map<number, string>();
  if (offsets.length === 0 || !looksLikeElf(bytes)) return names;
  const wanted = new Set(offsets);
  orUndefined(() => {
    const elf = openElf(bytes);
    const symbols = readSymbols(elf);
    for (let i = 1; i < symbols.count; i++) {
      const section = elf.sections[symbols.sections[i] as number];
      if (section === undefined || section.index === 0) continue;
      const inSection = (symbols.values[i] as number) - (elf.type === ET_REL ? 0 : section.address);
      const at = section.offset + inSection;
      if (!wanted.has(at) || names.has(at)) continue;
      const name = tellingName(symbolName(symbols, i));
      if (name !== undefined) names.set(at, name);
    }
  });
  return names;
}

function tellingName(symbol: string): string | undefined {
  const name = symbol
    .replace(/^_binary_(.+)_start$/, "$1")
    .replace(/\.\d+$/, "")
    .replace(/_bpf__elf_bytes$|_elf_bytes$/, "")
    .replace(/(_bpf)?(_o)?$/, "");
  return /^(data|\.L.*|\$.*|anon\..*|)$/.test(name) ? undefined : plainName(name);
}

/** What is safe in a file name and in a line of output. */
function plainName(text: string): string | undefined {
  const name = text
    .slice(text.lastIndexOf("/") + 1)
    .replace(/[^A-Za-z0-9_.+-]/g, "_")
    .slice(0, MAX_NAME_LENGTH);
  return name === "" || name === "." || name === ".." ? undefined : name;
}

function fileSymbol(elf: Elf): string | undefined {
  const symbols = readSymbols(elf);
  for (let i = 1; i < symbols.count; i++) {
    if (symbolType(symbols, i) === STT_FILE && symbols.names[i] !== 0) return symbolName(symbols, i);
  }
  return undefined;
}

function firstSourceLine(elf: Elf): string | undefined {
  const { btf, btfExt } = btfSectionsOf(elf);
  if (btf === undefined || btfExt === undefined || btfExt.length < EXT_HEADER_BYTES) return undefined;
  const header = parseHeader(btf, elf.source);
  const from = header.headerLength + header.stringOffset;
  const strings = btf.subarray(from, from + header.stringLength);
  const reader = elfReader(btfExt, elf.is64, elf.littleEndian);
  if (readHalf(reader, 0) !== EXT_MAGIC) return undefined;
  const start = readWord(reader, EXT_HEADER_LENGTH) + readWord(reader, EXT_LINE_OFFSET);
  const end = Math.min(btfExt.length, start + readWord(reader, EXT_LINE_LENGTH));
  if (start + 4 > end) return undefined;
  const recordBytes = readWord(reader, start);
  if (recordBytes < LINE_BYTES) return undefined;
  let last = 0;
  for (let at = start + 4; at + LINE_SECTION_BYTES <= end; ) {
    const count = readWord(reader, at + 4);
    at += LINE_SECTION_BYTES;
    for (let i = 0; i < count && at + recordBytes <= end; i++, at += recordBytes) {
      const name = readWord(reader, at + LINE_FILE);
      if (name === last) continue;
      last = name;
      const file = stringAt(strings, name);
      if (file !== "" && !/\.(h|hpp)$/.test(file)) return file;
    }
  }
  return undefined;
}

/** A name is a convenience: an object or container too broken to give one is no error here. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
