import { join } from "node:path";
import type { Assembled } from "../../corpus/batch/assemble.ts";
import { type EmittedObject, emitObjects } from "../../corpus/batch/emit-objects.ts";
import { containerOf } from "../../corpus/bundle/container.ts";
import type { BundleShape } from "../../corpus/bundle/layout.ts";
import { type WrittenBundle, writeBundle } from "../../corpus/bundle/write.ts";
import type { KernelNeed } from "../../lib/prepare/kernel-needs.ts";
import { makeDirectory } from "../atomic.ts";
import { checkBundleOutput } from "../bundle/output.ts";
import { UsageError } from "../errors.ts";
import { counted, printable } from "../table.ts";
import type { PreparedBatch } from "./run.ts";
import type { KernelChecks } from "./verify.ts";
import { withChecksOf } from "./verify-report.ts";

/** What `--emit objects` wrote of one object. */
export interface EmittedReport {
  readonly object: string;
  /** Kernels of its bundle, and different objects in it. */
  readonly kernels: number;
  readonly distinct: number;
  /** Of the different objects together, and of the original. */
  readonly bytes: { readonly distinct: number; readonly original: number };
  readonly leftOut: EmittedObject["leftOut"];
  /** What it wants of a kernel's BTF all the same. */
  readonly needs: readonly KernelNeed[];
  readonly bundle: WrittenBundle;
}

const SHAPE: BundleShape = { layout: "store", naming: "btfhub", content: "object" };

/** Says before any work is done whether the bundles may be written. Throws UsageError, or what the system says. */
export function checkObjectTargets({ objects, request: { output } }: PreparedBatch): void {
  if (objects.length === 1) checkBundleOutput(output);
  else if (containerOf(output) !== "directory") {
    throw new UsageError(
      `batch: --emit objects of ${objects.length} objects writes as many bundles, which ${output} cannot hold`,
      "Name a directory, or one object.",
    );
  }
}

/** Relocates the objects for all kernels and writes a store of each: the output itself, or below it by name. */
export async function writeObjects(
  prepared: PreparedBatch,
  assembled: Assembled,
  checks: KernelChecks | null,
): Promise<EmittedReport[]> {
  const { objects, setup, request } = prepared;
  const emitted = emitObjects(assembled, setup, objects);
  const reports: EmittedReport[] = [];
  if (emitted.length > 1) makeDirectory(request.output, true);
  for (const [i, { object, name, entries, distinct, bytes, leftOut, needs, provenance }] of emitted.entries()) {
    const path = emitted.length === 1 ? request.output : join(request.output, name);
    const own = checks === null ? provenance : withChecksOf(object, provenance, checks);
    const bundle = await writeBundle(path, entries, SHAPE, own);
    const original = objects[i]?.elf.bytes.length ?? 0;
    reports.push({
      object,
      kernels: entries.length,
      distinct,
      bytes: { distinct: bytes, original },
      leftOut,
      needs,
      bundle,
    });
  }
  return reports;
}

/** Bytes to ship either way: relocated objects, or the originals with the small BTFs. */
export function shippedBytes(objects: readonly EmittedReport[], btf: number) {
  const sum = (of: (one: EmittedReport) => number) => objects.reduce((total, one) => total + of(one), 0);
  const originals = sum(({ bytes }) => bytes.original);
  return {
    objects: sum(({ bytes }) => bytes.distinct),
    distinct: sum(({ distinct }) => distinct),
    withBtf: originals + btf,
  };
}

/** Rows of the summary. */
export function objectRows(
  objects: readonly EmittedReport[],
  btf: number,
  grouped: (n: number) => string,
): [string, string][] {
  const { objects: bytes, distinct, withBtf } = shippedBytes(objects, btf);
  return [
    ["objects", `${grouped(distinct)} distinct of ${grouped(objects.length)}, ${grouped(bytes)} bytes`],
    ["  or BTF", `${grouped(withBtf)} bytes: the objects as they are, and every distinct BTF`],
  ];
}

/** Kernels that some objects have no outcome for, a line each kind of reason. */
export function leftOutNotes(objects: readonly EmittedReport[]): string[] {
  return objects.flatMap(({ object, leftOut }) => {
    const reasons = new Map<string, string[]>();
    for (const { kernel, reason } of leftOut) reasons.set(reason, [...(reasons.get(reason) ?? []), kernel]);
    return [...reasons].map(([reason, kernels]) =>
      printable(`${object} is left out of ${counted(kernels.length, "kernel")}, first ${kernels[0]}: ${reason}`),
    );
  });
}
