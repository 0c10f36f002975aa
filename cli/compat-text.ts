import type { CompatMatrix } from "../corpus/compat/matrix.ts";
import { FINDING_STATUSES } from "../corpus/compat/matrix.ts";
import {
  columnCounts,
  type FindingGroup,
  groupText,
  rowFindings,
  STATUS_WORDS,
  totalsOf,
  verdictText,
} from "../corpus/compat/summary.ts";
import type { Place } from "../lib/core/place.ts";
import { counted, printable } from "./table.ts";

/** Lines under a group; what more there is, is counted. */
const MOST_FINDINGS = 5;
/** Names of places in a line. */
const MOST_PLACES = 2;

/**
 * The matrix for a terminal: a line a group of kernels on which everything is the same, and below it why something is
 * not resolved there. Reasons that an earlier group of the same outcome has shown are not said again.
 */
export function compatText(matrix: CompatMatrix): string {
  const shown = new Map<number, number>();
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
    return [head, ...findingLines(rowFindings(matrix, group.row))];
  });
  const unreadable = matrix.unreadable.map(({ origin, reason }) => `${origin}: unreadable: ${reason}`);
  return [...lines, ...unreadable].map((line) => `${printable(line)}\n`).join("");
}

function findingLines(findings: readonly FindingGroup[]): string[] {
  const bad = findings.filter(({ status }) => FINDING_STATUSES.has(status));
  const absent = findings.filter(({ status }) => !FINDING_STATUSES.has(status));
  const [firstAbsent] = absent;
  const lines = bad.slice(0, MOST_FINDINGS).map(findingText);
  if (bad.length > lines.length) lines.push(`    and ${bad.length - lines.length} more`);
  if (firstAbsent !== undefined) {
    const more = absent.length > 1 ? ` (and ${absent.length - 1} more)` : "";
    lines.push(`${findingText(firstAbsent)}${more}`);
  }
  return lines;
}

function findingText({ status, kind, path, reason, places }: FindingGroup): string {
  const named = places.slice(0, MOST_PLACES).map(placeText).join(", ");
  const more = places.length > MOST_PLACES ? ` and ${places.length - MOST_PLACES} more` : "";
  return `    ${status} ${kind} ${path}: ${reason} [${named}${more}]`;
}

function placeText({ object, program, section, instruction, source }: Place): string {
  return `${object.slice(object.lastIndexOf("/") + 1)} ${program ?? `(${section})`} ${source ?? `insn ${instruction}`}`;
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
