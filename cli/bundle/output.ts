import type { BundleEntry } from "../../corpus/bundle/bundle.ts";
import { containerOf } from "../../corpus/bundle/container.ts";
import type { BundleShape } from "../../corpus/bundle/layout.ts";
import type { Provenance } from "../../corpus/bundle/provenance.ts";
import { checkBundleTarget, NotReplaceableError, type WrittenBundle, writeBundle } from "../../corpus/bundle/write.ts";
import { outputError } from "../atomic.ts";
import { UsageError } from "../errors.ts";
import { isInput } from "../inputs/input.ts";

/**
 * Writes a bundle. A signal meanwhile is heard once all of it is in place. Throws UsageError where the path is wrong, has
 * something else or is an input, RunError where the system or an encoder fails.
 */
export async function writeBundleTo(
  path: string,
  entries: readonly BundleEntry[],
  shape: BundleShape,
  provenance: Provenance | null,
): Promise<WrittenBundle> {
  if (isInput(path)) throw new UsageError(`cannot write ${path}: it is an input`);
  const release = holdSignals();
  try {
    return await writeBundle(path, entries, shape, provenance);
  } catch (error) {
    throw bundleError(path, error);
  } finally {
    release();
  }
}

const SIGNALS: readonly NodeJS.Signals[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** Keeps signals from ending the process; what it returns lets them through again, the one that came included. */
function holdSignals(): () => void {
  let came: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals) => {
    came ??= signal;
  };
  for (const signal of SIGNALS) process.on(signal, hold);
  return () => {
    for (const signal of SIGNALS) process.off(signal, hold);
    if (came !== undefined) process.kill(process.pid, came);
  };
}

/** Throws a UsageError before any work is done where writeBundleTo would refuse the path. */
export function checkBundleOutput(path: string): void {
  checkBundleName(path);
  try {
    checkBundleTarget(path);
  } catch (error) {
    throw bundleError(path, error);
  }
}

/** A directory that is not replaced by renaming another one to its name: `.`, `a/..`, `/`. */
const NAMELESS = /^\/+$|(^|\/)\.{1,2}\/*$/;
/** Names of what a bundle cannot be, and a directory of that name would be taken for. */
const OTHER_CONTAINER = /\.(tar\.\w+|zip|7z|gz|xz|zst|bz2|tbz2?|lz4)$/i;

/** Throws a UsageError for standard output and other things that a bundle cannot be. */
export function checkBundleName(path: string): void {
  if (path === "-") throw new UsageError("a bundle cannot go to standard output", "Give a path to -o.");
  if (NAMELESS.test(path)) throw new UsageError(`cannot write ${path}: a bundle needs a name of its own`);
  if (OTHER_CONTAINER.test(path) && containerOf(path) === "directory") {
    throw new UsageError(`cannot write ${path}: a bundle is a directory, or .tar, .tar.gz, .tar.zst, .tar.xz`);
  }
}

/** As outputError, for what is written as a bundle. */
export function bundleError(path: string, error: unknown): unknown {
  if (error instanceof NotReplaceableError)
    return new UsageError(error.message, "Give another path, or remove it first.");
  return outputError(path, error);
}
