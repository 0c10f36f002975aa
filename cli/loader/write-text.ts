import { mapTypeName, wantsEntries } from "../../lib/prepare/map-type.ts";
import { formatTable, printable } from "../table.ts";
import type { LoaderReport } from "./write.ts";

const RIGHT: ReadonlySet<string> = new Set(["KEY", "VALUE", "ENTRIES"]);

/** What the loader makes, and how large it is. */
export function loaderText(report: LoaderReport): string {
  const { object, output, emit, since, size, maps, programs } = report;
  if (output === null) return "";
  const head = [
    `object   ${object}`,
    `CO-RE    ${relocationsText(report)}`,
    `kernel   Linux ${since} and later`,
    `loader   ${size.instructions} instructions, ${size.data} bytes of data`,
    `output   ${output} (${emit}, ${size.file} bytes)`,
  ];
  const mapRows = maps.map(({ name, type, keySize, valueSize, maxEntries, entryPerCpu, frozen, pinned }) => [
    name,
    mapTypeName(type),
    String(keySize),
    String(valueSize),
    entryPerCpu ? "per CPU" : String(maxEntries),
    [...(frozen ? ["frozen"] : []), ...(pinned ? ["to be pinned by its user"] : [])].join(", "),
  ]);
  const programRows = programs.map(({ name, section, type }) => [name, section, type ?? "unknown"]);
  const tables = [
    ...(maps.length === 0 ? [] : [formatTable(["MAP", "TYPE", "KEY", "VALUE", "ENTRIES", "NOTES"], mapRows, RIGHT)]),
    ...(programs.length === 0 ? [] : [formatTable(["PROGRAM", "SECTION", "TYPE"], programRows)]),
  ];
  return [head.map((line) => `${printable(line)}\n`).join(""), ...tables].join("\n");
}

function relocationsText({ relocations, target }: LoaderReport): string {
  if (relocations === 0) return "none in the object";
  return target === null ? "left to the kernel that runs it" : `applied for ${target}`;
}

/** Why there is none, and what is left to do, for standard error. */
export function loaderNotes({ object, refusals, unset, maps }: LoaderReport): string[] {
  const notes = refusals.map((refusal) => `${object}: refused: ${refusal}`);
  const open = unset.filter((name) => !name.startsWith("LINUX_"));
  if (open.length > 0) notes.push(`${open.join(", ")}: 0 until --kconfig FILE, or who runs the loader, gives a value`);
  for (const { name } of maps.filter((map) => wantsEntries(map) && !map.entryPerCpu)) {
    notes.push(`${name}: 0 entries until --max-entries ${name}=COUNT, or who runs the loader, gives a number`);
  }
  const pinned = maps.filter((map) => map.pinned).map(({ name }) => name);
  if (pinned.length > 0) notes.push(`${pinned.join(", ")}: not pinned: a loader program cannot, who runs it can`);
  if (refusals.length > 0) notes.push("nothing is written");
  return notes.map(printable);
}
