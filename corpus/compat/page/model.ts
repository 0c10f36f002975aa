import type { CompatDocument } from "../document.ts";

/** What a row of the table can be: what kernels make of the objects, or that a file could not be read. */
export type RowStatus =
  | "no-relocations"
  | "resolved"
  | "absent"
  | "poisoned"
  | "no-target"
  | "ambiguous"
  | "error"
  | "skipped"
  | "unreadable";

/** From the best to the worst. */
export const ROW_STATUSES: readonly RowStatus[] = [
  "no-relocations",
  "resolved",
  "absent",
  "poisoned",
  "no-target",
  "ambiguous",
  "error",
  "unreadable",
  "skipped",
];

/** A row of the table: a group of kernels, or something unreadable. */
export interface Row {
  /** Position in the document's order: groups, then what is unreadable. */
  readonly index: number;
  /** What a link to it says: the first kernel's key, or the origin. */
  readonly key: string;
  readonly label: string;
  readonly distributions: ReadonlySet<string>;
  readonly arches: ReadonlySet<string>;
  /** Index of the first kernel; -1 for something unreadable. */
  readonly first: number;
  readonly count: number;
  /** Outcomes by column; empty for something unreadable. */
  readonly outcomes: readonly number[];
  /** Why it could not be read. */
  readonly reason: string | null;
}

/** What is to be seen. */
export interface View {
  readonly query: string;
  readonly distribution: string;
  readonly arch: string;
  /** Index of the only column that counts, or -1 for all. */
  readonly column: number;
  /** Empty for all. */
  readonly statuses: ReadonlySet<RowStatus>;
  readonly sort: SortKey;
  readonly descending: boolean;
}

/** By what rows can be sorted. */
export const SORT_KEYS = [
  "kernels",
  "status",
  "count",
  "resolved",
  "absent",
  "poisoned",
  "targetless",
  "refused",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** `debian/12/x86_64/6.1.0-56-cloud-amd64`: a kernel as a link names it; its origin where nothing else is known. */
export function kernelKeyOf(kernel: CompatDocument["kernels"][number]): string {
  const { id, versionId, arch, release, origin } = kernel;
  if (id === null && versionId === null && release === null) return origin;
  return [id, versionId, arch, release].map((part) => part ?? "-").join("/");
}

/** The rows of a document, in its order. */
export function rowsOf(data: CompatDocument): Row[] {
  const groups = data.groups.map(({ label, first, count, row }, index): Row => {
    const kernels = data.kernels.slice(first, first + count);
    const [one] = kernels;
    return {
      index,
      key: one === undefined ? label : kernelKeyOf(one),
      label,
      distributions: new Set(kernels.map(({ id }) => id ?? "")),
      arches: new Set(kernels.map(({ arch }) => arch ?? "")),
      first,
      count,
      outcomes: data.rows[row] ?? [],
      reason: null,
    };
  });
  const unreadable = data.unreadable.map(({ origin, reason }, i): Row => {
    const none: ReadonlySet<string> = new Set();
    const index = groups.length + i;
    return {
      index,
      key: origin,
      label: origin,
      distributions: none,
      arches: none,
      first: -1,
      count: 1,
      outcomes: [],
      reason,
    };
  });
  return [...groups, ...unreadable];
}

/** How many columns of a row have each status. */
export interface RowCounts {
  readonly resolved: number;
  readonly absent: number;
  readonly poisoned: number;
  /** Something that it attaches to or calls is not there. */
  readonly targetless: number;
  /** Ambiguous or in error: a loader refuses the object. */
  readonly refused: number;
  readonly skipped: number;
  /** Without relocations: nothing to be resolved. */
  readonly without: number;
  readonly worst: RowStatus;
}

const COUNTED_AS = {
  "no-relocations": "without",
  resolved: "resolved",
  absent: "absent",
  poisoned: "poisoned",
  "no-target": "targetless",
  ambiguous: "refused",
  error: "refused",
  skipped: "skipped",
} as const;

/** Counts a row's columns, or one of them. */
export function countsOf(data: CompatDocument, row: Row, column: number): RowCounts {
  const counts = { resolved: 0, absent: 0, poisoned: 0, targetless: 0, refused: 0, skipped: 0, without: 0 };
  let worst = -1;
  for (const index of column === -1 ? row.outcomes : row.outcomes.slice(column, column + 1)) {
    const status = data.outcomes[index]?.status ?? "skipped";
    counts[COUNTED_AS[status]]++;
    if (status !== "skipped") worst = Math.max(worst, ROW_STATUSES.indexOf(status));
  }
  const status = row.reason === null ? (ROW_STATUSES[worst] ?? "skipped") : "unreadable";
  return { ...counts, worst: row.reason === null && row.outcomes.length === 0 ? "no-relocations" : status };
}

/** A row that is to be seen. */
export interface SeenRow {
  readonly row: Row;
  readonly counts: RowCounts;
}

/** Everything that a search looks at, in lower case, made once. */
export interface Haystack {
  /** By row: its label, and its kernels' keys and origins. */
  readonly rows: readonly string[];
  /** By outcome: places and reasons of its findings. */
  readonly outcomes: readonly string[];
}

/** Makes what a search looks at: everything is there once, as in the document. */
export function haystackOf(data: CompatDocument, rows: readonly Row[]): Haystack {
  const kernels = data.kernels.map((kernel) => `${kernelKeyOf(kernel)} ${kernel.origin}`.toLowerCase());
  const places = data.places.map(({ program, section, kind, path, source }) =>
    `${program ?? section} ${kind} ${path} ${source ?? ""}`.toLowerCase(),
  );
  const reasons = data.reasons.map((reason) => reason.toLowerCase());
  return {
    rows: rows.map(({ label, first, count, reason }) =>
      [
        label.toLowerCase(),
        reason?.toLowerCase() ?? "",
        ...(first < 0 ? [] : kernels.slice(first, first + count)),
      ].join("\n"),
    ),
    outcomes: data.outcomes.map(({ findings, skipped }) =>
      [
        skipped === null ? "" : (reasons[skipped] ?? ""),
        ...findings.map(({ place, reason, status }) => `${status} ${places[place]} ${reasons[reason]}`),
      ].join("\n"),
    ),
  };
}

/**
 * The rows to be seen, in order. Every word of the query must be in the row's kernels or in a finding of it (with a
 * column chosen, of that column).
 */
export function seenRows(data: CompatDocument, rows: readonly Row[], haystack: Haystack, view: View): SeenRow[] {
  const words = view.query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  // A word is looked for once in each distinct outcome, not once in each cell.
  const hits = words.map((word) => haystack.outcomes.map((text) => text.includes(word)));
  const isFound = (row: Row) =>
    words.every((word, i) => {
      if (haystack.rows[row.index]?.includes(word)) return true;
      if (view.column !== -1) return hits[i]?.[row.outcomes[view.column] ?? -1] === true;
      return row.outcomes.some((outcome) => hits[i]?.[outcome]);
    });
  const seen: SeenRow[] = [];
  for (const row of rows) {
    if (view.distribution !== "" && !row.distributions.has(view.distribution)) continue;
    if (view.arch !== "" && !row.arches.has(view.arch)) continue;
    const counts = countsOf(data, row, view.column);
    if (view.statuses.size > 0 && !view.statuses.has(counts.worst)) continue;
    if (words.length > 0 && !isFound(row)) continue;
    seen.push({ row, counts });
  }
  const direction = view.descending ? -1 : 1;
  return seen.sort(
    (a, b) => direction * (sortValue(a, view.sort) - sortValue(b, view.sort)) || a.row.index - b.row.index,
  );
}

function sortValue({ row, counts }: SeenRow, key: SortKey): number {
  if (key === "kernels") return row.index;
  if (key === "count") return row.count;
  if (key === "status") return counts.worst === "skipped" ? -1 : ROW_STATUSES.indexOf(counts.worst);
  return counts[key];
}
