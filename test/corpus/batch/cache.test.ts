import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultCache, readCached, writeCached } from "../../../corpus/batch/cache.ts";
import type { FileResult } from "../../../corpus/batch/result.ts";
import { workspace } from "../../cli/workspace.ts";

const { directory } = workspace();
const KEY = "ab".repeat(32);
const RESULT: FileResult = { key: KEY, sourceHash: "cd".repeat(32), bytesRead: 7, parts: [] };

function entryOf(cache: string): string {
  return join(cache, KEY.slice(0, 2), KEY);
}

describe("a cache", () => {
  it("gives back what it was given", () => {
    const cache = join(directory, "plain");
    expect(readCached(cache, KEY)).toBeNull();
    writeCached(cache, RESULT);
    expect(readCached(cache, KEY)).toEqual(RESULT);
    expect(readdirSync(join(cache, "ab"))).toEqual([KEY]);
  });

  it.each([
    ["torn", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["empty", () => Buffer.alloc(0)],
    ["longer", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("x")])],
    ["damaged", (bytes: Buffer) => Buffer.from(bytes).fill(0x20, 40, 41)],
  ])("ignores an entry that is %s, and writes it anew", (name, damage) => {
    const cache = join(directory, name);
    writeCached(cache, RESULT);
    const whole = readFileSync(entryOf(cache));
    writeFileSync(entryOf(cache), damage(whole));
    expect(readCached(cache, KEY)).toBeNull();
    writeCached(cache, RESULT);
    expect(readFileSync(entryOf(cache))).toEqual(whole);
  });

  it("ignores an entry of another key", () => {
    const cache = join(directory, "other");
    writeCached(cache, RESULT);
    writeCached(cache, { ...RESULT, key: `ab${"00".repeat(31)}` });
    writeFileSync(entryOf(cache), readFileSync(join(cache, "ab", `ab${"00".repeat(31)}`)));
    expect(readCached(cache, KEY)).toBeNull();
  });

  it("is no reason to fail where it cannot be written", () => {
    const cache = join(directory, "file");
    writeFileSync(cache, "not a directory");
    chmodSync(cache, 0o444);
    expect(() => writeCached(cache, RESULT)).not.toThrow();
    expect(readCached(cache, KEY)).toBeNull();
  });
});

describe("defaultCache", () => {
  it.each([
    [{ XDG_CACHE_HOME: "/var/cache/me" }, /^\/var\/cache\/me\/btfgen\/batch$/],
    [{ XDG_CACHE_HOME: "relative" }, /\/\.cache\/btfgen\/batch$/],
    [{}, /\/\.cache\/btfgen\/batch$/],
  ])("%j", (environment, expected) => {
    expect(defaultCache(environment)).toMatch(expected);
  });
});
