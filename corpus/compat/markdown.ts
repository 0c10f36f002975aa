import type { FindingPlace } from "../../lib/core/place.ts";
import { needyObjects } from "../../lib/prepare/need-text.ts";
import { cell, code, counted, html, limited } from "../markdown.ts";
import { type CompatMatrix, type CompatStatus, FINDING_STATUSES } from "./matrix.ts";
import {
  columnCounts,
  type FindingGroup,
  groupText,
  rowFindings,
  STATUS_WORDS,
  totalsOf,
  verdictText,
  worstOf,
} from "./summary.ts";

const MOST_FINDINGS = 20;
const MOST_PLACES = 3;

const SIGNS: Readonly<Record<CompatStatus, string>> = {
  skipped: "⚪",
  "no-relocations": "⚪",
  resolved: "✅",
  absent: "🟡",
  poisoned: "🟠",
  "no-target": "🟠",
  ambiguous: "❌",
  error: "❌",
};

/**
 * The matrix for a pull request: a table of groups, and below it what is wrong in each that has something wrong,
 * folded. Whatever comes from files is in code spans, where nothing is a mention, a link or HTML. It ends, saying so,
 * before a comment would be too long.
 */
export function compatMarkdown(matrix: CompatMatrix): string {
  const totals = totalsOf(matrix);
  const what = matrix.columns.some(({ program }) => program !== null) ? "program" : "object";
  const pairs = Object.entries(totals.cellsByStatus).filter(([, count]) => count > 0) as [CompatStatus, number][];
  const parts = [
    `### BPF compatibility: ${counted(totals.columns, what)} on ${counted(totals.kernels, "kernel")}\n\n`,
    `${pairs.map(([status, count]) => `${count} ${STATUS_WORDS[status]}`).join(", ") || "nothing was compared"}`,
    `${totals.unreadable > 0 ? `; ${counted(totals.unreadable, "file")} unreadable` : ""}.\n\n`,
    ...groupTable(matrix),
    ...matrix.unreadable.map(({ origin, reason }) => `- ⛔ ${code(origin)}: unreadable: ${code(reason)}\n`),
    ...(matrix.unreadable.length > 0 ? ["\n"] : []),
    ...objectNotes(matrix),
    ...details(matrix),
  ];
  return limited(parts);
}

function* groupTable(matrix: CompatMatrix): Generator<string> {
  if (matrix.groups.length === 0) return;
  yield "| | kernels | | |\n|---|---|---:|---|\n";
  for (const group of matrix.groups) {
    const counts = columnCounts(matrix, group.row);
    yield `| ${SIGNS[worstOf(counts)]} | ${cell(groupText(matrix, group))} | ${group.count} | ${verdictText(counts)} |\n`;
  }
  yield "\n";
}

/** What is true of objects on every kernel: what they may have lost, and need besides relocations. */
function* objectNotes({ objects }: CompatMatrix): Generator<string> {
  const lacking = objects.filter(({ lacks }) => lacks !== null);
  if (lacking.length > 0) {
    const lines = lacking.map(({ name, lacks }) => `- ⚠️ ${code(name)} has no \`${lacks}\`, so no CO-RE relocations\n`);
    yield `${lines.join("")}\n`;
  }
  const needy = needyObjects(objects);
  if (needy.length === 0) return;
  const heading = `${counted(needy.length, "object")} that need${needy.length === 1 ? "s" : ""} the running kernel's own BTF besides`;
  const lines = needy.map(({ name, required }) => `- ${code(name)}: ${required.map(code).join(", ")}\n`);
  yield `<details><summary>${heading}</summary>\n\n${lines.join("")}\n</details>\n\n`;
}

/** A row's findings once, under all groups that have it. */
function* details(matrix: CompatMatrix): Generator<string> {
  const byRow = new Map<number, string[]>();
  for (const group of matrix.groups) {
    const labels = byRow.get(group.row) ?? [];
    labels.push(groupText(matrix, group));
    byRow.set(group.row, labels);
  }
  for (const [row, labels] of byRow) {
    const findings = rowFindings(matrix, row).filter(({ status }) => FINDING_STATUSES.has(status));
    if (findings.length === 0) continue;
    const heading =
      labels.length === 1 ? html(labels[0] as string) : `${html(labels[0] as string)} and ${labels.length - 1} more`;
    const lines = findings.slice(0, MOST_FINDINGS).map(findingLine);
    const more = findings.length - lines.length;
    if (more > 0) lines.push(`- and ${more} more\n`);
    yield `<details><summary><code>${heading}</code></summary>\n\n${lines.join("")}\n</details>\n\n`;
  }
}

function findingLine({ status, kinds, path, reason, places }: FindingGroup): string {
  const all = [...new Set(places.map(placeCode))];
  const named = all.slice(0, MOST_PLACES).join(", ");
  const more = all.length - MOST_PLACES;
  return `- **${status}** ${code(`${kinds.join("+")} ${path}`)}: ${code(reason)} in ${named}${more > 0 ? ` and ${more} more` : ""}\n`;
}

function placeCode({ object, program, section, instruction, source }: FindingPlace): string {
  const file = object.slice(object.lastIndexOf("/") + 1);
  const at = instruction === null ? "" : source === null ? `+${instruction}` : ` ${source}`;
  return code(`${file} ${program ?? section}${at}`);
}
