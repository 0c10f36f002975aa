/** The table of docs/VERIFY.md: what became of the programs on each kernel. */
import type { VerifyReport } from "../../cli/verify/report.ts";

/** One kernel's row. */
export interface TableRow {
  readonly kernel: string;
  readonly objects: number;
  readonly accepted: number;
  readonly failed: number;
  /** Programs by why they were not tested. */
  readonly untested: ReadonlyMap<string, number>;
  readonly seconds: number;
}

const START = "<!-- table of npm run test:vm -->";
const END = "<!-- end of the table -->";

/** The row of a report. */
export function kernelRow({ machine, objects, kernel }: VerifyReport, seconds: number): TableRow {
  const untested = new Map<string, number>();
  for (const { verdict, reason } of kernel?.programs ?? []) {
    if (verdict !== "not-tested") continue;
    const text = `${reason?.kind}: ${reason?.text}`;
    untested.set(text, (untested.get(text) ?? 0) + 1);
  }
  const { accepted = 0, failed = 0 } = kernel?.counts ?? {};
  return { kernel: machine?.kernel ?? "", objects: objects.length, accepted, failed, untested, seconds };
}

/** Rows as Markdown. */
export function kernelTable(rows: readonly TableRow[]): string {
  const sorted = [...rows].sort((a, b) => a.kernel.localeCompare(b.kernel, "en", { numeric: true }));
  const lines = sorted.map(({ kernel, objects, accepted, untested, failed, seconds }) => {
    const count = [...untested.values()].reduce((sum, one) => sum + one, 0);
    return `| ${kernel} | ${objects} | ${accepted} | ${count} | ${failed} | ${Math.round(seconds)} s |`;
  });
  const head = ["| kernel | objects | accepted | not testable | failed | time |", "|---|---|---|---|---|---|"];
  return [...head, ...lines, "", ...reasonTable(sorted)].join("\n");
}

/** Programs by why they are not testable, a column a kernel; kernels that lack the same thing are in one line. */
function reasonTable(rows: readonly TableRow[]): string[] {
  const reasons = [...new Set(rows.flatMap(({ untested }) => [...untested.keys()]))].sort();
  const series = rows.map(({ kernel }) => kernel.split(".", 2).join("."));
  const lines = reasons.map((reason) => {
    const counts = rows.map(({ untested }) => untested.get(reason) ?? "");
    return `| ${reason.replaceAll("|", "\\|")} | ${counts.join(" | ")} |`;
  });
  return [`| not testable, by reason | ${series.join(" | ")} |`, `|---|${"---|".repeat(series.length)}`, ...lines];
}

/** A document with its table replaced. Throws Error where it has no place for one. */
export function withTable(document: string, table: string): string {
  const [start, end] = [document.indexOf(START), document.indexOf(END)];
  if (start === -1 || end < start) throw new Error("the document has no place for the table");
  return `${document.slice(0, start + START.length)}\n\n${table}\n\n${document.slice(end)}`;
}
