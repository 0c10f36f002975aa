import { mapTypeName } from "../../lib/prepare/map-type.ts";
import type { InfoRecords, Plan, PlannedMap, PlannedProgram } from "../../lib/prepare/plan.ts";

/** A plan as a document; bytes are hexadecimal. docs/FORMATS.md has it in words. */
export function planJson(plan: Plan): unknown {
  const {
    object,
    name,
    littleEndian,
    license,
    kernelVersion,
    btf,
    maps,
    programs,
    externs,
    needs,
    relocated,
    refusals,
  } = plan;
  return {
    object,
    name,
    byteOrder: littleEndian ? "little" : "big",
    license,
    kernelVersion: kernelVersion === 0 ? null : kernelVersion,
    relocated,
    btf: btf === null ? null : { bytes: btf.length, data: hex(btf) },
    maps: maps.map(mapJson),
    programs: programs.map(programJson),
    externs: externs.map(({ name: symbol, kind, weak, isFunction, setting, state }) => ({
      name: symbol,
      kind: kind === "kconfig" ? "kconfig" : isFunction ? "kfunc" : "ksym",
      weak,
      state,
      setting: setting === null ? null : { type: setting.type, offset: setting.offset, size: setting.size },
    })),
    needs,
    refusals,
  };
}

function mapJson(map: PlannedMap): unknown {
  const { type, inner, contents, ...rest } = map;
  return {
    ...rest,
    type: mapTypeName(type),
    typeNumber: type,
    contents: contents === null ? null : hex(contents),
    inner: inner === null ? null : mapJson(inner),
  };
}

function programJson(program: PlannedProgram): unknown {
  const { instructions, functions, lines, ...rest } = program;
  return {
    ...rest,
    instructionCount: instructions.length / 8,
    instructions: hex(instructions),
    functions: infoJson(functions),
    lines: infoJson(lines),
  };
}

function infoJson(info: InfoRecords | null): unknown {
  if (info === null) return null;
  const width = info.recordBytes / 4;
  const count = info.words.length / width;
  return {
    recordBytes: info.recordBytes,
    records: Array.from({ length: count }, (_, i) => [...info.words.subarray(i * width, (i + 1) * width)]),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
