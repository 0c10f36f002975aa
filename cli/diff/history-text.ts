import { cell, code, counted as countedWords, limited } from "../../corpus/markdown.ts";
import type { HistoryRow } from "../../lib/diff/history.ts";
import { aFew, counted, formatTable, printable } from "../table.ts";
import { type HistoryReport, type HistoryRun, kernelText, runsOf } from "./history-report.ts";
import { stateTexts } from "./history-words.ts";

/** As many kernels have a column each; of more, kernels on which a field is the same share a line. */
const MOST_COLUMNS = 6;
const OFFSETS = "Offsets are in bytes, with the bits beyond them behind a colon.";

/** The history for a terminal: fields by kernels, or a line for each run of kernels where those are many. */
export function historyText(report: HistoryReport): string {
  const { kernels, rows } = report;
  if (kernels.length <= MOST_COLUMNS) {
    const header = ["FIELD", ...kernels.map(kernelText).map(printable)];
    const lines = rows.map((row) => [row.path, ...cellTexts(report, row)]);
    return formatTable(header, lines);
  }
  return formatTable(
    ["FIELD", "KERNELS", "AT", "WHERE"],
    rows.flatMap((row) => runRows(report, row)),
    new Set(["KERNELS"]),
  );
}

function cellTexts({ states }: HistoryReport, { cells }: HistoryRow): string[] {
  const texts = stateTexts(states, cells);
  return cells.map((cell) => texts.get(cell) ?? "");
}

/** The field is named once. */
function runRows(report: HistoryReport, row: HistoryRow): string[][] {
  return runsAskedFirst(report, row).map((run, i) => [
    i === 0 ? row.path : "",
    String(run.count),
    run.text,
    runText(run),
  ]);
}

/** Kernels that an object is not for say nothing of a field, and so part no run of the others. */
function runsAskedFirst(report: HistoryReport, row: HistoryRow): HistoryRun[] {
  const runsWhere = (isSkipped: boolean) => {
    const isThis = (_: unknown, i: number) => (report.states[row.cells[i] ?? -1]?.status === "skipped") === isSkipped;
    return runsOf({ ...report, kernels: report.kernels.filter(isThis) }, { ...row, cells: row.cells.filter(isThis) });
  };
  return [...runsWhere(false), ...runsWhere(true)];
}

function runText({ label, state }: HistoryRun): string {
  return state.reason === null ? label : `${label}: ${state.reason}`;
}

/** The history for a pull request. */
export function historyMarkdown(report: HistoryReport): string {
  const { kernels, rows, objects, unreadable } = report;
  return limited([
    `### ${countedWords(rows.length, "field")} of ${countedWords(objects.length, "object")} on ${countedWords(kernels.length, "kernel")}\n\n${OFFSETS}\n\n`,
    // In front, for a table that is too long is cut.
    ...unreadable.map(({ origin, reason }) => `⛔ ${code(origin)}: unreadable: ${code(reason)}\n\n`),
    ...(kernels.length <= MOST_COLUMNS ? columnLines(report) : runLines(report)),
  ]);
}

function columnLines(report: HistoryReport): string[] {
  const names = report.kernels.map((kernel) => cell(kernelText(kernel)));
  return [
    `| field | ${names.join(" | ")} |\n|---|${"---|".repeat(names.length)}\n`,
    ...report.rows.map((row) => `| ${cell(row.path)} | ${cellTexts(report, row).map(cell).join(" | ")} |\n`),
  ];
}

function runLines(report: HistoryReport): string[] {
  const lines = report.rows.flatMap((row) => runRows(report, row));
  return [
    "| field | kernels | at | where |\n|---|---:|---|---|\n",
    ...lines.map(([path = "", count = "", at = "", where = ""]) => {
      return `| ${path === "" ? "" : cell(path)} | ${count} | ${cell(at)} | ${cell(where)} |\n`;
    }),
  ];
}

/** Counts, for standard error. Where modules were asked for and none came, a field that is missing may be in one. */
export function historyNotes(report: HistoryReport, withModules: boolean): string[] {
  const { kernels, rows, objects, unreadable } = report;
  const bare = withModules ? kernels.filter(({ modules }) => modules === 0) : [];
  const changing = rows.filter(({ changes }) => changes > 0).length;
  const count = `${counted(rows.length, "field")} of ${counted(objects.length, "object")} on ${counted(kernels.length, "kernel")}`;
  return [
    kernels.length === 0 ? "no kernel could be read" : `${count}, ${changing} of them not everywhere the same`,
    ...unreadable.map(({ origin, reason }) => `warning: ${origin}: unreadable: ${reason}`),
    ...(bare.length === 0 ? [] : [`warning: no modules come with ${aFew(bare.map(kernelText))}`]),
  ].map(printable);
}
