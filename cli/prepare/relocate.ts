import { join } from "node:path";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { ReloDescription } from "../../lib/core/describe.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { describePlaces, judge } from "../../lib/core/survey.ts";
import { ownName } from "../../lib/elf/object-name.ts";
import type { KernelNeed } from "../../lib/prepare/kernel-needs.ts";
import { type RelocatedObject, relocateObject } from "../../lib/prepare/relocate.ts";
import { UsageError } from "../errors.ts";
import { type ByteOrder, byteOrderOf, requireByteOrder } from "../inputs/byte-order.ts";
import { readObjects } from "../inputs/object-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import type { OutputFile } from "../outcome.ts";

/** What to relocate, for which kernel, and where to. */
interface RelocateRequest {
  readonly object: readonly string[];
  readonly target: string;
  readonly module: readonly string[];
  readonly output: string;
  readonly strict: boolean;
}

/** The document of `btfgen relocate --json`; docs/FORMATS.md has it in words. */
export interface RelocateReport {
  readonly target: { readonly source: string; readonly modules: readonly string[]; readonly byteOrder: ByteOrder };
  readonly objects: readonly RelocatedReport[];
  readonly filesWithoutObjects: number;
  /** False where an object is refused; then no file is written at all. */
  readonly written: boolean;
}

/** One object. */
export interface RelocatedReport {
  readonly name: string;
  /** Null where nothing is written for it. */
  readonly output: string | null;
  readonly bytes: { readonly before: number; readonly after: number | null };
  readonly relocations: { readonly total: number; readonly applied: number; readonly skipped: number };
  /** Instructions that changed, 8 bytes each. */
  readonly changedInstructions: number;
  /** `guarded`: a check keeps the instruction from being reached. */
  readonly poisoned: readonly (PlaceReport & { readonly guarded: boolean })[];
  /** `optional`: in a program that is not loaded by default, poisoned. */
  readonly failures: readonly (PlaceReport & { readonly reason: string; readonly optional: boolean })[];
  readonly targetTypeIds: readonly PlaceReport[];
  readonly localTypeIds: readonly PlaceReport[];
  readonly needs: readonly KernelNeed[];
  /** Why it is not written: `failures`, or with --strict `needs` and `targetTypeIds`. */
  readonly refusedFor: readonly ("failures" | "needs" | "targetTypeIds")[];
}

/** Where a relocation is and what it is about. */
export type PlaceReport = Pick<ReloDescription, "program" | "section" | "instruction" | "kind" | "source"> & {
  readonly path: string;
};

interface RelocateRun {
  readonly report: RelocateReport;
  readonly files: readonly OutputFile[];
  /** Where several files go. */
  readonly directory: string | null;
}

/** Reads the inputs and relocates; writes nothing. Throws UsageError, InputError or FormatError. */
export async function runRelocate(request: RelocateRequest): Promise<RelocateRun> {
  const { output, strict } = request;
  checkStandardInput("relocate", [request.target, ...request.module, ...request.object]);
  const { objects, passedOver } = readObjects(request.object);
  const { target } = await readTarget(request.target, request.module);
  const byteOrder = byteOrderOf(target);
  const several = objects.length > 1;
  if (several && output === "-") {
    throw new UsageError(
      `relocate: ${objects.length} objects are several files, which standard output cannot take`,
      "Use -o DIR.",
    );
  }
  const index = indexCandidates(target);
  const names = several ? fileNames(objects) : [];
  const files: OutputFile[] = [];
  const reports = objects.map((object, i): RelocatedReport => {
    requireByteOrder(object, target);
    const records = resolveObject(object, index);
    const result = relocateObject(object, records);
    const refusedFor = refusals(result, strict);
    const path = several ? join(output, names[i] as string) : output;
    if (result.bytes !== null && refusedFor.length === 0) files.push({ path, bytes: result.bytes });
    return reportObject(object, result, guardedOf(records), refusedFor, path);
  });
  const [, ...modules] = target.segments;
  const written = reports.every(({ refusedFor }) => refusedFor.length === 0);
  return {
    report: {
      target: { source: target.source, modules: modules.map(({ source }) => source), byteOrder },
      // All files or none.
      objects: written ? reports : reports.map((report) => ({ ...report, output: null })),
      filesWithoutObjects: passedOver,
      written,
    },
    files,
    directory: several ? output : null,
  };
}

/** What is poisoned and never reached. */
function guardedOf(records: readonly ReloRecord[]): Set<ReloRecord> {
  return new Set(judge(records).flatMap(({ record, status }) => (status === "guarded" ? [record] : [])));
}

function refusals(result: RelocatedObject, strict: boolean): RelocatedReport["refusedFor"] {
  const reasons: RelocatedReport["refusedFor"][number][] = [];
  if (result.bytes === null) reasons.push("failures");
  if (strict && result.needs.some(({ optional }) => !optional)) reasons.push("needs");
  if (strict && result.targetTypeIds.length > 0) reasons.push("targetTypeIds");
  return reasons;
}

function reportObject(
  object: BpfObject,
  result: RelocatedObject,
  guarded: ReadonlySet<ReloRecord>,
  refusedFor: RelocatedReport["refusedFor"],
  path: string,
): RelocatedReport {
  const { poisoned, failures, targetTypeIds, localTypeIds } = result;
  const listed = [...poisoned, ...failures.map(({ record }) => record), ...targetTypeIds, ...localTypeIds];
  const places = describePlaces(listed);
  const place = (record: ReloRecord): PlaceReport => {
    const { program, section, instruction, kind, source, local } = places.get(record) as ReloDescription;
    return { program, section, instruction, kind, path: local.path ?? `${local.rootName} ${local.access}`, source };
  };
  return {
    name: object.source,
    output: path,
    bytes: { before: object.elf.bytes.length, after: result.bytes?.length ?? null },
    relocations: { total: object.relocations.length, applied: result.applied, skipped: result.skipped },
    changedInstructions: result.changed,
    poisoned: poisoned.map((record) => ({ ...place(record), guarded: guarded.has(record) })),
    failures: failures.map(({ record, reason, optional }) => ({ ...place(record), reason, optional })),
    targetTypeIds: targetTypeIds.map(place),
    localTypeIds: localTypeIds.map(place),
    needs: result.needs,
    refusedFor,
  };
}

/** A file name for each object: `exec.o`, `tool#exec` as `exec.o`; a second one of a name as `exec.1.o`. */
function fileNames(objects: readonly BpfObject[]): string[] {
  const given = new Map<string, number>();
  return objects.map(({ source }) => {
    const own = ownName(source);
    const stem = own.endsWith(".o") ? own.slice(0, -2) : own;
    const count = given.get(stem) ?? 0;
    given.set(stem, count + 1);
    return count === 0 ? `${stem}.o` : `${stem}.${count}.o`;
  });
}
