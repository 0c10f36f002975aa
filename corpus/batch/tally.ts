import type { PlannedFile } from "./plan.ts";
import type { DoneKernel, FailedPart, FileResult, PassedOver, SkippedKernel } from "./result.ts";

/** A kernel that is done, and the file it came from. */
export interface TalliedKernel extends DoneKernel {
  readonly sourceHash: string;
}

/** A file, and what it took. */
export interface SlowFile {
  readonly name: string;
  readonly milliseconds: number;
}

/** What a run has given, in the plan's order. */
export interface BatchTally {
  readonly kernels: readonly TalliedKernel[];
  readonly skipped: readonly SkippedKernel[];
  readonly failed: readonly FailedPart[];
  readonly passedOver: readonly PassedOver[];
  /** Files that were finished, and their bytes. */
  readonly files: number;
  readonly bytesRead: number;
  /** The slowest, from the slowest down. */
  readonly slowest: readonly SlowFile[];
}

const SLOWEST = 5;

/** Collects results as they come. */
export interface Tally {
  add(job: PlannedFile, result: FileResult, milliseconds: number): void;
  sorted(): BatchTally;
}

/** The value under a key, which is the first one that was put there. */
function once<V>(values: Map<string, V>, key: string, value: V): V {
  const known = values.get(key);
  if (known !== undefined) return known;
  values.set(key, value);
  return value;
}

/** A tally without anything in it. Equal outputs and lists are held once: many kernels have the same. */
export function emptyTally(): Tally {
  const results: { readonly index: number; readonly result: FileResult }[] = [];
  const blobs = new Map<string, Uint8Array>();
  const lists = new Map<string, Pick<DoneKernel, "unresolved" | "notKept">>();
  let slowest: SlowFile[] = [];
  return {
    add: ({ index, name }, result, milliseconds) => {
      const parts = result.parts.map((part) => {
        if (part.state !== "done") return part;
        const { blobHash, unresolved, notKept } = part;
        const bytes = once(blobs, blobHash, part.bytes);
        return { ...part, bytes, ...once(lists, JSON.stringify([unresolved, notKept]), { unresolved, notKept }) };
      });
      results.push({ index, result: { ...result, parts } });
      slowest = [...slowest, { name, milliseconds }].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST);
    },
    sorted: () => {
      results.sort((a, b) => a.index - b.index);
      const parts = results.flatMap(({ result: { sourceHash, parts } }) => parts.map((part) => ({ sourceHash, part })));
      return {
        kernels: parts.flatMap(({ sourceHash, part }) => (part.state === "done" ? [{ ...part, sourceHash }] : [])),
        skipped: parts.flatMap(({ part }) => (part.state === "skipped" ? [part] : [])),
        failed: parts.flatMap(({ part }) => (part.state === "failed" ? [part] : [])),
        passedOver: parts.flatMap(({ part }) => (part.state === "passed-over" ? [part] : [])),
        files: results.length,
        bytesRead: results.reduce((sum, { result }) => sum + result.bytesRead, 0),
        slowest,
      };
    },
  };
}
