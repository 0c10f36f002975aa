/** The whole corpus through the command as people run it, once for each layout, for tests to look at. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { type OpenBundle, openBundle } from "../../corpus/bundle/read.ts";
import { openStorage } from "../../corpus/bundle/storage.ts";
import { fixtureObjects, type ObjectFile, toolObjects } from "../oracle/object-files.ts";
import { runProcess } from "../oracle/process.ts";

const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
const BATCH_TIMEOUT_MS = 300_000;

/** What `btfgen batch` made of the corpus. */
export interface WholeBundle {
  /** The objects of libbpf-tools that have CO-RE relocations, for every little-endian kernel. */
  readonly tools: readonly ObjectFile[];
  /** Our own big-endian objects, for s390x. */
  readonly bigEndian: readonly ObjectFile[];
  /** A tree in a .tar.xz. */
  readonly tree: OpenBundle;
  /** The same as a store in a directory. */
  readonly store: OpenBundle;
  /** Paths of both. */
  readonly paths: readonly [tree: string, store: string];
  /** The end of the first run's `--json`. */
  readonly summary: BatchSummary;
}

/** Of the summary, what tests use. */
interface BatchSummary {
  readonly kernels: { readonly done: number; readonly skipped: number; readonly failed: number };
}

/** Runs the batch twice: first the work, then the other layout from the cache. Written into `directory`. */
export async function makeWholeBundle(corpus: string, directory: string): Promise<WholeBundle> {
  const tools = toolObjects(join(directory, "tools")).filter(({ object }) => object.relocations.length > 0);
  const bigEndian = fixtureObjects("objects-be");
  const objects = [...tools.map(({ path }) => path), ...bigEndian.map(({ path }) => `s390x=${path}`)];
  const [tree, store] = [join(directory, "tree.tar.xz"), join(directory, "store")];
  const batch = (...args: string[]) =>
    btfgen(
      "batch",
      corpus,
      ...objects.flatMap((object) => ["--object", object]),
      "--cache",
      join(directory, "cache"),
      ...args,
    );
  const lines = batch("-o", tree, "--json").trim().split("\n");
  batch("-o", store, "--layout", "store");
  return {
    tools,
    bigEndian,
    tree: openBundle(await openStorage(tree)),
    store: openBundle(await openStorage(store)),
    paths: [tree, store],
    summary: JSON.parse(lines.at(-1) ?? "") as BatchSummary,
  };
}

/** Runs the built command; what it printed. Anything but exit code 0 fails the test, with what it said. */
export function btfgen(...args: string[]): string {
  const result = runProcess([process.execPath, COMMAND, ...args], { timeoutMs: BATCH_TIMEOUT_MS });
  expect(result.code, result.stderr).toBe(0);
  return Buffer.from(result.stdout).toString("utf8");
}
