import type { BundleEntry } from "../../corpus/bundle/bundle.ts";
import type { OpenEntry } from "../../corpus/bundle/read.ts";
import type { KernelQuery, Selection } from "../../corpus/bundle/select.ts";
import { printable } from "../table.ts";

/** The kernel to use: the one selected, or the nearest where that was asked for; null for none. */
export function chosenKernel(selection: Selection<OpenEntry>, takeNearest: boolean): OpenEntry | null {
  if (selection.outcome === "exact") return selection.entry;
  if (selection.outcome === "none" && takeNearest) return selection.nearest[0] ?? null;
  return null;
}

/** `select` in JSON, with the lines for people. */
export interface SelectReport {
  readonly outcome: "exact" | "nearest" | "ambiguous" | "none";
  readonly query: KernelQuery;
  /** The kernel whose BTF it is, `ID/VERSION_ID/ARCH/RELEASE`; null where there is none. */
  readonly kernel: string | null;
  readonly file: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  /** Kernels that would all do (ambiguous), or that are near (none, nearest). */
  readonly others: readonly string[];
  readonly notes: readonly string[];
}

/** Puts a selection into words. */
export function selectReport(
  bundle: string,
  query: KernelQuery,
  selection: Selection<OpenEntry>,
  chosen: OpenEntry | null,
  entry: BundleEntry | null,
): SelectReport {
  const others = othersOf(selection).map(({ key }) => key);
  return {
    outcome: selection.outcome === "none" && chosen !== null ? "nearest" : selection.outcome,
    query,
    kernel: chosen?.key ?? null,
    file: chosen?.file ?? null,
    bytes: entry?.bytes.length ?? null,
    sha256: entry?.blobHash ?? null,
    others,
    notes: notesOf(bundle, query, selection, chosen, others).map(printable),
  };
}

function othersOf(selection: Selection<OpenEntry>): readonly OpenEntry[] {
  if (selection.outcome === "exact") return [];
  return selection.outcome === "none" ? selection.nearest : selection.entries;
}

function notesOf(
  bundle: string,
  query: KernelQuery,
  selection: Selection<OpenEntry>,
  chosen: OpenEntry | null,
  others: readonly string[],
): string[] {
  if (selection.outcome === "exact") return selection.remark === null ? [] : [selection.remark];
  if (selection.outcome === "ambiguous") {
    const hint = "pass --id and --version-id (or --os-release)";
    return [`${bundle}: ${query.release} is there with different BTF for ${others.join(", ")}: ${hint}`];
  }
  if (chosen !== null) return [`${bundle}: ${selection.reason}; the nearest is used instead: ${chosen.key}`];
  const nearest = others.length === 0 ? "" : `; the nearest (--nearest takes the first): ${others.join(", ")}`;
  return [`${bundle}: ${selection.reason}${nearest}`];
}
