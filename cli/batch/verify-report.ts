import type { Assembled } from "../../corpus/batch/assemble.ts";
import type { FailedPart } from "../../corpus/batch/result.ts";
import type { Provenance } from "../../corpus/bundle/provenance.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import type { Verdict } from "../../lib/verify/verdicts.ts";
import { counted } from "../table.ts";
import type { NativeResult } from "../verify/levels.ts";
import {
  btfLoadLines,
  type KernelReport,
  kernelLines,
  type LibbpfReport,
  libbpfLines,
  reportBtfLoad,
  reportKernel,
  reportLibbpf,
} from "../verify/native-report.ts";
import type { KernelCheck, KernelChecks } from "./verify.ts";

/**
 * What a kernel says of its small BTF. `accepted`: it takes the BTF, and every program with it that it takes with its own;
 * `failed`: it does not, or libbpf makes other code; `no-answer`: the machine, or what runs in it, did not come to its end;
 * `not-tested`: nothing could be asked.
 */
export type KernelVerdict = "accepted" | "failed" | "no-answer" | "not-tested";

type ProgramCounts = Readonly<Record<Verdict, number>>;

/** One kernel's answer. */
export interface KernelAnswer {
  readonly verdict: KernelVerdict;
  /** Why it was not tested, or gave no answer, or the first thing that failed; null where it accepts. */
  readonly reason: string | null;
  /** `uname -r` of the booted kernel, and the version of libbpf; null where it did not come to that. */
  readonly release: string | null;
  readonly libbpf: string | null;
  readonly programs: ProgramCounts;
  /** The same of each object that was tested. */
  readonly objects: readonly { readonly object: string; readonly programs: ProgramCounts }[];
  /** Programs that this kernel takes neither way, by the reason. */
  readonly untested: readonly { readonly reason: string; readonly programs: number }[];
  /** All that failed, as `verify` says it; empty where nothing did. */
  readonly findings: readonly string[];
}

const NO_PROGRAMS = { accepted: 0, "not-tested": 0, failed: 0 };
const MOST_FINDINGS = 100;

/** The answer where nothing was asked, by the reason. */
export function untestedKernel(reason: string): KernelAnswer {
  const nobody = { release: null, libbpf: null, programs: NO_PROGRAMS, objects: [] };
  return { verdict: "not-tested", reason, ...nobody, untested: [], findings: [] };
}

/** Judges what a booted kernel, and libbpf in it, said about some objects. */
export function judgeKernel(native: NativeResult, objects: readonly BpfObject[]): KernelAnswer {
  const { answer, cannot } = native;
  const [btfLoad, libbpf, kernel] = [
    reportBtfLoad(native),
    reportLibbpf(native, objects),
    reportKernel(native, objects),
  ];
  const head = {
    release: answer?.machine.kernel ?? null,
    libbpf: answer?.machine.libbpf ?? null,
    programs: kernel?.counts ?? NO_PROGRAMS,
    objects:
      kernel === null ? [] : objects.map(({ source }) => ({ object: source, programs: countsOf(kernel, source) })),
    untested: untestedOf(kernel),
  };
  const findings = [
    ...(btfLoad === null ? [] : btfLoadLines(btfLoad, "small BTF")),
    ...(libbpf === null || !isFailed(libbpf) ? [] : libbpfLines(libbpf)),
    ...(kernel === null || !isFailed(kernel) ? [] : kernelLines(kernel)),
  ].slice(0, MOST_FINDINGS);
  const of = (verdict: KernelVerdict, reason: string | null): KernelAnswer => ({ verdict, reason, ...head, findings });
  if (findings.length > 0) return of("failed", findings[0] ?? null);
  if (cannot !== null) return of("not-tested", `level ${cannot.level} cannot run: ${cannot.reason}`);
  const unfinished = [libbpf, kernel].find((part) => (part?.broken.length ?? 0) > 0);
  if (unfinished !== undefined) return of("no-answer", unfinished?.untested ?? null);
  const untested = libbpf?.untested ?? kernel?.untested ?? null;
  return untested === null ? of("accepted", null) : of("not-tested", untested);
}

function isFailed({ holds, untested }: LibbpfReport | KernelReport): boolean {
  return !holds && untested === null;
}

function countsOf({ programs }: KernelReport, object: string): ProgramCounts {
  const counts = { ...NO_PROGRAMS };
  for (const program of programs) if (program.object === object) counts[program.verdict]++;
  return counts;
}

function untestedOf(kernel: KernelReport | null): KernelAnswer["untested"] {
  const counts = new Map<string, number>();
  for (const { verdict, reason } of kernel?.programs ?? []) {
    if (verdict !== "not-tested" || reason === null) continue;
    const text = `${reason.kind}: ${reason.text}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([reason, programs]) => ({ reason, programs }));
}

/** How many kernels came to each verdict; those that were not even asked count as not tested. */
export function countKernels({ checks, notAsked }: KernelChecks): Record<KernelVerdict, number> {
  const counts = { accepted: 0, failed: 0, "no-answer": 0, "not-tested": 0 };
  for (const { verdict } of checks) counts[verdict]++;
  counts["not-tested"] += notAsked.reduce((sum, { kernels }) => sum + kernels, 0);
  return counts;
}

/** What goes into a bundle after kernels were asked: not what one refuses; provenance says who has taken what. */
export function withChecks(assembled: Assembled, { checks }: KernelChecks): Assembled {
  const { entries, provenance, failed } = assembled;
  const refused = checks.filter(({ verdict }) => verdict === "failed");
  const isRefused = new Set(refused.map(({ kernel }) => kernel));
  const byKey = new Map(checks.map((check) => [check.kernel, check]));
  return {
    entries: entries.filter(({ identity }) => !isRefused.has(kernelKey(identity))),
    provenance: {
      ...provenance,
      kernels: provenance.kernels
        .filter((kernel) => !isRefused.has(kernelKey(kernel)))
        .map((kernel) => {
          const check = byKey.get(kernelKey(kernel));
          if (check?.verdict !== "accepted") return kernel;
          const { release, libbpf, programs } = check;
          return { ...kernel, verified: { release: release ?? "", libbpf: libbpf ?? "", ...verifiedCounts(programs) } };
        }),
    },
    failed: [
      ...failed,
      ...refused.map(({ origin, reason }): FailedPart => {
        return { state: "failed", origin, reason: `its kernel does not take its small BTF for its own: ${reason}` };
      }),
    ],
  };
}

/** The provenance of a bundle of one object: what kernels have taken is counted of its programs alone. */
export function withChecksOf(object: string, provenance: Provenance, { checks }: KernelChecks): Provenance {
  const byKey = new Map(checks.map(({ kernel, objects }) => [kernel, objects.find((one) => one.object === object)]));
  return {
    ...provenance,
    kernels: provenance.kernels.map((kernel) => {
      const { verified, ...rest } = kernel;
      if (verified === undefined) return kernel;
      const tested = byKey.get(kernelKey(kernel));
      return tested === undefined ? rest : { ...rest, verified: { ...verified, ...verifiedCounts(tested.programs) } };
    }),
  };
}

function verifiedCounts({ accepted, "not-tested": notTested }: ProgramCounts) {
  return { accepted, notTested };
}

/** A line about one kernel, as soon as it has answered. */
export function kernelCheckLine({ kernel, verdict, reason, programs, release, milliseconds }: KernelCheck): string {
  const time = `${Math.round(milliseconds / 1000)} s`;
  const { accepted, failed, "not-tested": untested } = programs;
  const count = `${counted(accepted, "program")} accepted, ${untested} not tested, ${failed} failed`;
  const what = release === null ? "" : `: ${count}`;
  return `${kernel}: ${verdict.replace("-", " ")}${what}${reason === null ? "" : `: ${reason}`} (${time})`;
}

/** What the table of a run has about all of them. */
export function kernelChecksText(checks: KernelChecks): string {
  const { accepted, failed, "no-answer": silent, "not-tested": untested } = countKernels(checks);
  const parts = [`${accepted} accepted`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (silent > 0) parts.push(`${silent} without an answer`);
  if (untested > 0) parts.push(`${untested} not tested`);
  return parts.join(", ");
}

/** Each reason for which kernels were not tested, and each check that was not passed, as lines. */
export function kernelCheckLines({ checks, notAsked }: KernelChecks): string[] {
  const open = checks.filter(({ verdict }) => verdict !== "accepted").map(kernelCheckLine);
  const reasons = notAsked.map(
    ({ reason, kernels, first }) => `${counted(kernels, "kernel")}, first ${first}: ${reason}`,
  );
  return [...open, ...reasons];
}
