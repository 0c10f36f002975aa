import { openElf } from "../lib/elf/elf.ts";
import { SHT_SYMTAB } from "../lib/elf/format.ts";
import { readSymbols, symbolBind, symbolType } from "../lib/elf/symbols.ts";

const SHN_UNDEF = 0;
const STB_GLOBAL = 1;
const STB_WEAK = 2;

/**
 * A copy of an object whose undefined symbols are weak: libbpf then takes kfuncs, ksyms and settings that the kernel
 * lacks for absent, instead of refusing the object before it relocates anything. Only instructions with such a
 * symbol's own relocation differ by it. Null where there is no such symbol.
 * @throws FormatError when the file is damaged.
 */
export function weakenExterns(bytes: Uint8Array): Uint8Array | null {
  const copy = new Uint8Array(bytes);
  const elf = openElf(copy, "object");
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (table === undefined) return null;
  const symbols = readSymbols(elf, table);
  const { layout } = elf.reader;
  let changed = false;
  for (let i = 1; i < symbols.count; i++) {
    if (symbols.sections[i] !== SHN_UNDEF || symbolBind(symbols, i) !== STB_GLOBAL) continue;
    copy[table.offset + i * layout.symbolBytes + layout.stInfo] = (STB_WEAK << 4) | symbolType(symbols, i);
    changed = true;
  }
  return changed ? copy : null;
}
