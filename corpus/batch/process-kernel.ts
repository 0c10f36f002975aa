import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf, BtfSegment } from "../../lib/btf/view.ts";
import { type ViewMemory, viewMemory } from "../../lib/btf/view-memory.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import type { ReachableMemo } from "../../lib/core/reachable.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { RULE_SETS } from "../../lib/core/rules.ts";
import { countStatuses, type Judged, judge } from "../../lib/core/survey.ts";
import { type JobResult, runParsed } from "../../lib/job/job.ts";
import { formatMalformed } from "../../lib/verify/prove.ts";
import { sha256 } from "../bundle/bundle.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";
import { type PathPattern, parsePathPattern } from "../source/path-pattern.ts";
import type { DoneKernel, FailedPart, KernelCounts, NotKept, SkippedKernel, UnresolvedRef } from "./result.ts";
import type { BatchObject, BatchSetup } from "./setup.ts";

/** A setup whose objects are parsed: made once, used for every kernel. */
export interface ParsedSetup {
  readonly setup: BatchSetup;
  /** In the order of the setup's objects. */
  readonly objects: readonly BpfObject[];
  readonly memo: ReachableMemo;
  /** What one kernel after the other is parsed into. */
  readonly memory: ViewMemory;
  /** The setup's pattern, compiled. */
  readonly paths: PathPattern | null;
}

/** Parses a setup's objects. @throws FormatError for a damaged one. */
export function parseSetup(setup: BatchSetup): ParsedSetup {
  const { paths } = setup.options;
  const pattern = paths === null ? null : parsePathPattern(paths);
  if (typeof pattern === "string") throw new TypeError(`the pattern ${paths}: ${pattern}`);
  const objects = setup.objects.map(({ bytes, name }) => parseBpfObject(bytes, name));
  return { setup, objects, memo: new Map(), memory: viewMemory(), paths: pattern };
}

/**
 * Minimizes one kernel for the objects that are for it, and proves the result.
 * @throws FormatError when the BTF is damaged.
 */
export function processKernel(
  { setup, objects, memo, memory }: ParsedSetup,
  { identity, origin, btf, modules }: KernelBtf,
): DoneKernel | SkippedKernel | FailedPart {
  const base = parseBtf(btf.bytes, { source: btf.source, memory });
  const { littleEndian } = (base.segments[0] as BtfSegment).header;
  const fitting = objects.filter((_, i) => isForKernel(setup.objects[i] as BatchObject, identity, littleEndian));
  if (fitting.length === 0) {
    const order = littleEndian ? "little-endian" : "big-endian";
    return { state: "skipped", identity, origin, reason: `no object is for ${identity.arch ?? "it"}, ${order}` };
  }
  const target = modules.length === 0 ? base : parseModules(base, modules);
  const job = runParsed(target, fitting, jobOptions(setup));
  if (!job.proof.holds) return { state: "failed", origin, reason: proofFailure(job) };
  const judged = judge(job.sets[0]?.records ?? [], memo);
  const { bytes } = job.blobs[0];
  return {
    state: "done",
    identity,
    origin,
    blobHash: sha256(bytes),
    bytes,
    counts: {
      ...relocationCounts(judged),
      bytesBefore: btf.bytes.length + modules.reduce((sum, module) => sum + module.bytes.length, 0),
      bytesAfter: bytes.length,
      typesBefore: job.typesBefore,
      typesAfter: job.typesAfter,
      pairs: job.proof.pairs,
      objects: fitting.length,
      objectsSkipped: objects.length - fitting.length,
    },
    unresolved: unresolvedOf(judged, objects),
    notKept: notKeptOf(job, setup),
  };
}

/** Whether a loader on that kernel could use the object at all. */
export function isForKernel(
  { tag, littleEndian }: BatchObject,
  { arch }: KernelIdentity,
  kernelIsLittle: boolean,
): boolean {
  return littleEndian === kernelIsLittle && (tag === null || (arch !== null && tag.arches.includes(arch)));
}

function jobOptions({ options }: BatchSetup) {
  return {
    keepNames: options.keepNames,
    keepLong: options.keepLong,
    layout: options.layoutSection,
    padding: options.padding,
    keep: options.keep,
    keepAttachTargets: options.keepAttachTargets,
    ruleSets: options.loaders.map((name) => RULE_SETS[name]),
    flatten: options.modules,
  };
}

type RelocationCounts = "relocations" | "resolved" | "absent" | "guarded" | "poisoned" | "ambiguous" | "error";

function relocationCounts(judged: readonly Judged[]): Pick<KernelCounts, RelocationCounts> {
  const counts = countStatuses(judged);
  const { resolved = 0, absent = 0, guarded = 0, poisoned = 0, ambiguous = 0, error = 0 } = counts;
  return { relocations: judged.length, resolved, absent, guarded, poisoned, ambiguous, error };
}

function unresolvedOf(judged: readonly Judged[], objects: readonly BpfObject[]): UnresolvedRef[] {
  return judged.flatMap(({ record: { object, relocation }, status }): UnresolvedRef[] => {
    const place = { object: objects.indexOf(object), relocation: relocation.index };
    if (status === "poisoned" || status === "ambiguous" || status === "error") return [{ ...place, status }];
    const isTypeId = relocation.kind === RELO_TYPE_ID_TARGET && status === "resolved";
    return isTypeId ? [{ ...place, status: "type-id" }] : [];
  });
}

function notKeptOf({ keepProblems, attachProblems }: JobResult, { objects }: BatchSetup): NotKept[] {
  const kept = keepProblems.map(({ spec, reason }): NotKept => ({ what: spec, reason, object: null, required: true }));
  const attached = attachProblems.map(({ target: { object, user, kind, name, symbol, optional }, reason }): NotKept => {
    const index = objects.findIndex((candidate) => candidate.name === object);
    return { what: `${user}: ${kind} ${symbol ?? name}`, reason, object: index, required: !optional };
  });
  return [...kept, ...attached];
}

function proofFailure({ proof, target }: JobResult): string {
  const [difference] = proof.differences;
  const [malformed] = proof.malformed;
  const count = proof.differences.length + proof.malformed.length;
  const first =
    difference === undefined
      ? malformed === undefined
        ? ""
        : formatMalformed(malformed)
      : `${difference.record.object.source}, relocation ${difference.record.relocation.index}: ${difference.what}: ` +
        `full BTF "${difference.full}", small BTF "${difference.small}"`;
  return `the proof failed (${count} differences; this is a bug in btfgen): ${sourceOf(target)}: ${first}`;
}

function sourceOf({ segments }: Btf): string {
  return segments[0]?.source ?? "BTF";
}
