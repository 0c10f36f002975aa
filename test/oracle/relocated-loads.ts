/** Objects and what they become ahead of time, loaded for real: with the kernel's BTF, and with none to be seen. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { CandidateIndex } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { relocateObject } from "../../lib/prepare/relocate.ts";
import { type Built, buildNative } from "./native.ts";
import { findProgram } from "./process.ts";

/** One program of one object, loaded by itself. */
export interface LoadedLine {
  readonly side: "before" | "after";
  readonly object: string;
  /** Null where the object cannot be opened. */
  readonly program: string | null;
  readonly errno: number;
  readonly tag?: string;
  readonly verified?: number;
  readonly code?: string;
}

/** Both sides of a set of objects, under the same names. */
export interface BothSides {
  readonly before: ReadonlyMap<string, Uint8Array>;
  readonly after: ReadonlyMap<string, Uint8Array>;
  /** Objects left out: they want the kernel's BTF for more than relocations, or are refused. */
  readonly needy: number;
}

/** The loader, statically linked so that it can be a virtual machine's first process. */
export function loaderProgram(): Built {
  const compiler = findProgram(["gcc", "cc"], "--version");
  if (compiler === undefined) return { missing: "no C compiler" };
  const toolchain = { name: "static", before: [compiler[0], "-O1", "-static"], after: ["-lelf", "-lz"] };
  return buildNative("libbpf-load", ["libbpf-load.c"], ["bpf"], toolchain);
}

/** Relocates the objects in files for a kernel. */
export function relocateFiles(paths: readonly string[], index: CandidateIndex): BothSides {
  const before = new Map<string, Uint8Array>();
  const after = new Map<string, Uint8Array>();
  let needy = 0;
  for (const path of paths) {
    for (const { bytes, name } of findBpfObjects(new Uint8Array(readFileSync(path)), basename(path))) {
      const object = parseBpfObject(bytes, name);
      const result = relocateObject(object, resolveObject(object, index));
      if (result.bytes === null || result.needs.length > 0) {
        needy++;
        continue;
      }
      const file = `${name.replaceAll(/[^\w.-]/g, "_").replace(/\.o$/, "")}.o`;
      before.set(file, new Uint8Array(bytes));
      after.set(file, result.bytes);
    }
  }
  return { before, after, needy };
}

/** Writes both sides below a directory, as the loader wants them. */
export function writeSides({ before, after }: BothSides, directory: string): void {
  for (const [side, files] of [["before", before] as const, ["after", after] as const]) {
    mkdirSync(join(directory, side), { recursive: true });
    for (const [name, bytes] of files) writeFileSync(join(directory, side, name), bytes);
  }
}

/** What the loader said. Throws Error where it did not come to its end, or could not hide the BTF. */
export function readLoads(output: string): { before: LoadedLine[]; after: LoadedLine[] } {
  const lines = output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as LoadedLine & { hidden?: number; end?: boolean });
  if (lines.at(-1)?.end !== true) throw new Error(`the loader did not come to its end: ${output.slice(-500)}`);
  const hidden = lines.find((line) => line.hidden !== undefined)?.hidden;
  if (hidden !== 0) throw new Error(`the kernel's BTF could not be hidden: errno ${hidden}`);
  const of = (side: LoadedLine["side"]) => lines.filter((line) => line.side === side);
  return { before: of("before"), after: of("after") };
}

/** The lines without their side, as both must be the same. */
export function withoutSide(lines: readonly LoadedLine[]) {
  return lines.map(({ side: _, ...rest }) => rest);
}
