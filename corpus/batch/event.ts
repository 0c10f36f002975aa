import type { KernelIdentity } from "../kernel.ts";

/** Where a file's results came from. */
export type ResultOrigin = "work" | "cache" | "resume";

/** What a run tells while it runs: data, for a bar, a log or `--json`. Times are milliseconds. */
export type BatchEvent = StartEvent | FileStartEvent | FileEvent;

/** The run begins. */
export interface StartEvent {
  readonly event: "start";
  readonly files: number;
  readonly bytes: number;
  /** Files done at once. */
  readonly workers: number;
  /** See BatchPlan. */
  readonly plan: string;
  /** `3/20`; null for a whole run. */
  readonly shard: string | null;
}

/** A worker has got a file. */
export interface FileStartEvent {
  readonly event: "file-start";
  readonly index: number;
  readonly file: string;
}

/** A file is finished. Files finish in any order; `index` is their place in the plan. */
export interface FileEvent {
  readonly event: "file";
  readonly index: number;
  readonly file: string;
  /** Size of the file in bytes. */
  readonly bytes: number;
  readonly from: ResultOrigin;
  /** What its worker needed, waiting for a place in it not counted. */
  readonly milliseconds: number;
  readonly kernels: readonly KernelEvent[];
}

/** What became of a kernel. */
export interface KernelEvent {
  readonly state: "done" | "skipped" | "failed" | "passed-over";
  readonly origin: string;
  /** Null where there is none. */
  readonly identity: KernelIdentity | null;
  /** Why nothing came of it; null where something did. */
  readonly reason: string | null;
  /** Of the small BTF. */
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly unresolved: { readonly poisoned: number; readonly ambiguous: number; readonly error: number } | null;
}
