/** A plan as the bpf(2) calls it comes to, to be held against those that libbpf makes. */
import { INSN_BYTES } from "../../lib/core/instruction.ts";
import { kernelName } from "../../lib/prepare/map-name.ts";
import { isMapInMap } from "../../lib/prepare/map-type.ts";
import type { Plan, PlannedMap, PlannedProgram } from "../../lib/prepare/plan.ts";
import type { Recorded, RecordedMap } from "./libbpf-recorder.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What is compared, of either side. */
export interface Calls {
  readonly btf: string | null;
  readonly maps: readonly unknown[];
  readonly contents: readonly string[];
  readonly programs: readonly unknown[];
}

/** What libbpf did. `cpus` stands for the number of entries that it takes from the machine. */
export function recordedCalls(run: Recorded): Calls {
  const placeOf = new Map(run.descriptors.map(({ fd }, i) => [fd, i]));
  return {
    btf: run.btf,
    maps: run.maps.map((map) => ({
      ...recordedMap(map),
      inner: map.innerMap === null ? null : recordedMap(map.innerMap),
    })),
    contents: [
      ...run.updates.map(({ update, key, value }) => `${placeOf.get(update)}[${key}] = ${value}`),
      ...run.frozen.map((fd) => `${placeOf.get(fd)} frozen`),
    ].sort(),
    programs: run.programs.map(({ version: _, functionBytes, lineBytes, functions, lines, license, ...rest }) => ({
      ...rest,
      license: Buffer.from(license, "hex").toString(),
      functions: functions === "" ? null : { bytes: functionBytes, records: functions },
      lines: lines === "" ? null : { bytes: lineBytes, records: lines },
    })),
  };
}

function recordedMap({ inner: _, innerMap: __, ...map }: RecordedMap & { innerMap?: unknown }) {
  return map;
}

/** What the plan would do without the programs to skip, with the descriptors that libbpf's maps had. */
export function plannedCalls(plan: Plan, run: Recorded, cpus: number, skip: readonly string[]): Calls {
  const created = plan.maps.filter(({ autocreate }) => autocreate);
  return {
    btf: plan.btf === null ? null : hex(plan.btf),
    maps: created.map((map) => ({
      ...plannedMap(map, cpus),
      inner: map.inner === null ? null : plannedMap(map.inner, cpus),
    })),
    contents: plan.maps
      .flatMap(({ contents, frozen, slots, origin, type }, place) => [
        ...(contents === null || origin === "struct_ops" ? [] : [`${place}[0] = ${hex(contents)}`]),
        ...(frozen ? [`${place} frozen`] : []),
        // A struct_ops map is filled when it is attached.
        ...(origin === "struct_ops" ? [] : slots).flatMap((slot, i) => {
          if (slot === null) return [];
          const fd = isMapInMap(type) ? run.descriptors[slot]?.fd : fdOfProgram(run, plan.programs[slot]?.name);
          return [`${place}[${i}] = ${wordHex(fd ?? -1, plan.littleEndian)}`];
        }),
      ])
      .sort(),
    programs: plan.programs
      .filter(({ name, autoload, type }) => autoload && type !== "ext" && !skip.includes(name))
      .map((program, i) => ({
        name: kernelName(program.name),
        type: program.typeNumber,
        attachType: program.attachType,
        flags: program.flags,
        attachId: program.attachTarget?.typeId ?? 0,
        license: plan.license,
        instructions: asOlderLoaders(hex(withDescriptors(plan, program, run)), run.programs[i]?.instructions ?? ""),
        functions: infoText(program.functions, plan.littleEndian),
        lines: infoText(program.lines, plan.littleEndian),
      })),
  };
}

function fdOfProgram({ programDescriptors }: Recorded, name: string | undefined): number | undefined {
  return programDescriptors.find((one) => one.name === name)?.fd;
}

function wordHex(value: number, littleEndian: boolean): string {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setInt32(0, value, littleEndian);
  return hex(new Uint8Array(bytes.buffer));
}

function plannedMap(map: PlannedMap, cpus: number) {
  const { name, type, keySize, valueSize, maxEntries, entryPerCpu, flags, extra, numaNode, keyTypeId, valueTypeId } =
    map;
  return {
    name: kernelName(name),
    type,
    keySize,
    valueSize,
    maxEntries: entryPerCpu ? cpus : maxEntries,
    flags,
    extra: Number(extra),
    numaNode,
    keyTypeId,
    valueTypeId,
    kernelTypeId: map.kernelTypeId,
  };
}

/** Indexes become descriptors: BPF_PSEUDO_MAP_IDX (5) is BPF_PSEUDO_MAP_FD (1), _IDX_VALUE (6) is _VALUE (2). */
function withDescriptors({ littleEndian }: Plan, program: PlannedProgram, run: Recorded): Uint8Array {
  const bytes = new Uint8Array(program.instructions);
  const view = new DataView(bytes.buffer);
  for (const reference of program.references) {
    if (reference.kind !== "map" && reference.kind !== "map-value") continue;
    const at = reference.insn * INSN_BYTES;
    // The source register is the high nibble in little-endian code, the low one in big-endian code.
    const registers = bytes[at + 1] ?? 0;
    const source = littleEndian ? registers >> 4 : registers & 0x0f;
    if (source !== (reference.kind === "map" ? 5 : 6)) throw new Error(`${program.name}: no map at ${reference.insn}`);
    if (view.getInt32(at + 4, littleEndian) !== reference.map)
      throw new Error(`${program.name}: another map at ${reference.insn}`);
    bytes[at + 1] = littleEndian ? (registers & 0x0f) | ((source - 4) << 4) : (registers & 0xf0) | (source - 4);
    view.setInt32(at + 4, run.descriptors[reference.map]?.fd ?? -1, littleEndian);
  }
  return bytes;
}

/** A weak kfunc that is not there: poisoned with 2002000000 and its number (0x7754...) since libbpf 1.3, before that a call of 0. */
function asOlderLoaders(ours: string, theirs: string): string {
  return ours.replaceAll(/.{16}/g, (slot, at: number) => {
    const other = theirs.slice(at, at + 16);
    const isMissing = /^85000000(....5477|7754....)$/.test(slot);
    return isMissing && /^85(20|02)000000000000$/.test(other) ? other : slot;
  });
}

function infoText(info: PlannedProgram["functions"], littleEndian: boolean) {
  if (info === null || info.words.length === 0) return null;
  return {
    bytes: info.recordBytes,
    records: Array.from(info.words, (word) => wordHex(word | 0, littleEndian)).join(""),
  };
}
