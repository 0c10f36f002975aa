import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { takeLock } from "./lock.ts";
import { encodeRecord, readRecords } from "./record.ts";
import { type FileResult, isReusable } from "./result.ts";

const SUFFIX = ".state";
const JOURNAL = "journal";
const SYNC_EVERY_MS = 1000;

/** Where the state of a run is: beside its bundle. */
export function statePath(output: string): string {
  return output.replace(/(?<=.)\/+$/, "") + SUFFIX;
}

/** An open run: what is finished is on disk, so that another process can go on from there. */
export interface RunState {
  /** Results of an interrupted run, by key. */
  readonly found: ReadonlyMap<string, FileResult>;
  /** Puts a finished result into the journal. */
  append(result: FileResult): void;
  /** Lets go of the output, and keeps what is finished. */
  leave(): void;
  /** Removes the state: the bundle is there. */
  finish(): void;
}

/**
 * Opens the state beside an output, alone. The journal is a run of records (see record.ts), each added whole behind the
 * others; where a process died while it wrote, the torn one is cut off. Records are by content key, so results of other
 * objects, options or files are simply never asked for.
 *
 * @param resume go on with what is there; otherwise it is dropped.
 * @throws CouldNotRunError where another run has the output, or what the system says.
 */
export function openState(output: string, resume: boolean): RunState {
  const directory = statePath(output);
  if (!existsSync(directory)) mkdirSync(directory);
  const unlock = takeLock(directory, output);
  let fd: number;
  let found: Map<string, FileResult>;
  try {
    const path = join(directory, JOURNAL);
    ({ found, fd } = openJournal(path, resume));
  } catch (error) {
    unlock();
    throw error;
  }
  let synced = Date.now();
  const leave = () => {
    fdatasyncSync(fd);
    closeSync(fd);
    unlock();
  };
  return {
    found,
    append: (result) => {
      if (!isReusable(result)) return;
      writeWhole(fd, encodeRecord(result));
      // A killed process loses nothing; this is for machines that lose power.
      if (Date.now() - synced < SYNC_EVERY_MS) return;
      fdatasyncSync(fd);
      synced = Date.now();
    },
    leave,
    finish: () => {
      closeSync(fd);
      rmSync(directory, { recursive: true, force: true });
      unlock();
    },
  };
}

/** True when an interrupted run has left results for this output. */
export function hasState(output: string): boolean {
  return existsSync(join(statePath(output), JOURNAL));
}

function openJournal(path: string, resume: boolean) {
  const bytes = resume && existsSync(path) ? readFileSync(path) : new Uint8Array();
  const found = new Map<string, FileResult>();
  let end = 0;
  for (const record of readRecords(bytes)) {
    found.set(record.result.key, record.result);
    end = record.end;
  }
  const fd = openSync(path, "a");
  ftruncateSync(fd, end);
  return { found, fd };
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
