import { closeSync, fstatSync, openSync, readFileSync, readSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InputError, systemCodeOf, systemReason } from "../errors.ts";
import { pause } from "../output.ts";

const STDIN = 0;
const CHUNK_BYTES = 1 << 20;
/** As much as anything may have when it is unpacked (DEFAULT_MAX_BYTES of corpus/source). */
const MOST_STREAM_BYTES = 1 << 30;

/** How a message names the input `-`. */
export const STDIN_NAME = "(standard input)";

/** How a message names an input. */
export function nameOfInput(path: string): string {
  return path === "-" ? STDIN_NAME : path;
}

/** What to say of a BPF object where a kernel is expected, and the other way round. */
export const SWAPPED = "Are the kernel and the object swapped?";

/** What to say of a kernel among the objects of a command that takes one as an option, which is not there. */
export const BEHIND_TARGET = "A kernel goes behind --target";

/**
 * Reads a whole input file; `-` is standard input. Throws InputError with the file's name when that cannot be done.
 * Synchronous: for one file the thread pool and its promises only add time (about 1 ms).
 */
export function readInput(path: string): Uint8Array {
  const name = nameOfInput(path);
  let fd = STDIN;
  try {
    if (path !== "-") fd = openSync(path, "r");
    const stats = fstatSync(fd);
    if (!stats.isFile()) return readStream(fd, name);
    inputs.add(fileKey(stats));
    return readFileSync(fd);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    const isKernelWithout = systemCodeOf(error) === "ENOENT" && path.startsWith(RUNNING_BTF);
    throw new InputError(name, systemReason(error), isKernelWithout ? WITHOUT_BTF : undefined);
  } finally {
    if (fd !== STDIN) closeSync(fd);
  }
}

/** The first bytes of a file, at most `count`; none where it cannot be read, of which whoever reads it whole says why. */
export function headOf(path: string, count: number): Uint8Array {
  const head = Buffer.alloc(count);
  try {
    const fd = openSync(path, "r");
    try {
      return head.subarray(0, readSync(fd, head));
    } finally {
      closeSync(fd);
    }
  } catch {
    return head.subarray(0, 0);
  }
}

/** What to say of a BPF object in a compressed file or an archive. */
export const UNPACK = "Objects are read as they are: unpack it first.";

/** Where a kernel shows its own BTF, and what it means where it does not. */
const RUNNING_BTF = "/sys/kernel/btf/";
const WITHOUT_BTF =
  "The running kernel was built without CONFIG_DEBUG_INFO_BTF (or, for a module, has not loaded it): BTFHub may have its BTF.";

/** Files that were read: what is written must not take the place of one. */
const inputs = new Set<string>();

/** Directories of which files were read. */
const inputDirectories = new Set<string>();

/** Has a file or directory count as read that something else reads: another thread, or what opens bundles. */
export function markInput(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) inputs.add(fileKey(stats));
  if (stats?.isDirectory()) inputDirectories.add(fileKey(stats));
}

/** True for a file that was read, under whatever name, and for what is, or would be, a directory of such or in one. */
export function isInput(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && inputs.has(fileKey(stats))) return true;
  if (inputDirectories.size === 0) return false;
  for (let above = resolve(path); ; above = dirname(above)) {
    const directory = statSync(above, { throwIfNoEntry: false });
    if (directory !== undefined && inputDirectories.has(fileKey(directory))) return true;
    if (above === dirname(above)) return false;
  }
}

function fileKey({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/**
 * Checks that each path leads to something, for commands that leave a damaged file out and go on: a path that leads
 * nowhere is a mistake on the command line. Throws InputError.
 */
export function requireThere(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      statSync(path);
    } catch (error) {
      throw new InputError(path, systemReason(error));
    }
  }
}

/** Reads what tells no size and may never end: a pipe, a terminal, a device. */
function readStream(fd: number, name: string): Uint8Array {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let size: number;
    try {
      size = readSync(fd, chunk);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code === "EOF") break;
      if (code !== "EAGAIN") throw error;
      pause();
      continue;
    }
    if (size === 0) break;
    total += size;
    if (total > MOST_STREAM_BYTES) throw new InputError(name, `goes on after ${MOST_STREAM_BYTES} bytes`);
    chunks.push(chunk.subarray(0, size));
  }
  return Buffer.concat(chunks, total);
}
