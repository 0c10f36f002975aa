import type { DescribedStatus } from "../../lib/core/describe.ts";
import type { KernelIdentity } from "../kernel.ts";

/** A relocation that a loader would not simply take, by its place in the setup. */
export interface UnresolvedRef {
  /** Index among the setup's objects. */
  readonly object: number;
  /** Index among that object's relocations. */
  readonly relocation: number;
  /** `type-id`: a target_type_id, whose number is another one in every small BTF. */
  readonly status: Extract<DescribedStatus, "poisoned" | "ambiguous" | "error"> | "type-id";
}

/** Something that was to be kept and that a kernel does not have. */
export interface NotKept {
  /** As it was given, or `PROGRAM: fentry FUNCTION`. */
  readonly what: string;
  readonly reason: string;
  /** Index among the setup's objects; null for --keep. */
  readonly object: number | null;
  /** False where the object loads without it. */
  readonly required: boolean;
}

/** Numbers about a minimized kernel; bytes are those of raw BTF, types without void. */
export interface KernelCounts {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly typesBefore: number;
  readonly typesAfter: number;
  readonly relocations: number;
  readonly resolved: number;
  readonly absent: number;
  /** Poisoned ones that a check keeps from being reached. */
  readonly guarded: number;
  readonly poisoned: number;
  readonly ambiguous: number;
  readonly error: number;
  /** Pairs of relocation and candidate that were proved to have the same outcome. */
  readonly pairs: number;
  /** Objects that the kernel was minimized for, and those left out: for another architecture or byte order. */
  readonly objects: number;
  readonly objectsSkipped: number;
}

/** A kernel that was minimized and proved. */
export interface DoneKernel {
  readonly state: "done";
  readonly identity: KernelIdentity;
  /** See FileResult. */
  readonly origin: string;
  readonly blobHash: string;
  readonly bytes: Uint8Array;
  readonly counts: KernelCounts;
  readonly unresolved: readonly UnresolvedRef[];
  readonly notKept: readonly NotKept[];
}

/** A kernel that no object is for. */
export interface SkippedKernel {
  readonly state: "skipped";
  readonly identity: KernelIdentity;
  readonly origin: string;
  readonly reason: string;
}

/** Something in a file that could not be minimized. */
export interface FailedPart {
  readonly state: "failed";
  /** See FileResult. */
  readonly origin: string;
  /** One line. */
  readonly reason: string;
}

/** Something in a directory that is no kernel. */
export interface PassedOver {
  readonly state: "passed-over";
  /** See FileResult. */
  readonly origin: string;
  readonly reason: string;
}

/** What became of one part of a file. */
export type PartResult = DoneKernel | SkippedKernel | FailedPart | PassedOver;

/**
 * What came out of one file of a corpus. Results with a failed part are not kept in caches. As a worker makes it and caches
 * keep it, the `origin` of a part is what comes behind the file's name: nothing, or `!member`; the run puts the name that
 * the corpus has for the file in front.
 */
export interface FileResult {
  /** See contentKey. */
  readonly key: string;
  /** Of the file's bytes, see fileHash. */
  readonly sourceHash: string;
  /** Size of the file in bytes. */
  readonly bytesRead: number;
  /** In the file's order. */
  readonly parts: readonly PartResult[];
}

/** True when a result may be used again: nothing in it failed. */
export function isReusable(result: FileResult): boolean {
  return result.parts.every(({ state }) => state !== "failed");
}
