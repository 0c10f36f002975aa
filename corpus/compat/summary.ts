import type { FindingPlace } from "../../lib/core/place.ts";
import { type KernelGroup, labelOf, labelText } from "./group.ts";
import {
  COMPAT_STATUSES,
  type CompatMatrix,
  type CompatStatus,
  type FindingStatus,
  type MatrixKernel,
  type MatrixOutcome,
} from "./matrix.ts";

/** Findings of one row that say the same: one reason at many places. */
export interface FindingGroup {
  readonly status: FindingStatus;
  /** `byte_off`, ...: a bitfield is read by four of them; `fentry`, ... of a target. */
  readonly kinds: readonly string[];
  /** The field, the enumerator, the type or the target. */
  readonly path: string;
  readonly reason: string;
  /** In the order of columns. */
  readonly places: readonly FindingPlace[];
}

/** How many columns of a row have each status. */
export type ColumnCounts = Readonly<Record<CompatStatus, number>>;

/** Counts the columns of a row by status. */
export function columnCounts({ rows, outcomes }: CompatMatrix, row: number): ColumnCounts {
  const counts = Object.fromEntries(COMPAT_STATUSES.map((status) => [status, 0])) as Record<CompatStatus, number>;
  for (const index of rows[row] ?? []) counts[(outcomes[index] as MatrixOutcome).status]++;
  return counts;
}

/** The worst status of a row; `skipped` only where nothing is for the kernel. */
export function worstOf(counts: ColumnCounts): CompatStatus {
  return COMPAT_STATUSES.findLast((status) => counts[status] > 0) ?? "no-relocations";
}

const BY_BADNESS: readonly FindingStatus[] = ["error", "ambiguous", "no-target", "poisoned", "guarded", "absent"];

/** The findings of a row, the worst first, then in the order of columns and relocations. */
export function rowFindings(matrix: CompatMatrix, row: number): FindingGroup[] {
  const groups = new Map<
    string,
    { readonly group: FindingGroup; readonly kinds: string[]; readonly places: FindingPlace[] }
  >();
  for (const index of matrix.rows[row] ?? []) {
    for (const { place: at, status, reason: because } of (matrix.outcomes[index] as MatrixOutcome).findings) {
      const place = matrix.places[at] as FindingPlace;
      const { kind, path } = place;
      const key = `${status}\0${path}\0${because}`;
      const known = groups.get(key);
      if (known !== undefined) {
        // All programs of an object may share one.
        if (!known.places.includes(place)) known.places.push(place);
        if (!known.kinds.includes(kind)) known.kinds.push(kind);
        continue;
      }
      const places = [place];
      const kinds = [kind];
      const reason = matrix.reasons[because] as string;
      groups.set(key, { group: { status, kinds, path, reason, places }, kinds, places });
    }
  }
  const rank = (status: FindingStatus) => BY_BADNESS.indexOf(status);
  return [...groups.values()].map(({ group }) => group).sort((a, b) => rank(a.status) - rank(b.status));
}

/** The kernels of a group. */
export function kernelsOf({ kernels }: CompatMatrix, { first, count }: KernelGroup): readonly MatrixKernel[] {
  return kernels.slice(first, first + count);
}

/** `debian 12 x86_64 6.1.0-47 to 6.1.0-56 cloud-amd64`. */
export function groupText(matrix: CompatMatrix, group: KernelGroup): string {
  const kernels = kernelsOf(matrix, group);
  return labelText(labelOf(kernels.map(({ identity }) => identity)), kernels[0]?.origin ?? "");
}

/** What each status is called where columns are counted. */
export const STATUS_WORDS: Readonly<Record<CompatStatus, string>> = {
  skipped: "skipped",
  "no-relocations": "without relocations",
  resolved: "resolved",
  absent: "guarded-absent",
  poisoned: "poisoned",
  "no-target": "without a target",
  ambiguous: "ambiguous",
  error: "in error",
};

/** `all resolved`, `14 resolved, 2 guarded-absent, 1 poisoned, 5 skipped`. */
export function verdictText(counts: ColumnCounts): string {
  const { skipped, ...rest } = counts;
  const some = Object.entries(rest).filter(([, count]) => count > 0) as [CompatStatus, number][];
  const [only] = some;
  const aside = skipped > 0 ? [`${skipped} skipped`] : [];
  if (only === undefined) return `all ${STATUS_WORDS[skipped > 0 ? "skipped" : "no-relocations"]}`;
  if (some.length === 1) return [`all ${STATUS_WORDS[only[0]]}`, ...aside].join(", ");
  return [...some.map(([status, count]) => `${count} ${STATUS_WORDS[status]}`), ...aside].join(", ");
}

/** Counts over a whole matrix. */
export interface MatrixTotals {
  readonly kernels: number;
  readonly objects: number;
  readonly columns: number;
  readonly groups: number;
  readonly unreadable: number;
  /** Kernels by the worst status of their columns. */
  readonly kernelsByStatus: ColumnCounts;
  /** Pairs of kernel and column by status. */
  readonly cellsByStatus: ColumnCounts;
}

/** Adds up a matrix. */
export function totalsOf(matrix: CompatMatrix): MatrixTotals {
  const zero = () => Object.fromEntries(COMPAT_STATUSES.map((status) => [status, 0])) as Record<CompatStatus, number>;
  const byKernel = zero();
  const byCell = zero();
  for (const { row, count } of matrix.groups) {
    const counts = columnCounts(matrix, row);
    byKernel[worstOf(counts)] += count;
    for (const status of COMPAT_STATUSES) byCell[status] += counts[status] * count;
  }
  return {
    kernels: matrix.kernels.length,
    objects: matrix.objects.length,
    columns: matrix.columns.length,
    groups: matrix.groups.length,
    unreadable: matrix.unreadable.length,
    kernelsByStatus: byKernel,
    cellsByStatus: byCell,
  };
}
