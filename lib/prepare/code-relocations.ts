import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import type { Elf } from "../elf/elf.ts";
import { STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FUNC, STT_SECTION } from "../elf/format.ts";
import { isRelocationSection, readRelocations } from "../elf/relocations.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { type ElfSymbols, symbolBind, symbolName, symbolType } from "../elf/symbols.ts";
import { type Code, codeOf, isCall, isLoad64, sourceOf } from "./code-access.ts";
import type { Extern } from "./externs.ts";
import { MAPS_SECTION, type PlacedMap } from "./maps.ts";

/** What an ELF relocation makes of an instruction. `insn` counts from the start of its function. */
export type CodeRelocation =
  /** A call, or an address, of a function in `.text`; `offset` bytes in, to which the immediate adds. */
  | { readonly kind: "call" | "function"; readonly insn: number; readonly offset: number }
  | { readonly kind: "map"; readonly insn: number; readonly map: number }
  /** `offset` is the symbol's, in bytes; the immediate adds to it. */
  | { readonly kind: "map-value"; readonly insn: number; readonly map: number; readonly offset: number }
  | { readonly kind: "extern" | "extern-call"; readonly insn: number; readonly extern: number };

/** Relocations of each function, by index into `BpfObject.programs`, each list by instruction. */
export interface CodeRelocations {
  readonly byFunction: readonly (readonly CodeRelocation[])[];
  readonly refusals: readonly string[];
}

export const LIBRARY_SECTION = ".text";
/** In a call's source register: another function. */
const PSEUDO_CALL = 1;

/**
 * Reads the ELF relocations of all code (libbpf.c, bpf_program__record_reloc). Those of no function (an eliminated weak
 * one) are passed over. What a loader refuses is told and left out.
 * @throws FormatError when a relocation section is damaged.
 */
export function codeRelocations(
  object: BpfObject,
  symbols: ElfSymbols,
  maps: readonly PlacedMap[],
  externs: readonly Extern[],
): CodeRelocations {
  const byFunction = object.programs.map((): CodeRelocation[] => []);
  const refusals: string[] = [];
  const externOf = new Map(externs.map(({ symbol }, i) => [symbol, i]));
  const { elf } = object;
  for (const section of elf.sections) {
    if (!isRelocationSection(section)) continue;
    const home = elf.sections[section.info];
    const functions = object.programs.flatMap(({ sectionIndex }, i) => (sectionIndex === section.info ? [i] : []));
    if (home === undefined || functions.length === 0) continue;
    const code = codeOf(sectionBytes(elf, home), object.littleEndian);
    const relocations = readRelocations(elf, section);
    for (let i = 0; i < relocations.count; i++) {
      const at = relocations.offsets[i] as number;
      const owner = functions.find((one) => covers(object, one, at));
      if (owner === undefined) continue;
      const { offset, name } = object.programs[owner] as BpfObject["programs"][number];
      const symbol = relocations.symbols[i] as number;
      const slot = at / INSN_BYTES;
      const insn = (at - offset) / INSN_BYTES;
      const found = Number.isInteger(slot)
        ? relocationAt(elf, code, slot, insn, symbols, symbol, maps, externOf)
        : `is inside an instruction`;
      if (typeof found !== "string") byFunction[owner]?.push(found);
      else refusals.push(`prog '${name}': relocation of insn #${insn} ${found}`);
    }
  }
  for (const list of byFunction) list.sort((a, b) => a.insn - b.insn);
  return { byFunction, refusals };
}

function covers({ programs }: BpfObject, index: number, at: number): boolean {
  const one = programs[index];
  return one !== undefined && at >= one.offset && at < one.offset + one.size;
}

function relocationAt(
  elf: Elf,
  code: Code,
  slot: number,
  insn: number,
  symbols: ElfSymbols,
  symbol: number,
  maps: readonly PlacedMap[],
  externOf: ReadonlyMap<number, number>,
): CodeRelocation | string {
  if (symbol >= symbols.count) return `is against symbol ${symbol}, but there are ${symbols.count}`;
  const isCalled = isCall(code, slot);
  if (!isCalled && !isLoad64(code, slot)) return "is on no call and no 64-bit load";
  const extern = externOf.get(symbol);
  if (extern !== undefined) return { kind: isCalled ? "extern-call" : "extern", insn, extern };
  const offset = symbols.values[symbol] as number;
  const section = elf.sections[symbols.sections[symbol] as number];
  const name = symbolName(symbols, symbol);
  if (isCalled) {
    if (sourceOf(code, slot) !== PSEUDO_CALL) return "is on a call of a helper";
    if (section?.name !== LIBRARY_SECTION) return `calls '${name}' in section '${section?.name ?? ""}', not in .text`;
    if (offset % INSN_BYTES !== 0) return `calls '${name}' inside an instruction`;
    return { kind: "call", insn, offset };
  }
  if (section === undefined || section.index === 0) return `is against '${name}', which is in no section`;
  if (section.name === LIBRARY_SECTION && isSubprogram(symbols, symbol)) return { kind: "function", insn, offset };
  if (section.name === MAPS_SECTION) {
    const map = maps.findIndex((one) => one.section === section.index && one.offset === offset);
    return map === -1 ? `is against '${name}', at which no map is declared` : { kind: "map", insn, map };
  }
  const map = maps.findIndex((one) => one.struct === 0 && one.section === section.index);
  if (map === -1) return `is against '${name}' in section '${section.name}', which no map is made of`;
  return { kind: "map-value", insn, map, offset };
}

/** A static function is told by its section's symbol, a global one by its own (libbpf.c, sym_is_subprog). */
function isSubprogram(symbols: ElfSymbols, symbol: number): boolean {
  const bind = symbolBind(symbols, symbol);
  const type = symbolType(symbols, symbol);
  if (bind === STB_LOCAL) return type === STT_SECTION;
  return (bind === STB_GLOBAL || bind === STB_WEAK) && type === STT_FUNC;
}
