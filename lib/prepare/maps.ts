import { FormatError } from "../btf/error.ts";
import { KIND_DATASEC, KIND_STRUCT, KIND_VAR } from "../btf/format.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, sizeOf, targetOf, typeCount } from "../btf/view.ts";
import type { BpfObject } from "../core/object.ts";
import { type ElfSection, findSection } from "../elf/elf.ts";
import { SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS } from "../elf/format.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { LINKAGE_GLOBAL, LINKAGE_STATIC, sectionVariables, variableLinkage } from "./btf-edit.ts";
import { type MapDefinition, readDefinition } from "./map-definition.ts";
import { dataMapName } from "./map-name.ts";
import { mapTypeNumber, takesBtf } from "./map-type.ts";
import type { MapOrigin, PlannedMap } from "./plan.ts";

/** Flags of BPF_MAP_CREATE (linux/bpf.h). */
const FLAG_RDONLY_PROG = 1 << 7;
const FLAG_MMAPABLE = 1 << 10;
const FLAG_LINK = 1 << 13;

/** More than any program's variables take; what a header claims of `.bss` is nowhere in the file. */
const MAX_DATA_BYTES = 1 << 28;
const KEY_BYTES = 4;
export const MAPS_SECTION = ".maps";
const LEGACY_SECTION = "maps";
const STRUCT_OPS = new Set([".struct_ops", ".struct_ops.link"]);

/** A map and the place that code refers to it by. */
export interface PlacedMap {
  readonly map: PlannedMap;
  /** ELF section; the symbol table's for `.kconfig`, which no code refers to by a place. */
  readonly section: number;
  /** For a declared or struct_ops map: bytes into its section, and its variable's size there. */
  readonly offset: number;
  readonly size: number;
  /** For a declared or struct_ops map: the struct in the object's BTF. */
  readonly struct: number;
}

/** All maps in a loader's order, and what it refuses. */
export interface MapList {
  readonly maps: readonly PlacedMap[];
  readonly refusals: readonly string[];
}

/** What a map lacks that is not said of it. */
const PLAIN = {
  kernelTypeId: 0,
  entryPerCpu: false,
  extra: 0n,
  numaNode: 0,
  pinned: false,
  inner: null,
  slots: [],
  autocreate: true,
} satisfies Partial<PlannedMap>;

/**
 * Lists an object's maps: those of `.maps`, then one for each data section, `.kconfig`, and struct_ops, in libbpf's order
 * and with its sizes and flags. `settings` is what `.kconfig` holds; null for no settings. `btf` is the fixed one.
 */
export function listMaps(
  object: BpfObject,
  btf: Btf | null,
  name: string,
  settings: Uint8Array | null,
  pageSize: number,
): MapList {
  const refusals: string[] = [];
  const { elf } = object;
  if (findSection(elf, LEGACY_SECTION) !== undefined) {
    refusals.push("legacy map definitions in 'maps' section are not supported by libbpf v1.0+: use SEC(\".maps\")");
  }
  const maps = [...declaredMaps(object, btf, pageSize, refusals), ...dataMaps(object, btf, name)];
  if (settings !== null) {
    const map = dataMap(btf, name, ".kconfig", "kconfig", settings.length, settings);
    maps.push({ map, section: 0, offset: 0, size: 0, struct: 0 });
  }
  return { maps: [...maps, ...structOpsMaps(object, btf)], refusals };
}

function declaredMaps(object: BpfObject, btf: Btf | null, pageSize: number, refusals: string[]): PlacedMap[] {
  const section = findSection(object.elf, MAPS_SECTION);
  if (section === undefined) return [];
  const id = btf === null ? undefined : datasec(btf, MAPS_SECTION);
  if (btf === null || id === undefined) {
    refusals.push("the section '.maps' has no types: the object has no BTF, or not that of its maps");
    return [];
  }
  return sectionVariables(btf, id).flatMap(({ type, offset, size }): PlacedMap[] => {
    const name = nameOf(btf, type);
    const refuse = (why: string): [] => {
      refusals.push(`map '${name}': ${why}`);
      return [];
    };
    if (offset + size > section.size) return refuse("BTF data is corrupted");
    if (kindOf(btf, type) !== KIND_VAR) return refuse("is no variable");
    if (variableLinkage(btf, type) !== LINKAGE_GLOBAL) {
      return refuse(`unsupported map linkage ${variableLinkage(btf, type) === LINKAGE_STATIC ? "static" : "extern"}`);
    }
    const struct = skipModifiersAndTypedefs(btf, targetOf(btf, type));
    if (kindOf(btf, struct) !== KIND_STRUCT) return refuse("its definition is no struct");
    if (sizeOf(btf, struct) > size) return refuse("invalid def size");
    const definition = readDefinition(btf, struct);
    if ("refusal" in definition) return refuse(definition.refusal);
    return [{ map: fromDefinition(name, definition, pageSize), section: section.index, offset, size, struct }];
  });
}

function fromDefinition(name: string, definition: MapDefinition, pageSize: number): PlannedMap {
  const { type, maxEntries, inner } = definition;
  const isRing = type === mapTypeNumber("ringbuf") || type === mapTypeNumber("user_ringbuf");
  const withTypes = takesBtf(type);
  return {
    ...PLAIN,
    name,
    origin: "declared",
    section: MAPS_SECTION,
    type,
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    maxEntries: isRing ? ringBytes(maxEntries, pageSize) : maxEntries,
    entryPerCpu: type === mapTypeNumber("perf_event_array") && maxEntries === 0,
    flags: definition.flags,
    extra: definition.extra,
    numaNode: definition.numaNode,
    pinned: definition.pinned,
    keyTypeId: withTypes ? definition.keyTypeId : 0,
    valueTypeId: withTypes ? definition.valueTypeId : 0,
    inner: inner === null ? null : fromDefinition(`${name}.inner`, inner, pageSize),
    contents: null,
    frozen: false,
  };
}

/** A ring's size must be pages, a power of two of them: the next greater such (libbpf.c, adjust_ringbuf_sz). */
function ringBytes(bytes: number, pageSize: number): number {
  const pages = bytes / pageSize;
  if (bytes === 0 || (Number.isInteger(pages) && Number.isInteger(Math.log2(pages)))) return bytes;
  for (let size = pageSize; size <= 0xffffffff; size *= 2) if (size > bytes) return size;
  return bytes;
}

function dataMaps(object: BpfObject, btf: Btf | null, name: string): PlacedMap[] {
  const { elf } = object;
  return elf.sections.flatMap((section): PlacedMap[] => {
    const origin = dataOrigin(section);
    if (origin === null || section.size === 0) return [];
    if (section.size > MAX_DATA_BYTES) {
      const hint = `${section.size} bytes of variables, more than ${MAX_DATA_BYTES}`;
      throw new FormatError("too-large", hint, { source: elf.source, section: section.name });
    }
    const contents = origin === "bss" ? new Uint8Array(section.size) : new Uint8Array(sectionBytes(elf, section));
    const map = dataMap(btf, name, section.name, origin, contents.length, contents);
    return [{ map, section: section.index, offset: 0, size: section.size, struct: 0 }];
  });
}

function dataOrigin({ name, type, flags }: ElfSection): "data" | "rodata" | "bss" | null {
  const is = (stem: string) => name === stem || name.startsWith(`${stem}.`);
  if (type === SHT_NOBITS) return is(".bss") ? "bss" : null;
  if (type !== SHT_PROGBITS || (flags & SHF_EXECINSTR) !== 0) return null;
  if (is(".data")) return "data";
  return is(".rodata") ? "rodata" : null;
}

function dataMap(
  btf: Btf | null,
  object: string,
  section: string,
  origin: MapOrigin,
  valueSize: number,
  contents: Uint8Array,
): PlannedMap {
  const frozen = origin === "rodata" || origin === "kconfig";
  const type = btf === null ? 0 : typeNamed(btf, section);
  const isMmapable = btf !== null && hasVisibleVariable(btf, type);
  return {
    ...PLAIN,
    name: dataMapName(object, section),
    origin,
    section,
    type: mapTypeNumber("array"),
    keySize: KEY_BYTES,
    valueSize,
    maxEntries: 1,
    flags: (frozen ? FLAG_RDONLY_PROG : 0) | (isMmapable ? FLAG_MMAPABLE : 0),
    keyTypeId: 0,
    valueTypeId: type,
    contents,
    frozen,
  };
}

/** Only a map with a variable that a skeleton would show is made to be mapped (libbpf.c, map_is_mmapable). */
function hasVisibleVariable(btf: Btf, id: number): boolean {
  if (kindOf(btf, id) !== KIND_DATASEC) return false;
  return sectionVariables(btf, id).some(
    ({ type }) => kindOf(btf, type) === KIND_VAR && variableLinkage(btf, type) !== LINKAGE_STATIC,
  );
}

function structOpsMaps(object: BpfObject, btf: Btf | null): PlacedMap[] {
  if (btf === null) return [];
  return object.elf.sections.flatMap((section): PlacedMap[] => {
    const autocreate = !section.name.startsWith("?");
    const plain = autocreate ? section.name : section.name.slice(1);
    const id = STRUCT_OPS.has(plain) ? datasec(btf, section.name) : undefined;
    if (id === undefined) return [];
    const bytes = sectionBytes(object.elf, section);
    return sectionVariables(btf, id).map(({ type, offset, size }): PlacedMap => {
      const struct = skipModifiersAndTypedefs(btf, targetOf(btf, type));
      const map: PlannedMap = {
        ...PLAIN,
        name: nameOf(btf, type),
        origin: "struct_ops",
        section: section.name,
        type: mapTypeNumber("struct_ops"),
        keySize: KEY_BYTES,
        valueSize: sizeOf(btf, struct),
        maxEntries: 1,
        flags: plain === ".struct_ops.link" ? FLAG_LINK : 0,
        keyTypeId: 0,
        valueTypeId: 0,
        contents: new Uint8Array(bytes.subarray(offset, offset + size)),
        frozen: false,
        autocreate,
      };
      return { map, section: section.index, offset, size, struct };
    });
  });
}

function datasec(btf: Btf, name: string): number | undefined {
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) === KIND_DATASEC && nameOf(btf, id) === name) return id;
  }
  return undefined;
}

/** The first type of that name, of any kind; 0 for none. */
function typeNamed(btf: Btf, name: string): number {
  for (let id = 1; id < typeCount(btf); id++) if (nameOf(btf, id) === name) return id;
  return 0;
}
