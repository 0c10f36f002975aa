import { createHash } from "node:crypto";
import { compareText } from "../../lib/btf/text-order.ts";

/** A file of a corpus, as found. */
export interface CorpusFile {
  /** Where it is. */
  readonly path: string;
  /** Its name in the corpus: below the directory that was given, or the file's own name. The same on every machine. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** True where this very file was given, and not a directory above it. */
  readonly isNamed: boolean;
}

/** One part of a run that is shared out among machines. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** A job: one file, with its place in the order of results. */
export interface PlannedFile extends CorpusFile {
  readonly index: number;
}

/** What a run is going to do. */
export interface BatchPlan {
  /** In the order of results. */
  readonly jobs: readonly PlannedFile[];
  /** Files of all shards together. */
  readonly filesTotal: number;
  readonly bytesTotal: number;
  readonly shard: Shard | null;
  /** SHA-256 over names and sizes of the whole corpus: machines with another one do not share one run. */
  readonly digest: string;
}

/**
 * The jobs of a run, or of one shard of it. Pure: the same files give the same plan.
 *
 * Files are dealt out from the largest to the smallest, each to the shard that has the fewest bytes so far (the first of
 * these where several have), with equal sizes in the order of names. So shards differ by less than the largest file,
 * each file is in exactly one, and nothing depends on where a corpus is mounted or in which order it was walked.
 */
export function planBatch(files: readonly CorpusFile[], shard: Shard | null): BatchPlan {
  const chosen = shard === null ? files : dealt(files, shard);
  return {
    jobs: chosen.map((file, index) => ({ ...file, index })),
    filesTotal: files.length,
    bytesTotal: files.reduce((sum, { size }) => sum + size, 0),
    shard,
    digest: digestOf(files),
  };
}

function dealt(files: readonly CorpusFile[], { index, count }: Shard): CorpusFile[] {
  const loads = new Float64Array(count);
  const mine = new Set<CorpusFile>();
  for (const file of byFallingSize(files)) {
    let least = 0;
    for (let i = 1; i < count; i++) {
      if ((loads[i] as number) < (loads[least] as number)) least = i;
    }
    // A file without bytes still costs something, or all of them would go to one shard.
    loads[least] = (loads[least] as number) + Math.max(file.size, 1);
    if (least === index) mine.add(file);
  }
  return files.filter((file) => mine.has(file));
}

/** Array.prototype.sort is stable, so files of one name and size stay in the order of the arguments. */
function byFallingSize(files: readonly CorpusFile[]): CorpusFile[] {
  return [...files].sort((a, b) => b.size - a.size || compareText(a.name, b.name));
}

function digestOf(files: readonly CorpusFile[]): string {
  const hash = createHash("sha256");
  for (const { name, size } of byFallingSize(files)) hash.update(`${name}\0${size}\n`);
  return hash.digest("hex");
}

const SHARD = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/;

/** `3/20` is the third of twenty; null where the text says no such thing. */
export function parseShard(text: string): Shard | null {
  const match = SHARD.exec(text);
  const index = Number(match?.[1]) - 1;
  const count = Number(match?.[2]);
  return match === null || index >= count ? null : { index, count };
}
