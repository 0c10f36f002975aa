import { DIFF_KINDS, type DiffCounts } from "../../lib/diff/change.ts";
import { formatTable } from "../table.ts";
import type { DiffTotals, diffHead } from "./report.ts";

type Head = ReturnType<typeof diffHead>;

const HEADER = ["", "added", "removed", "changed", "of these only in consequence"];

/** The counts as two tables: types by kind, differences by what they are. */
export function statText({ counts, differences }: Head): string {
  const rows = statRows(counts);
  if (rows.length === 0) return "no difference\n";
  const types = formatTable(HEADER, rows, new Set(HEADER.slice(1)));
  const lines = Object.entries(differences).map(([name, count]) => [name, String(count)]);
  if (lines.length === 0) return types;
  return `${types}\n${formatTable(["in changed types", "count"], lines, new Set(["count"]))}`;
}

/** A row for each kind that differs, and one for all types. */
export function statRows(counts: Readonly<Record<string, DiffCounts>>): string[][] {
  const cells = ({ added, removed, changed, consequences }: DiffCounts) =>
    [added, removed, changed, consequences].map(String);
  const total = { added: 0, removed: 0, changed: 0, consequences: 0 };
  const rows = DIFF_KINDS.flatMap((kind) => {
    const own = counts[kind];
    if (own === undefined || own.added + own.removed + own.changed === 0) return [];
    if (kind === "module") return [[kind, ...cells(own)]];
    total.added += own.added;
    total.removed += own.removed;
    total.changed += own.changed;
    total.consequences += own.consequences;
    return [[kind, ...cells(own)]];
  });
  return rows.length === 0 ? [] : [...rows, ["all", ...cells(total)]];
}

/** One line for standard error. */
export function statLine({ counts, ignored }: DiffTotals): string {
  const [last] = statRows(counts).slice(-1);
  const left = ignored > 0 ? `; ${ignored} left out by --ignore` : "";
  const { added: come = 0, removed: gone = 0 } = counts.module ?? {};
  const modules = come + gone === 0 ? "" : `modules: ${come} added, ${gone} removed; `;
  if (last === undefined) return `no difference${left}`;
  const [, added, removed, changed, consequences] = last;
  const only = consequences === "0" ? "" : ` (${consequences} only in consequence)`;
  return `${modules}types: ${added} added, ${removed} removed, ${changed} changed${only}${left}`;
}
