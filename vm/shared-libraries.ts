/** The shared libraries of programs, by the dynamic linker's rules as far as a distribution's own files need them. */
import { readFileSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { CouldNotRunError } from "../corpus/could-not-run.ts";
import { type Elf, findSection, openElf, rawSectionBytes } from "../lib/elf/elf.ts";
import { readAddress } from "../lib/elf/reader.ts";

/** Tags of `.dynamic`: elf(5). */
const DT_NEEDED = 1;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const USUAL_PLACES = ["/usr/local/lib", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/** A file for a program's start. */
export interface SharedLibrary {
  /** The name that others ask for: `libbpf.so.1`. */
  readonly name: string;
  /** Where it is here. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** All that some programs and libraries need. */
export interface LibraryClosure {
  readonly libraries: readonly SharedLibrary[];
  /** The dynamic linker, by the absolute path that the programs name; null where none names one. */
  readonly linker: { readonly path: string; readonly bytes: Uint8Array } | null;
}

/**
 * Finds what files need, and what that needs. `roots` are paths, or names of libraries, which then are in the result
 * themselves. Libraries are looked for where the file says, where this process has its own, and in the usual places.
 * @throws CouldNotRunError for a library that is not there.
 */
export function librariesOf(roots: readonly string[]): LibraryClosure {
  const places = [...new Set([...ownPlaces(), ...USUAL_PLACES])];
  const libraries = new Map<string, SharedLibrary>();
  let linker: LibraryClosure["linker"] = null;
  const follow = (path: string, bytes: Uint8Array) => {
    const elf = openElf(bytes, path);
    const interpreter = textOf(elf, ".interp");
    if (interpreter !== null && linker === null) linker = { path: interpreter, bytes: readFileSync(interpreter) };
    const { needed, runPaths } = dynamicOf(elf);
    const own = runPaths.map((place) => place.replace(/\$\{?ORIGIN\}?/g, dirname(realpathSync(path))));
    for (const name of needed) need(name, [...own, ...places]);
  };
  const need = (name: string, where: readonly string[]) => {
    // The linker is needed by name as well; it is there already.
    if (libraries.has(name) || name === basename(linker?.path ?? "")) return;
    const found = firstOf(name, where);
    if (found === null) throw new CouldNotRunError(`${name} is not on this machine (looked in ${where.join(", ")})`);
    libraries.set(name, { name, ...found });
    follow(found.path, found.bytes);
  };
  for (const root of roots) {
    if (isAbsolute(root)) follow(root, readFileSync(root));
    else need(root, places);
  }
  return { libraries: [...libraries.values()], linker };
}

/** Directories of the libraries that this very process was started with. */
function ownPlaces(): string[] {
  const report = process.report.getReport() as { sharedObjects?: readonly string[] };
  return (report.sharedObjects ?? []).filter(isAbsolute).map((path) => dirname(path));
}

function firstOf(name: string, places: readonly string[]): { path: string; bytes: Uint8Array } | null {
  for (const place of places) {
    const path = join(place, name);
    try {
      const bytes = readFileSync(path);
      // A linker script, or another architecture's.
      if (openElf(bytes, path).is64) return { path, bytes };
    } catch {
      // Not here.
    }
  }
  return null;
}

function textOf(elf: Elf, name: string): string | null {
  const section = findSection(elf, name);
  return section === undefined ? null : stringAt(rawSectionBytes(elf, section), 0);
}

function dynamicOf(elf: Elf): { needed: string[]; runPaths: string[] } {
  const section = findSection(elf, ".dynamic");
  const strings = section === undefined ? undefined : elf.sections[section.link];
  const [needed, runPaths]: [string[], string[]] = [[], []];
  if (section === undefined || strings === undefined) return { needed, runPaths };
  const text = rawSectionBytes(elf, strings);
  const word = elf.is64 ? 8 : 4;
  const end = section.offset + rawSectionBytes(elf, section).length;
  for (let at = section.offset; at + 2 * word <= end; at += 2 * word) {
    const tag = readAddress(elf.reader, at);
    const value = readAddress(elf.reader, at + word);
    if (tag === 0) break;
    if (tag === DT_NEEDED) needed.push(stringAt(text, value));
    else if (tag === DT_RPATH || tag === DT_RUNPATH) runPaths.push(...stringAt(text, value).split(":"));
  }
  return { needed, runPaths };
}

function stringAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  return Buffer.from(bytes.subarray(at, end === -1 ? bytes.length : end)).toString("utf8");
}
