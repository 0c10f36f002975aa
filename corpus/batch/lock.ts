import { randomBytes } from "node:crypto";
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { CouldNotRunError } from "../could-not-run.ts";

const LOCK = "lock";
/** Held for the moment in which a dead run's lock is replaced. */
const TAKEOVER = "lock.takeover";
const TAKEOVER_STALE_MS = 10_000;
/** Of /proc/PID/stat, behind the name, which may hold spaces: the process's start, in clock ticks since boot. */
const START_FIELD = 19;

/** A living run writes to its lock this often; one of another host that has not for so long is dead. */
const BEAT_MS = 15_000;
const DEAD_MS = 5 * 60_000;

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  /** When it started: a number is given to many processes, but to one at a time. */
  readonly start: string;
  readonly host: string;
}

/**
 * Takes a state directory for this process, and gives back what lets it go. Of two runs into one output the second is
 * refused; a lock that a dead process has left is taken over: at once where it was one of this host, else once it has
 * been still for five minutes by the clock of the file system.
 * @throws CouldNotRunError where another run holds it.
 */
export function takeLock(directory: string, output: string): () => void {
  const path = join(directory, LOCK);
  const own = join(directory, `${LOCK}.${process.pid}.${randomBytes(4).toString("hex")}`);
  const text = JSON.stringify(ourselves());
  writeFileSync(own, text);
  try {
    // A link is made or not, and what it shows is complete from the start.
    if (!linked(own, path)) replaceDead(own, path, directory, output);
  } finally {
    rmSync(own, { force: true });
  }
  const timer = setInterval(() => beat(path, text), BEAT_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (isOurs(path, text)) rmSync(path, { force: true });
  };
}

/** Writes the same over the same: never half a lock, and its time is the file system's, whatever this host's clock says. */
function beat(path: string, text: string): void {
  if (!isOurs(path, text)) return;
  try {
    const fd = openSync(path, "r+");
    writeSync(fd, text, 0);
    closeSync(fd);
  } catch {
    // The next one may come through.
  }
}

function isOurs(path: string, text: string): boolean {
  try {
    return readFileSync(path, "utf8") === text;
  } catch {
    return false;
  }
}

function replaceDead(own: string, path: string, directory: string, output: string): void {
  refuseLiving(own, path, output);
  const guard = join(directory, TAKEOVER);
  const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > TAKEOVER_STALE_MS) rmSync(guard, { force: true });
  if (!linked(own, guard)) throw held(output, "another run");
  try {
    // Somebody may have been quicker between the first look and the guard.
    refuseLiving(own, path, output);
    renameSync(own, path);
  } finally {
    rmSync(guard, { force: true });
  }
}

function refuseLiving(own: string, path: string, output: string): void {
  const holder = readHolder(path);
  if (holder === null) return;
  if (holder.host !== hostname()) {
    const silent = (statSync(own).mtimeMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)) / 1000;
    if (silent * 1000 > DEAD_MS) return;
    const seconds = Math.max(1, Math.ceil(DEAD_MS / 1000 - silent));
    const advice = `; if that is gone, try again in ${seconds} seconds, or remove ${path}`;
    throw held(output, `process ${holder.pid} on ${holder.host}`, advice);
  }
  if (startOf(holder.pid) === holder.start) throw held(output, `process ${holder.pid}`);
}

function held(output: string, who: string, more = ""): CouldNotRunError {
  return new CouldNotRunError(`${output} is being written by ${who}${more}`);
}

function ourselves(): Holder {
  return { pid: process.pid, start: startOf(process.pid) ?? "", host: hostname() };
}

/** When a process started, as its system has it; undefined for one that is not there. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[START_FIELD];
  } catch {
    // No such process; or no /proc, where all that can be asked is whether there is one.
    return existsWithoutProc(pid) ? "" : undefined;
  }
}

function existsWithoutProc(pid: number): boolean {
  if (statSync("/proc/self", { throwIfNoEntry: false }) !== undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // Let go in the meantime, or no lock of ours: links never show half a file.
    return null;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
