import type { HistoryReport } from "../diff/history-report.ts";
import type { ImpactReport } from "../diff/impact-report.ts";
import type { PackedType } from "./packed.ts";

/** What the page of `btfgen diff --html` holds, as JSON in the page: some of three parts. */
export interface DiffPageData {
  readonly title: string;
  /** Types that differ. */
  readonly types: readonly PackedType[] | null;
  /** What the step does to objects. */
  readonly impact: Plain<ImpactReport> | null;
  readonly history: PageHistory | null;
}

/** Fields over kernels, with the words for kernels that need the code of a corpus. */
export interface PageHistory extends Plain<Omit<HistoryReport, "kernels">> {
  readonly kernels: readonly PageKernel[];
  /** By row: consecutive kernels on which it is the same. */
  readonly runs: readonly (readonly PageRun[])[];
}

/** A kernel at the foot of a picture. */
export interface PageKernel {
  /** Its release, or its file. */
  readonly name: string;
  /** The series it is of: distribution (where there are several), architecture, flavour. */
  readonly group: string;
}

/** A run of kernels. */
export interface PageRun {
  readonly label: string;
  readonly first: number;
  readonly count: number;
}

/** What is left of a type in JSON: 64-bit integers are numbers, or strings where those do not hold them. */
export type Plain<T> = T extends bigint
  ? number | string
  : T extends object
    ? { readonly [K in keyof T]: Plain<T[K]> }
    : T;
