import type { FailedPart, NotKept, SkippedKernel, UnresolvedRef } from "../../corpus/batch/result.ts";
import type { SlowFile, TalliedKernel } from "../../corpus/batch/tally.ts";
import type { WrittenBundle } from "../../corpus/bundle/write.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import { describeRelocations, type ReloDescription } from "../../lib/core/describe.ts";
import { type LackedSection, lackedSection } from "../../lib/core/lacked-section.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type Place, placeOf } from "../../lib/core/place.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import type { AllowRule } from "../inputs/allow-list.ts";
import { isLacking, type LackingObject, lackingObjects } from "../objects/lacking.ts";
import { type EmittedReport, shippedBytes } from "./objects.ts";
import type { BatchRun, PreparedBatch } from "./run.ts";
import type { KernelChecks } from "./verify.ts";
import { countKernels, type KernelVerdict } from "./verify-report.ts";

/** The last line of `btfgen batch --json`; docs/FORMATS.md has it in words. */
export interface BatchReport {
  readonly event: "summary";
  readonly ended: "complete" | "fail-fast" | "interrupted";
  /** SHA-256 over names and sizes of the whole corpus. */
  readonly plan: string;
  /** In the order of the command line. */
  readonly objects: readonly BatchObjectReport[];
  readonly files: { readonly done: number; readonly planned: number };
  /** `distinct`: different outputs. */
  readonly kernels: {
    readonly done: number;
    readonly skipped: number;
    readonly failed: number;
    readonly distinct: number;
    /** Files and parts of files in directories that are no kernel, and bundles. */
    readonly passedOver: number;
  };
  /** `read`: of files; `before` and `after`: of raw BTF, full and small; `distinct`: of the different small ones. */
  readonly bytes: { readonly read: number; readonly before: number; readonly after: number; readonly distinct: number };
  /** Under the first loader's rules, all kernels together. */
  readonly relocations: Readonly<Record<(typeof STATUSES)[number] | "total", number>>;
  /** Pairs of relocation and candidate that were proved to have the same outcome. */
  readonly provedPairs: number;
  /** What is poisoned, ambiguous or wrong, each place once. */
  readonly unresolved: readonly UnresolvedPlace[];
  readonly notKept: readonly NotKeptReport[];
  readonly skipped: readonly SkippedKernel[];
  readonly passedOver: readonly { readonly origin: string; readonly reason: string }[];
  readonly failed: readonly { readonly origin: string; readonly reason: string }[];
  /** Objects left out of kernels, for another architecture or byte order: pairs of object and kernel. */
  readonly objectsSkipped: number;
  readonly slowest: readonly SlowFile[];
  /** Null without --strict. */
  readonly strict: {
    readonly refused: number;
    readonly allowed: number;
    readonly lacking: readonly LackingObject[];
    readonly unusedRules: readonly UnusedRule[];
  } | null;
  /** Null without --verify-kernel. `kernels`: of the bundle, by what became of them. */
  readonly verifyKernel: (KernelChecks & { readonly kernels: Readonly<Record<KernelVerdict, number>> }) | null;
  /** Null where none was written (a run that was stopped, or without a kernel); with `--emit objects` the first object's. */
  readonly bundle: WrittenBundle | null;
  /** Null without `--emit objects`. `bytes`: to ship, of the different objects, and of the originals with all small BTFs. */
  readonly emitted: {
    readonly objects: readonly EmittedReport[];
    readonly bytes: { readonly objects: number; readonly withBtf: number };
    readonly distinct: number;
  } | null;
  /** Of the whole process, in MiB. */
  readonly peakMemory: number;
  readonly durationMs: number;
}

/** An object, whatever the kernels. */
interface BatchObjectReport {
  readonly name: string;
  readonly relocations: number;
  /** The section for want of which it has no relocations, where it may have had some; else null. */
  readonly lacks: LackedSection | null;
  /** What it wants of a running kernel's own BTF, which no small one gives. */
  readonly needs: readonly KernelNeed[];
}

interface UnusedRule {
  readonly line: number;
  readonly rule: string;
}

/** A relocation that some kernels do not resolve. */
export interface UnresolvedPlace extends Place {
  readonly status: UnresolvedRef["status"];
  readonly kernels: number;
  /** The first of them in the order of results. */
  readonly first: string;
  /** Line of the allow-list that lets it pass; null where none does. */
  readonly allowedBy: number | null;
}

/** What some kernels do not have. */
export interface NotKeptReport {
  readonly what: string;
  readonly reason: string;
  readonly required: boolean;
  readonly kernels: number;
  readonly first: string;
}

const STATUSES = ["resolved", "absent", "guarded", "poisoned", "ambiguous", "error"] as const;
const KIBIBYTES_PER_MEBIBYTE = 1024;

/** The report of a run. */
export function reportBatch(
  { end, assembled, bundle, objects, checks }: BatchRun,
  prepared: PreparedBatch,
): BatchReport {
  const { kernels, skipped, slowest } = end;
  const passedOver = [...prepared.passedOver, ...end.passedOver];
  const failed = [...prepared.problems, ...end.failed, ...(assembled?.failed ?? [])];
  const distinct = new Map(kernels.map(({ blobHash, bytes }) => [blobHash, bytes.length]));
  const sum = (of: (kernel: TalliedKernel) => number) => kernels.reduce((total, kernel) => total + of(kernel), 0);
  const distinctBytes = [...distinct.values()].reduce((total, bytes) => total + bytes, 0);
  const used = new Set<AllowRule>();
  const unresolved = reportUnresolved(kernels, prepared, used);
  const facts = prepared.objects.map(reportObject);
  return {
    event: "summary",
    ended: end.ended,
    plan: prepared.plan.digest,
    objects: facts,
    files: { done: end.files, planned: prepared.plan.jobs.length },
    kernels: {
      done: kernels.length,
      skipped: skipped.length,
      failed: failed.length,
      distinct: distinct.size,
      passedOver: passedOver.length,
    },
    bytes: {
      read: end.bytesRead,
      before: sum(({ counts }) => counts.bytesBefore),
      after: sum(({ counts }) => counts.bytesAfter),
      distinct: distinctBytes,
    },
    relocations: {
      total: sum(({ counts }) => counts.relocations),
      resolved: sum(({ counts }) => counts.resolved),
      absent: sum(({ counts }) => counts.absent),
      guarded: sum(({ counts }) => counts.guarded),
      poisoned: sum(({ counts }) => counts.poisoned),
      ambiguous: sum(({ counts }) => counts.ambiguous),
      error: sum(({ counts }) => counts.error),
    },
    provedPairs: sum(({ counts }) => counts.pairs),
    unresolved,
    notKept: reportNotKept(kernels, prepared),
    skipped,
    passedOver: passedOver.map(({ origin, reason }) => ({ origin, reason })),
    failed: failed.map(({ origin, reason }: FailedPart) => ({ origin, reason })),
    objectsSkipped: sum(({ counts }) => counts.objectsSkipped),
    slowest: slowest.map(({ name, milliseconds }) => ({ name, milliseconds: Math.round(milliseconds) })),
    strict: prepared.rules === null ? null : reportStrict(unresolved, facts, prepared.rules, used),
    verifyKernel: checks === null ? null : { ...checks, kernels: countKernels(checks) },
    bundle,
    emitted: objects === null ? null : reportEmitted(objects, distinctBytes),
    peakMemory: Math.round(process.resourceUsage().maxRSS / KIBIBYTES_PER_MEBIBYTE),
    durationMs: Math.round(performance.now()),
  };
}

function reportEmitted(objects: readonly EmittedReport[], btf: number): BatchReport["emitted"] {
  const { objects: bytes, withBtf, distinct } = shippedBytes(objects, btf);
  return { objects, bytes: { objects: bytes, withBtf }, distinct };
}

function reportObject(object: BpfObject): BatchObjectReport {
  const { source: name, relocations } = object;
  return { name, relocations: relocations.length, lacks: lackedSection(object), needs: kernelNeeds(object) };
}

/** True when something is wrong that the exit code must say. */
export function hasFindings(report: BatchReport): boolean {
  const { ended, bundle, kernels, relocations, strict, notKept, verifyKernel, emitted } = report;
  if (emitted?.objects.some(({ leftOut }) => leftOut.length > 0)) return true;
  if ((verifyKernel?.kernels["no-answer"] ?? 0) > 0) return true;
  if (ended !== "complete" || bundle === null || kernels.failed > 0 || relocations.ambiguous + relocations.error > 0)
    return true;
  return (
    strict !== null && (strict.refused > 0 || isLacking(strict.lacking) || notKept.some(({ required }) => required))
  );
}

/** Groups by place: one relocation that fifty kernels do not have is one line. */
function reportUnresolved(
  kernels: readonly TalliedKernel[],
  { objects, rules }: PreparedBatch,
  used: Set<AllowRule>,
): UnresolvedPlace[] {
  const groups = new Map<string, { readonly ref: UnresolvedRef; readonly first: string; kernels: number }>();
  for (const { identity, unresolved } of kernels) {
    for (const ref of unresolved) {
      const key = `${ref.object}/${ref.relocation}/${ref.status}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { ref, first: kernelKey(identity), kernels: 1 });
      else group.kernels++;
    }
  }
  const described = new Map<BpfObject, ReloDescription[]>();
  const sorted = [...groups.values()].sort(
    ({ ref: a }, { ref: b }) => rank(a) - rank(b) || a.object - b.object || a.relocation - b.relocation,
  );
  return sorted.map(({ ref, first, kernels: count }): UnresolvedPlace => {
    const object = objects[ref.object] as BpfObject;
    const all = described.get(object) ?? describeRelocations(object);
    described.set(object, all);
    const place = placeOf(all[ref.relocation] as ReloDescription);
    const canPass = ref.status === "poisoned" || ref.status === "type-id";
    const accepting = canPass ? (rules ?? []).filter((rule) => rule.accepts(place)) : [];
    for (const rule of accepting) used.add(rule);
    return { ...place, status: ref.status, kernels: count, first, allowedBy: accepting[0]?.line ?? null };
  });
}

const RANKS: readonly UnresolvedRef["status"][] = ["error", "ambiguous", "poisoned", "type-id"];

function rank({ status }: UnresolvedRef): number {
  return RANKS.indexOf(status);
}

function reportNotKept(kernels: readonly TalliedKernel[], { objects }: PreparedBatch): NotKeptReport[] {
  const groups = new Map<string, { readonly one: NotKept; readonly first: string; kernels: number }>();
  for (const { identity, notKept } of kernels) {
    for (const one of notKept) {
      const key = JSON.stringify([one.object, one.what]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { one, first: kernelKey(identity), kernels: 1 });
      else group.kernels++;
    }
  }
  return [...groups.values()].map(({ one: { object, what, reason, required }, first, kernels: count }) => {
    const name = object === null ? "" : `${objects[object]?.source}: `;
    return { what: `${name}${what}`, reason, required, kernels: count, first };
  });
}

function reportStrict(
  unresolved: readonly UnresolvedPlace[],
  objects: readonly BatchObjectReport[],
  rules: readonly AllowRule[],
  used: Set<AllowRule>,
) {
  const lacking = lackingObjects(objects, rules, used);
  const judged = unresolved.filter(({ status }) => status === "poisoned" || status === "type-id");
  const allowed = judged.filter(({ allowedBy }) => allowedBy !== null).length;
  const unusedRules = rules.filter((rule) => !used.has(rule)).map(({ line, text }) => ({ line, rule: text }));
  return { refused: judged.length - allowed, allowed, lacking, unusedRules };
}
