/** A kernel and relocations in a few rows, minimized: what is kept, to be read as lines. */
import { type BtfInput, parseBtf } from "../../lib/btf/parse.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type JobOptions, type JobResult, runJob } from "../../lib/job/job.ts";
import { btf, type Row } from "../btf/builder.ts";
import { buildObject, EXIT, MOV_K, type Relo } from "../core/object-builder.ts";
import { outline } from "./outline.ts";

/** One relocation: kind, root type in the object, access string. */
export type Asked = readonly [kind: number, typeId: number, access: string];

/** An object with these types and one program for each relocation. */
export function objectOf(rows: readonly Row[], asked: readonly Asked[], littleEndian = true): BpfObject {
  const programs = asked.map(([kind, typeId, access], i) => {
    const relos: Relo[] = [{ kind, typeId, access }];
    return { name: `program${i}`, insns: [MOV_K, EXIT], relos };
  });
  return buildObject({ rows, programs, littleEndian });
}

/** A kernel's BTF of these rows. */
export function kernelOf(rows: readonly Row[]): { base: BtfInput } {
  return { base: { bytes: btf(rows), source: "kernel" } };
}

/** The job's result for one object. */
export function jobOf(
  kernel: readonly Row[],
  local: readonly Row[],
  asked: readonly Asked[],
  options: JobOptions = {},
): JobResult {
  return runJob(kernelOf(kernel), [objectOf(local, asked)], options);
}

/** What is kept, a line a type (see outline.ts). Throws when the proof does not hold. */
export function kept(...job: Parameters<typeof jobOf>): string[] {
  const result = jobOf(...job);
  if (!result.proof.holds)
    throw new Error(`no proof: ${JSON.stringify(result.proof.differences.map(({ small }) => small))}`);
  return outline(parseBtf(result.blobs[0].bytes));
}
