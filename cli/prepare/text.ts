import { isMapInMap, mapTypeName } from "../../lib/prepare/map-type.ts";
import type { Plan, PlannedMap, PlannedProgram } from "../../lib/prepare/plan.ts";
import { formatTable, printable } from "../table.ts";

const RIGHT: ReadonlySet<string> = new Set(["#", "KEY", "VALUE", "ENTRIES", "INSNS", "POISONED"]);

/** A plan as tables: maps, programs, externs. */
export function prepareText(plan: Plan): string {
  const { object, name, license, btf, relocated } = plan;
  const head = [
    `object   ${object} (named ${name})`,
    `license  ${license === "" ? "none" : license}`,
    `btf      ${btf === null ? "none" : `${btf.length} bytes`}`,
    `CO-RE    ${relocated ? "applied" : "not applied (no --target)"}`,
    ...needLine(plan),
  ];
  const tables = [mapsTable(plan), programsTable(plan), externsTable(plan)].filter((table) => table !== "");
  return [`${head.map((line) => `${printable(line)}\n`).join("")}`, ...tables].join("\n");
}

function needLine({ needs }: Plan): string[] {
  const kinds = [...new Set(needs.filter(({ optional }) => !optional).map(({ kind }) => kind))];
  const named = kinds.map((kind) => (kind === "program" ? "attach types" : kind)).join(", ");
  return kinds.length === 0 ? [] : [`needs    the kernel's BTF for ${named}`];
}

function mapsTable({ maps, programs }: Plan): string {
  if (maps.length === 0) return "";
  const rows = maps.flatMap((map, i): string[][] => [
    mapRow(String(i), map, maps, programs),
    ...(map.inner === null ? [] : [mapRow("", map.inner, maps, programs)]),
  ]);
  return formatTable(["#", "MAP", "TYPE", "KEY", "VALUE", "ENTRIES", "FLAGS", "NOTES"], rows, RIGHT);
}

function mapRow(
  place: string,
  map: PlannedMap,
  maps: readonly PlannedMap[],
  programs: readonly PlannedProgram[],
): string[] {
  const notes: string[] = [];
  if (map.contents !== null) notes.push(map.contents.some((byte) => byte !== 0) ? "filled" : "zeros");
  if (map.frozen) notes.push("frozen");
  if (map.pinned) notes.push("pinned by name");
  if (map.extra !== 0n) notes.push(`extra ${map.extra}`);
  if (!map.autocreate) notes.push("not by default");
  const named = map.slots.flatMap((slot, i) => {
    if (slot === null) return [];
    return [`[${i}] ${(isMapInMap(map.type) ? maps[slot]?.name : programs[slot]?.name) ?? slot}`];
  });
  return [
    place,
    map.name,
    mapTypeName(map.type),
    String(map.keySize),
    String(map.valueSize),
    map.entryPerCpu ? "per CPU" : String(map.maxEntries),
    map.flags === 0 ? "0" : `0x${map.flags.toString(16)}`,
    [...notes, ...named].join(", "),
  ];
}

function programsTable({ programs }: Plan): string {
  if (programs.length === 0) return "";
  const rows = programs.map((program) => [
    program.name,
    program.section,
    program.type ?? "unknown",
    attachText(program),
    String(program.instructions.length / 8),
    String(program.poisoned.length),
    [
      ...(program.autoload ? [] : ["not by default"]),
      ...program.parts.slice(1).map(({ name, start }) => `${name} at ${start}`),
    ].join(", "),
  ]);
  return formatTable(["PROGRAM", "SECTION", "TYPE", "ATTACHES TO", "INSNS", "POISONED", "NOTES"], rows, RIGHT);
}

function attachText({ attachTarget, attachType }: PlannedProgram): string {
  if (attachTarget === null) return attachType === 0 ? "-" : `attach type ${attachType}`;
  const { name, module, typeId } = attachTarget;
  const where = module === null ? name : `${module}:${name}`;
  return typeId === null ? where : `${where} [${typeId}]`;
}

function externsTable({ externs }: Plan): string {
  if (externs.length === 0) return "";
  const rows = externs.map(({ name, kind, weak, isFunction, setting, state }) => [
    name,
    kind === "kconfig" ? `kconfig ${setting?.type ?? ""}` : isFunction ? "kfunc" : "ksym",
    state,
    weak ? "weak" : "",
  ]);
  return formatTable(["EXTERN", "KIND", "STATE", "NOTES"], rows);
}

/** Why a loader refuses an object, for standard error. */
export function prepareNotes({ object, refusals }: Plan): string[] {
  return refusals.map((refusal) => printable(`${object}: refused: ${refusal}`));
}
