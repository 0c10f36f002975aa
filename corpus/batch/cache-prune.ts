import { closeSync, openSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

const DAY_MS = 24 * 3600 * 1000;

/** What a cache may hold. */
export interface CacheLimits {
  /** Days for which an entry is kept that nobody asks for. */
  readonly days: number;
  /** Of all entries together; those unused for the longest time go first. */
  readonly bytes: number;
}

/** An entry is some KiB: this is a hundred times the whole BTFHub archive. */
export const CACHE_LIMITS: CacheLimits = { days: 30, bytes: 1 << 30 };
/** A cache is gone through once in this time, however many runs share it. */
const PRUNE_EVERY_MS = DAY_MS;
/** A name is given this long to be written; what is left of a killed run is older. */
const WRITING_MS = 3600 * 1000;
const MARK = "pruned";
const FOLDER = /^[0-9a-f]{2}$/;
const ENTRY = /^[0-9a-f]{64}$/;
const UNFINISHED = /^[0-9a-f]{64}\.[0-9a-f]{12}\.tmp$/;

/** What was removed. */
export interface Pruned {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Removes what a cache need not hold, at most once a day; null where it was not gone through. Only what a cache writes is
 * touched, whatever else is in the directory. Runs that share it may go on: an entry that is gone is done again, one that
 * is being read stays readable. A cache that cannot be read or written is left alone.
 */
export function pruneCache(cache: string, limits: CacheLimits = CACHE_LIMITS, now: number = Date.now()): Pruned | null {
  const mark = join(cache, MARK);
  const last = factsOf(mark)?.mtimeMs;
  if (last !== undefined && now - last < PRUNE_EVERY_MS) return null;
  const found = entriesOf(cache);
  if (found === null) return null;
  // Before the work, so that of two runs that end at once one does it.
  if (!touch(mark, now)) return null;
  const old = (days: number) => now - days * DAY_MS;
  let left = found.filter(({ isWhole }) => isWhole).reduce((sum, { bytes }) => sum + bytes, 0);
  const pruned = { entries: 0, bytes: 0 };
  for (const { path, used, bytes, isWhole } of [...found].sort((a, b) => a.used - b.used)) {
    const isOver = isWhole ? used < old(limits.days) || left > limits.bytes : used < now - WRITING_MS;
    if (!isOver || !removed(path)) continue;
    if (isWhole) left -= bytes;
    pruned.entries++;
    pruned.bytes += bytes;
  }
  return pruned;
}

/** Says that an entry was used, so that it stays: its time is that of its last use, to the day. */
export function markUsed(path: string, now: number = Date.now()): void {
  try {
    if (now - statSync(path).mtimeMs > DAY_MS) utimesSync(path, new Date(now), new Date(now));
  } catch {
    // Gone in the meantime, or not ours to write: it is only kept for a shorter time.
  }
}

interface Entry {
  readonly path: string;
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly used: number;
  /** False for what a run has not finished writing. */
  readonly isWhole: boolean;
}

/** Null where there is no cache. */
function entriesOf(cache: string): Entry[] | null {
  const folders = namesIn(cache);
  if (folders === null) return null;
  return folders
    .filter((name) => FOLDER.test(name))
    .flatMap((folder) =>
      (namesIn(join(cache, folder)) ?? []).flatMap((name): Entry[] => {
        const isWhole = ENTRY.test(name);
        if (!isWhole && !UNFINISHED.test(name)) return [];
        const path = join(cache, folder, name);
        const found = factsOf(path);
        return found === undefined ? [] : [{ path, bytes: found.size, used: found.mtimeMs, isWhole }];
      }),
    );
}

function namesIn(directory: string): string[] | null {
  try {
    return readdirSync(directory);
  } catch {
    return null;
  }
}

function factsOf(path: string) {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function touch(path: string, now: number): boolean {
  try {
    closeSync(openSync(path, "a"));
    utimesSync(path, new Date(now), new Date(now));
    return true;
  } catch {
    return false;
  }
}

function removed(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}
