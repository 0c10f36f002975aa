import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { provenancePath } from "./beside.ts";
import type { BundleEntry } from "./bundle.ts";
import { sha256 } from "./bundle.ts";
import { compressTar, containerOf } from "./container.ts";
import { type BundleShape, bundleFiles } from "./layout.ts";
import { identityOfName } from "./naming.ts";
import { formatProvenance, type Provenance } from "./provenance.ts";
import { hashOfBlobName, INDEX_NAME } from "./store-index.ts";
import { type BundleFile, packTar } from "./tar.ts";

/** What was written. */
export interface WrittenBundle {
  readonly path: string;
  /** The files beside it, if any: its provenance. */
  readonly provenance: string | null;
  readonly kernels: number;
  /** Distinct blobs. */
  readonly blobs: number;
  /** Of the container, in bytes; of all files together for a directory. */
  readonly bytes: number;
  /** SHA-256 of the tar that holds the bundle's files: what identifies it in any container. */
  readonly tarSha256: string;
}

/** The output is there and is not for us to replace: no bundle, or what cannot be. */
export class NotReplaceableError extends Error {
  constructor(path: string, reason: string) {
    super(`${path} is ${reason}`);
    this.name = "NotReplaceableError";
  }
}

const RENAME_TRIES = 5;

/**
 * Writes a bundle and its provenance so that, under its final name, there is all of it or nothing of it. The container
 * follows the path's suffix (see containerOf). A directory is built beside its place and renamed into it; one that is
 * there is replaced when it is empty or has nothing but a bundle's files. A process killed in the middle may leave
 * `.NAME.*.tmp` beside it, which nothing reads.
 * @throws NotReplaceableError, CouldNotRunError (no encoder), or what the system says of the path.
 */
export async function writeBundle(
  path: string,
  entries: readonly BundleEntry[],
  shape: BundleShape,
  provenance: Provenance | null,
): Promise<WrittenBundle> {
  const given = path.replace(/(?<=.)\/+$/, "");
  const target = followed(given);
  const container = containerOf(given);
  const tar = await packTar(bundleFiles(entries, shape, true));
  let bytes: number;
  if (container === "directory") {
    const files = bundleFiles(entries, shape, false);
    replaceDirectory(target, files, given);
    bytes = files.reduce((sum, file) => sum + file.bytes.length, 0);
  } else {
    const packed = await compressTar(tar, container);
    replaceFile(target, packed);
    bytes = packed.length;
  }
  const beside = provenancePath(given);
  if (provenance !== null) replaceFile(beside, new TextEncoder().encode(formatProvenance(provenance)));
  // What an earlier bundle of this name came from says nothing about this one.
  else rmSync(beside, { force: true });
  return {
    path: given,
    provenance: provenance === null ? null : beside,
    kernels: entries.length,
    blobs: new Set(entries.map(({ blobHash }) => blobHash)).size,
    bytes,
    tarSha256: sha256(tar),
  };
}

/**
 * Says before any work is done whether a bundle may be written to this path.
 * @throws NotReplaceableError, or what the system says of the path.
 */
export function checkBundleTarget(path: string): void {
  const given = path.replace(/(?<=.)\/+$/, "");
  if (containerOf(given) === "directory") checkReplaceable(followed(given), given);
}

/** A symbolic link stays one: what it leads to is replaced. */
function followed(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = temporaryName(path);
  try {
    writeSynced(temporary, bytes);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function replaceDirectory(path: string, files: readonly BundleFile[], given: string): void {
  checkReplaceable(path, given);
  const fresh = temporaryName(path);
  const old = `${fresh}.old.tmp`;
  try {
    mkdirSync(fresh);
    const made = new Set<string>();
    for (const { name, bytes } of files) {
      const file = join(fresh, name);
      const directory = dirname(file);
      if (!made.has(directory)) mkdirSync(directory, { recursive: true });
      made.add(directory);
      writeFileSync(file, bytes);
    }
    swap(fresh, path, old);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

/** Puts `fresh` in the place of `path`. Where another run does the same at the same time, the last one stays, whole. */
function swap(fresh: string, path: string, old: string): void {
  for (let left = RENAME_TRIES; ; left--) {
    try {
      // Replaces an empty directory at once; a full one must be moved away.
      renameSync(fresh, path);
      return;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if ((code !== "ENOTEMPTY" && code !== "EEXIST") || left === 0) throw error;
    }
    try {
      rmSync(old, { recursive: true, force: true });
      renameSync(path, old);
    } catch (error) {
      // Gone already: the other run has just moved it.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}

function checkReplaceable(path: string, given: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (stats.dev !== statSync(dirname(path)).dev) {
    throw new NotReplaceableError(given, "a mount point, which nothing can be renamed to: name a directory in it");
  }
  // A file of that name fails here, as "not a directory".
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const name = relative(path, join(entry.parentPath, entry.name));
    const ours = name === INDEX_NAME || hashOfBlobName(name) !== null || identityOfName(name) !== null;
    if (!entry.isFile() || !ours) {
      throw new NotReplaceableError(given, `a directory with other files in it (${name}): it is not replaced`);
    }
  }
}

function writeSynced(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, "wx");
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}.tmp`);
}
