import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { systemCodeOf, systemReason } from "../system-error.ts";
import type { SourceProblem } from "./item.ts";

/** A file to read. */
export interface SourceFile {
  /** Where it is. */
  readonly path: string;
  /** Its name for results: the path from the directory that was given, or the path that was given itself; with `/`. */
  readonly name: string;
  /** Bytes, when it was looked at; 0 for a pipe or a device. */
  readonly size: number;
  /** True where the caller named this file, and not a directory above it. */
  readonly isNamed: boolean;
}

/**
 * The files of a path: itself, or all below a directory in the order of their names' bytes. Links to files are followed,
 * links to directories are not but for the path itself, so that no loop can be. What cannot be looked at comes as data.
 */
export function* walkFiles(path: string): Generator<SourceFile | SourceProblem> {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) yield* below(path, "");
    // A pipe (/dev/stdin, a shell's <(...)) can be read once, as a file can.
    else yield { path, name: path, size: stats.isFile() ? stats.size : 0, isNamed: true };
  } catch (error) {
    yield unreadable(path, error);
  }
}

function* below(directory: string, prefix: string): Generator<SourceFile | SourceProblem> {
  let names: { readonly name: string; readonly isDirectory: boolean; readonly isLink: boolean }[];
  try {
    names = readdirSync(directory, { withFileTypes: true }).map((entry) => ({
      name: entry.name,
      isDirectory: entry.isDirectory(),
      isLink: entry.isSymbolicLink(),
    }));
  } catch (error) {
    yield unreadable(directory, error);
    return;
  }
  names.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  for (const { name, isDirectory, isLink } of names) {
    const path = join(directory, name);
    const relative = `${prefix}${name}`;
    if (isDirectory) {
      yield* below(path, `${relative}/`);
      continue;
    }
    try {
      const stats = statSync(path);
      // A link to a directory, a device, a socket: no file of this tree.
      if (stats.isFile()) yield { path, name: relative, size: stats.size, isNamed: false };
    } catch (error) {
      // A file that went away since the directory was read is one that is not there; a broken link is worth a word.
      if (isLink || !(error instanceof Error && "code" in error && error.code === "ENOENT"))
        yield unreadable(path, error);
    }
  }
}

/** The problem of a file the system does not let us read. Rethrows what is no error of the system. */
export function unreadable(path: string, error: unknown): SourceProblem {
  if (systemCodeOf(error) === undefined) throw error;
  return { origin: path, code: "unreadable", problem: systemReason(error) };
}
