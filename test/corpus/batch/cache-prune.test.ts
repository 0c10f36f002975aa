import { existsSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCached, writeCached } from "../../../corpus/batch/cache.ts";
import { CACHE_LIMITS, pruneCache } from "../../../corpus/batch/cache-prune.ts";
import type { FileResult } from "../../../corpus/batch/result.ts";
import { workspace } from "../../cli/workspace.ts";

const { directory } = workspace();
const DAY_MS = 24 * 3600 * 1000;
const NOW = Date.now();
const keyOf = (i: number) => i.toString(16).padStart(2, "0").repeat(32);
const resultOf = (i: number): FileResult => ({ key: keyOf(i), sourceHash: "cd".repeat(32), bytesRead: 7, parts: [] });
const pathOf = (cache: string, i: number) => join(cache, keyOf(i).slice(0, 2), keyOf(i));

/** A cache of entries that were last used so many days ago. */
function cacheOf(name: string, ages: readonly number[]): string {
  const cache = join(directory, name);
  ages.forEach((days, i) => {
    writeCached(cache, resultOf(i));
    age(pathOf(cache, i), days);
  });
  return cache;
}

function age(path: string, days: number): void {
  const time = new Date(NOW - days * DAY_MS);
  utimesSync(path, time, time);
}

function left(cache: string, count: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) => existsSync(pathOf(cache, i)));
}

describe("pruning a cache", () => {
  it("removes what nobody has used for so many days", () => {
    const cache = cacheOf("old", [0, 29, 31, 400]);
    expect(pruneCache(cache, CACHE_LIMITS, NOW)).toMatchObject({ entries: 2 });
    expect(left(cache, 4)).toEqual([0, 1]);
  });

  it("removes what was unused for the longest time where all are too much", () => {
    const cache = cacheOf("large", [3, 9, 1, 5]);
    const { size } = statSync(pathOf(cache, 0));
    expect(pruneCache(cache, { days: 30, bytes: 2 * size }, NOW)).toEqual({ entries: 2, bytes: 2 * size });
    expect(left(cache, 4)).toEqual([0, 2]);
  });

  it("is done once a day", () => {
    const cache = cacheOf("daily", [0, 40]);
    expect(pruneCache(cache, CACHE_LIMITS, NOW)).toMatchObject({ entries: 1 });
    writeCached(cache, resultOf(1));
    age(pathOf(cache, 1), 40);
    expect(pruneCache(cache, CACHE_LIMITS, NOW + DAY_MS / 2)).toBeNull();
    expect(left(cache, 2)).toEqual([0, 1]);
    expect(pruneCache(cache, CACHE_LIMITS, NOW + 1.01 * DAY_MS)).toMatchObject({ entries: 1 });
    expect(left(cache, 2)).toEqual([0]);
  });

  it("keeps an entry that is used, whenever it was made", () => {
    const cache = cacheOf("used", [40, 40]);
    expect(readCached(cache, keyOf(1))).toEqual(resultOf(1));
    expect(pruneCache(cache, CACHE_LIMITS, NOW)).toMatchObject({ entries: 1 });
    expect(left(cache, 2)).toEqual([1]);
  });

  it("touches nothing but what a cache writes", () => {
    const cache = cacheOf("mixed", [40]);
    mkdirSync(join(cache, "ab"));
    const others = ["mine", "ab/mine", "ab/ABCDEF", `ab/${"ab".repeat(31)}`].map((name) => join(cache, name));
    for (const path of others) {
      writeFileSync(path, "kept");
      age(path, 400);
    }
    symlinkSync(directory, join(cache, "cd"));
    expect(pruneCache(cache, CACHE_LIMITS, NOW)).toMatchObject({ entries: 1 });
    for (const path of others) expect(existsSync(path)).toBe(true);
  });

  it("removes what a killed run was writing, and not what one may be writing now", () => {
    const cache = cacheOf("killed", [0]);
    const [dead, living] = ["0".repeat(12), "1".repeat(12)].map((word) => `${pathOf(cache, 0)}.${word}.tmp`) as [
      string,
      string,
    ];
    for (const path of [dead, living]) writeFileSync(path, "half");
    age(dead, 1);
    expect(pruneCache(cache, CACHE_LIMITS, NOW)).toMatchObject({ entries: 1 });
    expect([dead, living].map((path) => existsSync(path))).toEqual([false, true]);
    expect(left(cache, 1)).toEqual([0]);
  });

  it("is no reason to fail where there is no cache, or none that can be read", () => {
    expect(pruneCache(join(directory, "nowhere"))).toBeNull();
    writeFileSync(join(directory, "file"), "not a directory");
    expect(pruneCache(join(directory, "file"))).toBeNull();
  });
});
