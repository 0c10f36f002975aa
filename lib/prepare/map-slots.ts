import { memberBitOffset, memberName } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, vlenOf } from "../btf/view.ts";
import type { BpfObject } from "../core/object.ts";
import { isRelocationSection, readRelocations } from "../elf/relocations.ts";
import { type ElfSymbols, symbolName } from "../elf/symbols.ts";
import { isMapInMap, mapTypeNumber } from "./map-type.ts";
import type { PlacedMap } from "./maps.ts";
import type { PlannedMap } from "./plan.ts";

const POINTER_BYTES = 8;

/**
 * Fills in which maps and programs a map starts with: from the ELF relocations of `.maps` (libbpf.c,
 * bpf_object__collect_map_relos) and of struct_ops sections, whose places are members. `programs` gives a program's
 * place in the plan by its index in the object; -1 for a subprogram.
 */
export function fillSlots(
  object: BpfObject,
  btf: Btf,
  symbols: ElfSymbols,
  placed: readonly PlacedMap[],
  programs: (index: number) => number,
): { maps: PlacedMap[]; refusals: string[] } {
  const slots = new Map<PlacedMap, (number | null)[]>();
  const refusals: string[] = [];
  for (const section of object.elf.sections) {
    if (!isRelocationSection(section)) continue;
    const { target, offsets, symbols: wanted, count } = readRelocations(object.elf, section);
    const here = placed.filter((one) => one.struct !== 0 && one.section === target);
    if (here.length === 0) continue;
    for (let i = 0; i < count; i++) {
      const offset = offsets[i] as number;
      const symbol = wanted[i] as number;
      const home = here.find((one) => one.offset <= offset && offset + POINTER_BYTES <= one.offset + one.size);
      const slot = home === undefined ? -1 : slotAt(btf, home, offset - home.offset);
      const value =
        home === undefined || symbol >= symbols.count ? -1 : slotValue(object, symbols, placed, home, symbol, programs);
      if (home === undefined || slot < 0 || value < 0) {
        const name = symbol < symbols.count ? symbolName(symbols, symbol) : "?";
        refusals.push(`section ${section.name}: '${name}' at ${offset} is nothing that a map can start with`);
        continue;
      }
      const list = slots.get(home) ?? [];
      while (list.length <= slot) list.push(null);
      list[slot] = value;
      slots.set(home, list);
    }
  }
  const maps = placed.map((one): PlacedMap => {
    const list = slots.get(one);
    const map: PlannedMap = list === undefined ? one.map : { ...one.map, slots: list };
    return { ...one, map };
  });
  return { maps, refusals };
}

/** The place among `values`, or the member of a struct_ops struct; -1 for none. */
function slotAt(btf: Btf, { map, struct }: PlacedMap, offset: number): number {
  const count = vlenOf(btf, struct);
  if (map.origin === "struct_ops") {
    for (let i = 0; i < count; i++) if (memberBitOffset(btf, struct, i) === offset * 8) return i;
    return -1;
  }
  if (count === 0 || stringAt(btf.strings, memberName(btf, struct, count - 1)) !== "values") return -1;
  const within = offset - memberBitOffset(btf, struct, count - 1) / 8;
  return within % POINTER_BYTES === 0 ? within / POINTER_BYTES : -1;
}

function slotValue(
  object: BpfObject,
  symbols: ElfSymbols,
  placed: readonly PlacedMap[],
  { map }: PlacedMap,
  symbol: number,
  programs: (index: number) => number,
): number {
  const section = symbols.sections[symbol] as number;
  if (isMapInMap(map.type)) {
    const name = symbolName(symbols, symbol);
    return placed.findIndex((one) => one.section === section && one.map.name === name);
  }
  if (map.type !== mapTypeNumber("prog_array") && map.origin !== "struct_ops") return -1;
  const offset = symbols.values[symbol] as number;
  const found = object.programs.findIndex((one) => one.sectionIndex === section && one.offset === offset);
  return found === -1 ? -1 : programs(found);
}
