/** Sizes of small BTF: ours beside bpftool's, with what second candidates cost told apart, for tests and for tables. */

import type { Btf } from "../../lib/btf/view.ts";
import { MATCH } from "../../lib/core/match-state.ts";
import { RELO_ENUMVAL_EXISTS, RELO_ENUMVAL_VALUE } from "../../lib/core/relo-kind.ts";
import type { ReloRecord } from "../../lib/core/resolve.ts";
import { runParsed } from "../../lib/job/job.ts";
import { minimize } from "../../lib/minimize/minimize.ts";
import { minCoreBtf } from "./bpftool.ts";
import type { ObjectFile } from "./object-files.ts";

/** One group of objects on one kernel; bytes. */
export interface SizeRow {
  readonly kernel: string;
  readonly objects: string;
  readonly ours: number;
  readonly bpftool: number;
  /** What of ours keeps further candidates of a name, which bpftool drops wrongly. */
  readonly secondCandidates: number;
  readonly hasEnumerators: boolean;
}

/** True for an object that relocates an enumerator. */
export function hasEnumerators({ object }: ObjectFile): boolean {
  return object.relocations.some(({ kind }) => kind === RELO_ENUMVAL_EXISTS || kind === RELO_ENUMVAL_VALUE);
}

/** Sizes of all objects together, and of each alone; objects that bpftool does not get through are left out. */
export function measureSizes(kernel: string, path: string, target: Btf, files: readonly ObjectFile[]): SizeRow[] {
  const groups: [string, readonly ObjectFile[]][] = [
    [`all ${files.length}`, files],
    ...files.map((file): [string, ObjectFile[]] => [file.name, [file]]),
  ];
  return groups.flatMap(([name, group]): SizeRow[] => {
    const theirs = minCoreBtf(
      path,
      group.map((file) => file.path),
    );
    if (!theirs.ok) return [];
    const { blobs, sets, proof } = runParsed(
      target,
      group.map(({ object }) => object),
    );
    if (!proof.holds) throw new Error(`${name} on ${kernel}: the proof does not hold`);
    const ours = blobs[0].bytes.length;
    const first = minimize(
      target,
      sets.flatMap(({ records }) => records.map(firstCandidateOnly)),
    ).blobs[0].bytes.length;
    return [
      {
        kernel,
        objects: name,
        ours,
        bpftool: theirs.value.length,
        secondCandidates: ours - first,
        hasEnumerators: group.some(hasEnumerators),
      },
    ];
  });
}

/** A record as bpftool keeps it: the first candidate that matches, and no other. */
function firstCandidateOnly(record: ReloRecord): ReloRecord {
  const first = record.candidates.find(({ outcome }) => outcome === MATCH);
  return { ...record, candidates: first === undefined ? [] : [first] };
}

/** The sum of some rows' bytes, ours to bpftool's. */
export function sizeRatio(rows: readonly SizeRow[]): number {
  return sum(rows, ({ ours }) => ours) / sum(rows, ({ bpftool }) => bpftool);
}

function sum(rows: readonly SizeRow[], of: (row: SizeRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

/** The rows as a Markdown table. */
export function formatSizeTable(rows: readonly SizeRow[]): string {
  const head = ["kernel", "objects", "ours", "of it second candidates", "bpftool", "ours / bpftool"];
  const lines = rows.map(({ kernel, objects, ours, secondCandidates, bpftool }) =>
    [kernel, objects, ours, secondCandidates, bpftool, (ours / bpftool).toFixed(3)].join(" | "),
  );
  return [head.join(" | "), head.map((_, i) => (i < 2 ? "---" : "--:")).join(" | "), ...lines]
    .map((line) => `| ${line} |`)
    .join("\n");
}
