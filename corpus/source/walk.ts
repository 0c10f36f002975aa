import { type Dirent, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROVENANCE_SUFFIX, provenancePath } from "../bundle/beside.ts";
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
 * links to directories are not but for the path itself, so that no loop can be. What cannot be looked at comes as data, and
 * so do bundles that are known by the provenance beside them: an earlier run's small BTF would be taken for kernels'. What is
 * hidden is passed over: `.git`, and what a run that was killed has left.
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

const BUNDLE: Pick<SourceProblem, "code" | "problem"> = {
  code: "bundle",
  problem: "a bundle of small BTF, as its provenance beside it says",
};
/** What a name has that is no text in UTF-8: such a file cannot be opened by it. */
const NO_TEXT = "\ufffd";

function* below(directory: string, prefix: string): Generator<SourceFile | SourceProblem> {
  let entries: readonly Dirent[];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    yield unreadable(directory, error);
    return;
  }
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))) {
    const { name } = entry;
    if (name.startsWith(".")) continue;
    const path = join(directory, name);
    const relative = `${prefix}${name}`;
    if (names.has(provenancePath(name))) {
      yield { origin: path, ...BUNDLE };
    } else if (entry.isDirectory()) {
      yield* below(path, `${relative}/`);
    } else if (!isProvenance(name, names)) {
      yield* fileOf(path, relative, entry);
    }
  }
}

/** True for what lies beside a bundle that is there. */
function isProvenance(name: string, names: ReadonlySet<string>): boolean {
  return name.endsWith(PROVENANCE_SUFFIX) && names.has(name.slice(0, -PROVENANCE_SUFFIX.length));
}

function* fileOf(path: string, name: string, entry: Dirent): Generator<SourceFile | SourceProblem> {
  try {
    const stats = statSync(path);
    // A link to a directory, a device, a socket: no file of this tree.
    if (stats.isFile()) yield { path, name, size: stats.size, isNamed: false };
  } catch (error) {
    const isGone = systemCodeOf(error) === "ENOENT" && !entry.isSymbolicLink();
    if (isGone && entry.name.includes(NO_TEXT)) {
      yield { origin: path, code: "unreadable", problem: "its name is not UTF-8" };
    }
    // A file that went away since the directory was read is one that is not there; a broken link is worth a word.
    else if (!isGone) yield unreadable(path, error);
  }
}

/** The problem of a file the system does not let us read. Rethrows what is no error of the system. */
export function unreadable(path: string, error: unknown): SourceProblem {
  if (systemCodeOf(error) === undefined) throw error;
  return { origin: path, code: "unreadable", problem: systemReason(error) };
}
