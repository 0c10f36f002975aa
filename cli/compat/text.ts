import type { CompatMatrix } from "../../corpus/compat/matrix.ts";
import { FINDING_STATUSES } from "../../corpus/compat/matrix.ts";
import {
  columnCounts,
  type FindingGroup,
  groupText,
  rowFindings,
  STATUS_WORDS,
  totalsOf,
  verdictText,
} from "../../corpus/compat/summary.ts";
import type { FindingPlace } from "../../lib/core/place.ts";
import { counted, printable } from "../table.ts";

/** Lines of a screen, which groups share; each has at least one for what is wrong, and at most MOST_FINDINGS. */
const SCREEN_LINES = 48;
const MOST_FINDINGS = 5;
/** Names of places in a line. */
const MOST_PLACES = 2;

/**
 * The matrix for a terminal: a line a group of kernels on which everything is the same, and below it why something is
 * not resolved there. Reasons that an earlier group of the same outcome has shown are not said again.
 */
export function compatText(matrix: CompatMatrix): string {
  const shown = new Map<number, number>();
  const most = linesFor(matrix);
  const lines = matrix.groups.flatMap((group, i) => {
    const head = `${groupText(matrix, group)}: ${counted(group.count, "kernel")}, ${verdictText(columnCounts(matrix, group.row))}`;
    const before = shown.get(group.row);
    if (before !== undefined) {
      const findings = rowFindings(matrix, group.row);
      if (findings.length === 0) return [head];
      const other = matrix.groups[before];
      return [head, ...(other === undefined ? [] : [`    as ${groupText(matrix, other)}`])];
    }
    shown.set(group.row, i);
    return [head, ...findingLines(rowFindings(matrix, group.row), most)];
  });
  const unreadable = matrix.unreadable.map(({ origin, reason }) => `${origin}: unreadable: ${reason}`);
  return [...lines, ...unreadable].map((line) => `${printable(line)}\n`).join("");
}

/** How many lines of findings a group may have, so that all groups fit on a screen where that can be. */
function linesFor({ groups }: CompatMatrix): number {
  const withFindings = new Set(groups.map(({ row }) => row)).size;
  return Math.max(1, Math.min(MOST_FINDINGS, Math.floor((SCREEN_LINES - groups.length) / Math.max(1, withFindings))));
}

function findingLines(findings: readonly FindingGroup[], most: number): string[] {
  const bad = findings.filter(({ status }) => FINDING_STATUSES.has(status));
  const absent = findings.filter(({ status }) => !FINDING_STATUSES.has(status));
  // What is absent as foreseen has a line only where there is room for it.
  const badLines = bad.slice(0, absent.length > 0 && most > 1 ? most - 1 : most);
  const absentLines = bad.length > 0 && most === 1 ? [] : absent.slice(0, 1);
  return [...linesOf(badLines, bad.length), ...linesOf(absentLines, absent.length)];
}

/** The last line says how many more there are. */
function linesOf(shown: readonly FindingGroup[], total: number): string[] {
  const more = total - shown.length;
  return shown.map((finding, i) => {
    return findingText(finding) + (more > 0 && i === shown.length - 1 ? ` (and ${more} more)` : "");
  });
}

function findingText({ status, kinds, path, reason, places }: FindingGroup): string {
  const all = [...new Set(places.map(placeText))];
  const named = all.slice(0, MOST_PLACES).join(", ");
  const more = all.length > MOST_PLACES ? ` and ${all.length - MOST_PLACES} more` : "";
  return `    ${status} ${kinds.join("+")} ${path}: ${reason} [${named}${more}]`;
}

function placeText({ object, program, section, instruction, source }: FindingPlace): string {
  const at = instruction === null ? "" : ` ${source ?? `insn ${instruction}`}`;
  return `${object.slice(object.lastIndexOf("/") + 1)} ${program ?? `(${section})`}${at}`;
}

/** The counts of a matrix, for standard error. */
export function compatNotes(matrix: CompatMatrix, passedOver: number): string[] {
  const totals = totalsOf(matrix);
  const columns = totals.columns === totals.objects ? "" : `, ${counted(totals.columns, "program")}`;
  const pairs = Object.entries(totals.cellsByStatus)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${STATUS_WORDS[status as keyof typeof STATUS_WORDS]}`);
  const without = passedOver > 0 ? `, ${counted(passedOver, "file")} without a kernel` : "";
  const unreadable = totals.unreadable > 0 ? `, ${totals.unreadable} unreadable` : "";
  return [
    `${counted(totals.kernels, "kernel")} in ${counted(totals.groups, "group")}, ${counted(totals.objects, "object")}${columns}${unreadable}${without}`,
    ...(pairs.length === 0 ? [] : [`of each on each: ${pairs.join(", ")}`]),
  ];
}
