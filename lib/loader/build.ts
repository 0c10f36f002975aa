import { KIND_DATASEC } from "../btf/format.ts";
import { parseBtf } from "../btf/parse.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, typeCount } from "../btf/view.ts";
import type { BpfObject } from "../core/object.ts";
import { sectionVariables } from "../prepare/btf-edit.ts";
import { kernelName } from "../prepare/map-name.ts";
import type { Plan, PlannedMap, PlannedProgram } from "../prepare/plan.ts";
import { assembled } from "./assemble.ts";
import { BTF_LOAD, CREATE, TYPES } from "./attributes.ts";
import { type CarriedRelocations, carriedRelocations } from "./carried-relocations.ts";
import { emitDataCheck } from "./check-data.ts";
import { emitMaps, emitSlots, placeLateContents, placeMaps } from "./create-maps.ts";
import { addBytes, reserve, setWord } from "./data.ts";
import {
  beginStep,
  finishCode,
  type LoaderCode,
  NO_DESCRIPTOR,
  RESULT,
  slotAt,
  slotsOf,
  startCode,
  storeAddress,
  storeWord,
  systemCall,
  takeLog,
} from "./emit.ts";
import { emitProgram, placeProgram } from "./load-programs.ts";
import { CONTEXT, type Loader, type LoaderMap, type LoaderRefusal, type LoaderVariable } from "./loader.ts";
import { listWanted, placeLookups } from "./lookups.ts";
import { refusalsOf, tooLarge } from "./refusals.ts";
import { firstRelease } from "./releases.ts";

const WORD_BYTES = 4;

/** What a loader is to do besides. */
export interface LoaderOptions {
  /** Compare the data with a hash in its instructions before all else. */
  readonly checksData?: boolean;
}

/**
 * Writes the loader program of a plan: a BPF_PROG_TYPE_SYSCALL program that does all that a loader would, and the data
 * it works on. The bytes depend on the plan alone. Without a target in the plan, relocations go to the kernel with each
 * program. What is not loaded or created by default is left out. `object` is what the plan was made of.
 * @throws FormatError when the object is damaged.
 */
export function buildLoader(object: BpfObject, plan: Plan, options: LoaderOptions = {}): Loader | LoaderRefusal {
  const programs = plan.programs.filter(({ autoload }) => autoload);
  const refusals = refusalsOf(plan, programs);
  if (refusals.length > 0) return { refusals };

  const wanted = listWanted(plan, programs);
  const slots = slotsOf(plan.maps.length, wanted.size, programs.length);
  const created = plan.maps.flatMap(({ autocreate }, i) => (autocreate ? [i] : []));
  const descriptors = [...created.map(slots.map), ...programs.map((_, i) => slots.program(i))];
  const writing = startCode(plan.littleEndian, slots, descriptors);
  const { code, data } = writing;

  const table = reserve(data, slots.count * WORD_BYTES);
  for (let slot = 0; slot < slots.count; slot++) setWord(data, table + slotAt(slot), NO_DESCRIPTOR);
  const types = reserve(data, TYPES.bytes);
  const { places, shared } = placeMaps(data, plan);
  const lookups = placeLookups(data, wanted, slots.found);
  const programPlaces = programs.map(() => placeProgram(data, !plan.relocated));

  const hashAt = options.checksData === true ? emitDataCheck(writing) : [];
  if (plan.btf !== null) emitTypes(writing, types, plan.btf);
  const contents = emitMaps(writing, plan, places, shared);
  emitSlots(writing, plan, shared, "maps", (index) => (created.includes(index) ? slots.map(index) : undefined));
  const carried: CarriedRelocations = plan.relocated ? new Map() : carriedRelocations(object);
  const context = { plan, carried, lookups, found: new Set<string>() };
  programs.forEach((program, i) => {
    emitProgram(writing, context, program, programPlaces[i] as number, slots.program(i));
  });
  emitSlots(writing, plan, shared, "programs", (index) => {
    const place = programs.indexOf(plan.programs[index] as PlannedProgram);
    return place === -1 ? undefined : slots.program(place);
  });
  finishCode(writing, descriptors);
  const contentsAt = placeLateContents(writing, plan, contents);
  // The kernel's own size of it, which it takes the hash of: a multiple of 8.
  reserve(data, 0);
  refusals.push(...tooLarge(code, data.size, descriptors.length));
  if (refusals.length > 0) return { refusals };

  const btf = plan.btf === null ? null : parseBtf(plan.btf, { source: plan.object });
  const descriptorAt = (i: number) => CONTEXT.descriptors + i * WORD_BYTES;
  return {
    object: plan.object,
    name: plan.name,
    littleEndian: plan.littleEndian,
    relocated: plan.relocated,
    since: firstRelease(object, plan, programs),
    instructions: assembled(code),
    hashAt,
    signature: null,
    data: withoutZeros(data.bytes.subarray(0, data.size)),
    dataSize: data.size,
    contextSize: descriptorAt(descriptors.length),
    steps: writing.steps,
    maps: created.map((index, i) => {
      const map = plan.maps[index] as PlannedMap;
      const create = places[index]?.create ?? 0;
      return describeMap(btf, map, create + CREATE.maxEntries, contentsAt[index] ?? null, descriptorAt(i));
    }),
    programs: programs.map(({ name, section, type, attachType }, i) => {
      return { name, section, type, attachType, descriptorAt: descriptorAt(created.length + i) };
    }),
  };
}

function emitTypes(writing: LoaderCode, at: number, btf: Uint8Array): void {
  const { data, slots } = writing;
  beginStep(writing, "load-btf", "");
  setWord(data, at + TYPES.size, btf.length);
  storeAddress(writing, at + TYPES.types, addBytes(data, btf));
  takeLog(writing, { level: at + TYPES.logLevel, size: at + TYPES.logSize, log: at + TYPES.log });
  systemCall(writing, BTF_LOAD, at, TYPES.bytes);
  storeWord(writing, slotAt(slots.types), RESULT);
}

function describeMap(
  btf: Btf | null,
  map: PlannedMap,
  maxEntriesAt: number,
  contentsAt: number | null,
  descriptorAt: number,
): LoaderMap {
  const { name, origin, section, type, keySize, valueSize, maxEntries, flags, entryPerCpu, pinned, frozen } = map;
  return {
    name,
    kernelName: kernelName(name),
    ...{ origin, section, type, keySize, valueSize, maxEntries, flags, entryPerCpu, pinned, frozen },
    maxEntriesAt,
    contentsAt,
    variables: contentsAt === null || btf === null ? [] : variablesOf(btf, map.valueTypeId),
    descriptorAt,
  };
}

function variablesOf(btf: Btf, section: number): LoaderVariable[] {
  if (section === 0 || section >= typeCount(btf) || kindOf(btf, section) !== KIND_DATASEC) return [];
  return sectionVariables(btf, section).map(({ type, offset, size }) => ({ name: nameOf(btf, type), offset, size }));
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.slice(0, end);
}
