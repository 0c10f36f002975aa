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

/** A tally without anything in it. Equal outputs are held once: many kernels have the same. */
export function emptyTally(): Tally {
  const results: { readonly index: number; readonly result: FileResult }[] = [];
  const blobs = new Map<string, Uint8Array>();
  let slowest: SlowFile[] = [];
  return {
    add: ({ index, name }, result, milliseconds) => {
      const parts = result.parts.map((part) => {
        if (part.state !== "done") return part;
        const bytes = blobs.get(part.blobHash) ?? part.bytes;
        blobs.set(part.blobHash, bytes);
        return { ...part, bytes };
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
