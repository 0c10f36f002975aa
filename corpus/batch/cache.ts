import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { markUsed } from "./cache-prune.ts";
import { encodeRecord, readRecord } from "./record.ts";
import type { FileResult } from "./result.ts";

const PREFIX_DIGITS = 2;

/** Where results are kept unless told otherwise: `btfgen/batch` in `$XDG_CACHE_HOME`, else in `~/.cache`. */
export function defaultCache(environment: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CACHE_HOME } = environment;
  // The specification has relative paths ignored.
  const home = XDG_CACHE_HOME?.startsWith("/") === true ? XDG_CACHE_HOME : join(homedir(), ".cache");
  return join(home, "btfgen", "batch");
}

/** The result under a key; null where there is none, or one that is damaged, or of another key. */
export function readCached(cache: string, key: string): FileResult | null {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(pathOf(cache, key));
  } catch {
    // Not there, or not for us to read: a cache is never a reason to fail.
    return null;
  }
  const found = readRecord(bytes);
  if (found === null || found.end !== bytes.length || found.result.key !== key) return null;
  markUsed(pathOf(cache, key));
  return found.result;
}

/**
 * Keeps a result. Written beside its place and renamed, so that runs that share a cache see whole entries only. A cache
 * that cannot be written (read-only, full) is left alone.
 */
export function writeCached(cache: string, result: FileResult): void {
  const path = pathOf(cache, result.key);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, encodeRecord(result), { flag: "wx" });
    renameSync(temporary, path);
  } catch {
    remove(temporary);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its directory is none.
  }
}

function pathOf(cache: string, key: string): string {
  return join(cache, key.slice(0, PREFIX_DIGITS), key);
}
