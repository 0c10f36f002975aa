import {
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { RunError, systemCodeOf, systemReason, UsageError } from "./errors.ts";
import { isInput } from "./inputs/input.ts";
import type { OutputFile } from "./outcome.ts";
import { writeAll, writeOut } from "./output.ts";

/** Errors that mean the path itself is wrong, and no privilege or space would help. */
const WRONG_PATH: ReadonlySet<string> = new Set(["EEXIST", "EISDIR", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"]);
const NEW_FILE_MODE = 0o666;
const PERMISSION_BITS = 0o777;
const SIGNAL_EXIT_BASE = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Temporary files that exist now, to be removed when the process is told to stop. */
const pending = new Set<string>();
let guarded = false;

interface Prepared {
  readonly file: OutputFile;
  readonly target: string;
  readonly temporary: string;
}

/**
 * Writes files so that each has, under its final name, either its old content or all of its new content, whatever
 * happens to this process. Everything is written under temporary names in the same directories before the first rename,
 * so a disk that fills up leaves every target as it was. As with a compiler's outputs nobody waits for the disk (5 to
 * 8 ms of a process of 90, each file): a machine that loses power may lose what it wrote last. What is not a regular file
 * (a pipe, /dev/null, /dev/stdout) is written directly, and `-` is standard output. Throws RunError, or UsageError where
 * the path is wrong.
 */
export function writeFiles(files: readonly OutputFile[]): void {
  const prepared: Prepared[] = [];
  try {
    for (const file of files) {
      if (!isStdout(file.path) && !isSpecial(file.path)) prepared.push(prepare(file));
    }
    for (const { file, temporary, target } of prepared) {
      writing(file.path, () => renameSync(temporary, target));
      pending.delete(temporary);
    }
    for (const file of files) {
      if (isStdout(file.path)) writeOut(file.bytes);
      else if (isSpecial(file.path)) writing(file.path, () => writeDirectly(file));
    }
  } finally {
    removePending();
  }
}

/** Makes a directory where there is none yet, `parents` too. Throws as writeFiles does; a file of that name is a wrong path. */
export function makeDirectory(path: string, parents = false): void {
  const there = statOrUndefined(path);
  if (there?.isDirectory()) return;
  if (there !== undefined) throw new UsageError(`cannot write below ${path}: it is not a directory`);
  // Node's own way with parents never ends where the system will have no directory, as in /proc.
  if (parents && dirname(path) !== path) makeDirectory(dirname(path), true);
  writing(path, () => {
    try {
      mkdirSync(path);
    } catch (error) {
      // Another process may have been quicker.
      if (!statOrUndefined(path)?.isDirectory()) throw error;
    }
  });
}

/** Does what writes to a path, and has what the system says thrown as outputError has it. */
function writing<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw outputError(path, error);
  }
}

/** What the system says of an output, in the command's words: a UsageError where the path is wrong, else a RunError. Other errors stay. */
export function outputError(path: string, error: unknown): unknown {
  const code = systemCodeOf(error);
  if (code === undefined) return error;
  const isMissing = code === "ENOENT" || (code === "ENOTDIR" && path.endsWith("/"));
  const directory = path.endsWith("/") ? path : dirname(path);
  const reason = isMissing ? `there is no directory ${directory}` : systemReason(error);
  const message = `cannot write ${path}: ${reason}`;
  return WRONG_PATH.has(code) ? new UsageError(message) : new RunError(message);
}

function prepare(file: OutputFile): Prepared {
  return writing(file.path, () => {
    const old = statOrUndefined(file.path);
    if (isInput(file.path)) throw new UsageError(`cannot write ${file.path}: it is an input`);
    // A symbolic link stays one: its target is replaced.
    const target = old === undefined ? file.path : realpathSync(file.path);
    const temporary = join(dirname(target), `.${basename(target).slice(0, 200)}.${process.pid}-${pending.size}.tmp`);
    guardSignals();
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(temporary, flags, NEW_FILE_MODE);
    pending.add(temporary);
    try {
      if (old !== undefined) fchmodSync(fd, old.mode & PERMISSION_BITS);
      writeAll(fd, file.bytes);
    } finally {
      closeSync(fd);
    }
    return { file, target, temporary };
  });
}

function writeDirectly(file: OutputFile): void {
  const fd = openSync(file.path, constants.O_WRONLY);
  try {
    writeAll(fd, file.bytes);
  } catch (error) {
    // A reader of the pipe that has enough is not a fault.
    if (systemCodeOf(error) !== "EPIPE") throw error;
  } finally {
    closeSync(fd);
  }
}

/** True for the names of standard output, which stays the open file it is, also where that is a regular one. */
export function isStdout(path: string): boolean {
  return path === "-" || path === "/dev/stdout" || path === "/dev/fd/1" || path === "/proc/self/fd/1";
}

/** True for what must be written in place: devices, pipes, open descriptors. A directory is left to fail as one. */
function isSpecial(path: string): boolean {
  if (path.startsWith("/dev/fd/") || path.startsWith("/proc/")) return true;
  const stats = statOrUndefined(path);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

function statOrUndefined(path: string): Stats | undefined {
  return writing(path, () => statSync(path, { throwIfNoEntry: false }));
}

function removePending(): void {
  for (const path of pending) {
    try {
      unlinkSync(path);
    } catch {
      // Renamed already, or its directory is gone.
    }
  }
  pending.clear();
}

/** From the first temporary file on, a signal removes what is there before the process ends as the signal asks. */
function guardSignals(): void {
  if (guarded) return;
  guarded = true;
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.once(name, () => {
      removePending();
      process.exit(SIGNAL_EXIT_BASE + number);
    });
  }
}
