import { kernelName } from "../prepare/map-name.ts";
import { isMapInMap } from "../prepare/map-type.ts";
import type { Plan, PlannedMap } from "../prepare/plan.ts";
import { DOUBLE, IF_NOT_NEGATIVE, landIfNegative, setImmediate, skipIf, store, storeNumber, WORD } from "./assemble.ts";
import { CREATE, FREEZE, MAP_CREATE, MAP_FREEZE, MAP_UPDATE, NAME_ROOM, UPDATE } from "./attributes.ts";
import { addBytes, addWords, type LoaderData, reserve, setDouble, setText, setWord } from "./data.ts";
import {
  addressToCome,
  beginStep,
  close,
  copyWord,
  type LoaderCode,
  near,
  RESULT,
  slotAt,
  storeAddress,
  storeWord,
  systemCall,
  trySystemCall,
} from "./emit.ts";

/** Places in the data of a map's attributes. */
export interface MapPlaces {
  /** Null for a map that is not created. */
  readonly create: number | null;
  readonly inner: number | null;
}

/** Attributes that are filled anew each time they are used. */
export interface SharedPlaces {
  readonly update: number;
  readonly freeze: number;
  /** A key: 0. */
  readonly zero: number;
}

/** Sets room aside for all attributes, near the start of the data, where code gets at them shortest. */
export function placeMaps(data: LoaderData, { maps }: Plan): { places: MapPlaces[]; shared: SharedPlaces } {
  const shared = { update: reserve(data, UPDATE.bytes), freeze: reserve(data, FREEZE.bytes), zero: reserve(data, 4) };
  const places = maps.map((map): MapPlaces => {
    if (!map.autocreate) return { create: null, inner: null };
    const inner = map.inner === null ? null : describe(data, map.inner);
    return { create: describe(data, map), inner };
  });
  return { places, shared };
}

function describe(data: LoaderData, map: PlannedMap): number {
  const at = reserve(data, CREATE.bytes);
  setWord(data, at + CREATE.type, map.type);
  setWord(data, at + CREATE.keySize, map.keySize);
  setWord(data, at + CREATE.valueSize, map.valueSize);
  setWord(data, at + CREATE.maxEntries, map.maxEntries);
  setWord(data, at + CREATE.flags, map.flags);
  setWord(data, at + CREATE.numaNode, map.numaNode);
  setText(data, at + CREATE.name, NAME_ROOM, kernelName(map.name));
  setDouble(data, at + CREATE.extra, map.extra);
  return at;
}

/** Contents of maps in the data. */
export interface PlacedContents {
  /** By map; null for one without contents, or not created. */
  readonly at: (number | null)[];
  /** Contents without a bit set come last, so that they need not be kept: the instruction that wants their place. */
  readonly late: { readonly map: number; readonly insn: number }[];
}

/** Creates all maps, and fills and freezes those with contents. */
export function emitMaps(
  writing: LoaderCode,
  { maps }: Plan,
  places: readonly MapPlaces[],
  shared: SharedPlaces,
): PlacedContents {
  const placed: PlacedContents = { at: maps.map(() => null), late: [] };
  maps.forEach((map, index) => {
    const { create, inner } = places[index] as MapPlaces;
    if (create === null) return;
    emitCreate(writing, map, index, create, inner);
    if (map.contents === null) return;
    beginStep(writing, "fill-map", map.name);
    copyWord(writing, shared.update + UPDATE.map, slotAt(writing.slots.map(index)));
    storeAddress(writing, shared.update + UPDATE.key, shared.zero);
    if (map.contents.some((byte) => byte !== 0)) {
      const at = addBytes(writing.data, map.contents);
      placed.at[index] = at;
      storeAddress(writing, shared.update + UPDATE.value, at);
    } else placed.late.push({ map: index, insn: storeAddressToCome(writing, shared.update + UPDATE.value) });
    systemCall(writing, MAP_UPDATE, shared.update, UPDATE.bytes);
    if (!map.frozen) return;
    beginStep(writing, "freeze-map", map.name);
    copyWord(writing, shared.freeze + FREEZE.map, slotAt(writing.slots.map(index)));
    systemCall(writing, MAP_FREEZE, shared.freeze, FREEZE.bytes);
  });
  return placed;
}

/** Puts contents without a bit set behind everything; gives the place of each map's contents. */
export function placeLateContents(
  { code, data }: LoaderCode,
  { maps }: Plan,
  placed: PlacedContents,
): (number | null)[] {
  for (const { map, insn } of placed.late) {
    const at = reserve(data, maps[map]?.contents?.length ?? 0);
    placed.at[map] = at;
    setImmediate(code, insn, at);
  }
  return placed.at;
}

function emitCreate(writing: LoaderCode, map: PlannedMap, index: number, create: number, inner: number | null): void {
  const { slots } = writing;
  if (map.inner !== null && inner !== null) {
    beginStep(writing, "create-map", map.inner.name);
    createWithTypes(writing, map.inner, inner);
    storeWord(writing, slotAt(slots.inner), RESULT);
  }
  beginStep(writing, "create-map", map.name);
  if (inner !== null) copyWord(writing, create + CREATE.innerMap, slotAt(slots.inner));
  createWithTypes(writing, map, create);
  storeWord(writing, slotAt(slots.map(index)), RESULT);
  if (inner !== null) close(writing, slots.inner);
}

/** With the types of its keys and values; without, where a kernel takes it so only, as libbpf does (bpf_object__create_map). */
function createWithTypes(writing: LoaderCode, { keyTypeId, valueTypeId }: PlannedMap, at: number): void {
  if (keyTypeId === 0 && valueTypeId === 0) {
    systemCall(writing, MAP_CREATE, at, CREATE.bytes);
    return;
  }
  const { code } = writing;
  const set = (field: number, value: number) => {
    const to = near(writing, at + field);
    storeNumber(code, WORD, to.register, to.offset, value);
  };
  copyWord(writing, at + CREATE.btf, slotAt(writing.slots.types));
  // Here and not in the data, so that a second run begins as the first.
  set(CREATE.keyType, keyTypeId);
  set(CREATE.valueType, valueTypeId);
  trySystemCall(writing, MAP_CREATE, at, CREATE.bytes);
  skipIf(code, IF_NOT_NEGATIVE, RESULT, () => {
    for (const field of [CREATE.btf, CREATE.keyType, CREATE.valueType]) set(field, 0);
    trySystemCall(writing, MAP_CREATE, at, CREATE.bytes);
  });
  landIfNegative(code, writing.fail, RESULT);
}

/**
 * Puts into maps what they start with: maps into maps when all are there, programs into arrays when these are.
 * `slotOf` gives the slot of a map or program by its index in the plan; undefined for one that is not there.
 */
export function emitSlots(
  writing: LoaderCode,
  { maps }: Plan,
  shared: SharedPlaces,
  holds: "maps" | "programs",
  slotOf: (index: number) => number | undefined,
): void {
  const { data, slots } = writing;
  maps.forEach((map, index) => {
    if (!map.autocreate || map.origin !== "declared" || isMapInMap(map.type) !== (holds === "maps")) return;
    map.slots.forEach((value, key) => {
      const slot = value === null ? undefined : slotOf(value);
      if (slot === undefined) return;
      beginStep(writing, "fill-map", map.name);
      copyWord(writing, shared.update + UPDATE.map, slotAt(slots.map(index)));
      storeAddress(writing, shared.update + UPDATE.key, addWords(data, [key]));
      storeAddress(writing, shared.update + UPDATE.value, slotAt(slot));
      systemCall(writing, MAP_UPDATE, shared.update, UPDATE.bytes);
    });
  });
}

function storeAddressToCome(writing: LoaderCode, at: number): number {
  const insn = addressToCome(writing, 0);
  const to = near(writing, at);
  store(writing.code, DOUBLE, to.register, to.offset, 0);
  return insn;
}
