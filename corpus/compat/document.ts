import type { FindingPlace } from "../../lib/core/place.ts";
import {
  COUNTED,
  type CompatMatrix,
  type CompatStatus,
  type MatrixColumn,
  type MatrixObject,
  type MatrixOutcome,
  type Unreadable,
} from "./matrix.ts";
import { splitRelease } from "./release-order.ts";
import { columnCounts, groupText, type MatrixTotals, totalsOf, worstOf } from "./summary.ts";

/**
 * The document of `btfgen compat --json`, and what the HTML page holds; docs/FORMATS.md has it in words. Everything is
 * there once and named by index, as in the matrix.
 */
export interface CompatDocument {
  /** Version of this schema. */
  readonly version: 1;
  readonly rules: string;
  readonly totals: MatrixTotals;
  readonly objects: readonly MatrixObject[];
  readonly columns: readonly MatrixColumn[];
  readonly kernels: readonly DocumentKernel[];
  readonly groups: readonly DocumentGroup[];
  readonly rows: readonly (readonly number[])[];
  readonly outcomes: readonly DocumentOutcome[];
  readonly places: readonly Omit<FindingPlace, "object">[];
  readonly reasons: readonly string[];
  readonly unreadable: readonly Unreadable[];
}

/** A kernel. */
interface DocumentKernel {
  readonly id: string | null;
  readonly versionId: string | null;
  readonly arch: string | null;
  readonly release: string | null;
  /** As `release` ends: `cloud-amd64`; empty where there is none. */
  readonly flavour: string;
  readonly origin: string;
}

/** A run of kernels with one row. */
interface DocumentGroup {
  readonly label: string;
  /** Index of the first kernel. */
  readonly first: number;
  readonly count: number;
  /** Index into rows. */
  readonly row: number;
  /** The worst of its columns. */
  readonly status: CompatStatus;
}

/** An outcome; only counts that are not zero are there. */
interface DocumentOutcome extends Omit<MatrixOutcome, "counts"> {
  readonly counts: Readonly<Partial<Record<(typeof COUNTED)[number], number>>>;
}

/** The matrix as a document. */
export function compatDocument(matrix: CompatMatrix): CompatDocument {
  return {
    version: 1,
    rules: matrix.rules,
    totals: totalsOf(matrix),
    objects: matrix.objects,
    columns: matrix.columns,
    kernels: matrix.kernels.map(({ identity: { id, versionId, arch, release }, origin }) => {
      return { id, versionId, arch, release, flavour: splitRelease(release ?? "").flavour, origin };
    }),
    groups: matrix.groups.map((group) => {
      const { first, count, row } = group;
      return { label: groupText(matrix, group), first, count, row, status: worstOf(columnCounts(matrix, row)) };
    }),
    rows: matrix.rows,
    outcomes: matrix.outcomes.map(({ counts, ...rest }) => ({ ...rest, counts: namedCounts(counts) })),
    places: matrix.places.map(({ object: _, ...place }) => place),
    reasons: matrix.reasons,
    unreadable: matrix.unreadable,
  };
}

function namedCounts(counts: readonly number[]): DocumentOutcome["counts"] {
  return Object.fromEntries(COUNTED.map((name, i) => [name, counts[i] ?? 0]).filter(([, count]) => count !== 0));
}
