import { mapTypeName } from "../../lib/prepare/map-type.ts";
import { programTypeName } from "../../lib/prepare/program-type.ts";
import { formatTable, printable } from "../table.ts";
import type { RanLoader, RunLoaderReport } from "./run-loader.ts";

const RIGHT: ReadonlySet<string> = new Set(["ID", "KEY", "VALUE", "ENTRIES", "VERIFIED"]);

/** What was created, as the kernel tells; logs that were asked for. */
export function runLoaderText({ kernel, loaders }: RunLoaderReport): string {
  return loaders
    .filter(({ failed, cannot }) => failed === null && cannot === null)
    .map((loader) => loaderText(kernel, loader))
    .join("\n");
}

function loaderText(kernel: string, { object, maps, programs, logs }: RanLoader): string {
  const mapRows = maps.map(({ full, id, type, keySize, valueSize, maxEntries, flags }) => {
    const numbers = [String(keySize), String(valueSize), String(maxEntries)];
    return [String(id), full, mapTypeName(type), ...numbers, flags === 0 ? "0" : `0x${flags.toString(16)}`];
  });
  const programRows = programs.map(({ full, id, type, tag, verifiedInstructions }) => {
    return [String(id), full, programTypeName(type), tag, String(verifiedInstructions)];
  });
  return [
    printable(`${object} on Linux ${kernel}: created, looked at, let go of\n`.trimEnd()),
    "",
    ...(maps.length === 0
      ? []
      : [formatTable(["ID", "MAP", "TYPE", "KEY", "VALUE", "ENTRIES", "FLAGS"], mapRows, RIGHT)]),
    ...(programs.length === 0 ? [] : [formatTable(["ID", "PROGRAM", "TYPE", "TAG", "VERIFIED"], programRows, RIGHT)]),
    ...logs.map(({ name, text }) => `${printable(name)}:\n${lines(text)}`),
  ].join("\n");
}

function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${printable(line)}\n`)
    .join("");
}

/** What failed, for standard error. */
export function runLoaderNotes({ kernel, loaders }: RunLoaderReport): string[] {
  // Without privilege there is one reason for all.
  return [...new Set(loaders.flatMap((loader) => notesOf(kernel, loader)))];
}

function notesOf(kernel: string, { file, failed, cannot, logs }: RanLoader): string[] {
  if (cannot !== null) return [printable(`run-loader: ${cannot}`)];
  if (failed === null) return [];
  const { stage, step, action, name, wantedBy, errnoName } = failed;
  const what = action === null ? stageText(stage) : `step ${step}, ${action}${name === "" ? "" : ` ${name}`}`;
  const hint =
    wantedBy === null || errnoName !== "ENOENT"
      ? []
      : [`  this kernel has it not: a loader made with --skip ${wantedBy} does without the program that wants it`];
  const last = logs.flatMap(({ text }) => text.split("\n"));
  return [
    printable(`${file}: ${what} gives ${errnoName} on Linux ${kernel}; nothing that it has made is left`),
    ...hint.map(printable),
    ...last.map((line) => printable(`  ${line}`)),
  ];
}

function stageText(stage: string): string {
  if (stage === "load") return "loading the loader program";
  if (stage === "run") return "running the loader program";
  if (stage === "add key") return "putting the certificate into the session's keyring";
  if (stage === "hash data") return "asking for the hash of the loader's data";
  return `${stage.split(" ")[0]} the map of the loader's data`;
}
