/** A column is at most this wide; a longer cell pushes the rest of its row to the right, and is never cut. */
const MAX_WIDTH = 48;
const GAP = "  ";
const EXCERPT_LENGTH = 60;

/**
 * Lays rows out in columns for a fixed-width screen, one line a row, also where standard output is a pipe. The last
 * column is as long as it is. Columns named in `right` (numbers) are set flush right.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: ReadonlySet<string> = new Set(),
): string {
  const lines = [header, ...rows.map((row) => row.map(printable))];
  const widths = header.map((_, column) => {
    const widest = lines.reduce((width, line) => Math.max(width, (line[column] ?? "").length), 0);
    return Math.min(MAX_WIDTH, widest);
  });
  return lines.map((line) => `${formatLine(line, header, widths, right)}\n`).join("");
}

function formatLine(
  line: readonly string[],
  header: readonly string[],
  widths: readonly number[],
  right: ReadonlySet<string>,
): string {
  const cells = line.map((cell, column) => {
    const width = widths[column] ?? 0;
    if (right.has(header[column] ?? "")) return cell.padStart(width);
    return column === line.length - 1 ? cell : cell.padEnd(width);
  });
  return cells.join(GAP).trimEnd();
}

/** Text from a file, safe to show: control characters (of a terminal's language, too) are shown as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** As `printable`, for text whose line ends and tabs are its own. */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, (part) => printable(part));
}

/** The beginning of a text that may be of any length: a line of a file that is not what it was taken for. */
export function excerpt(text: string): string {
  return text.length <= EXCERPT_LENGTH ? text : `${text.slice(0, EXCERPT_LENGTH)}...`;
}

/** `4,119,994`; toLocaleString would load its tables (2 ms). */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `3 objects`, `1 object`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

const MOST_NAMED = 4;

/** `aes, tun, veth, xfs and 5 more`. */
export function aFew(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * The first of some lines, and how many more there are of `what`: `... and 1,204 more (--json lists all)`. `total` is for
 * who has made no more than the first.
 */
export function firstLines(lines: readonly string[], most: number, what = "", total = lines.length): string[] {
  const shown = lines.slice(0, most);
  const more = total - shown.length;
  return more > 0
    ? [...shown, `... and ${grouped(more)} more${what === "" ? "" : ` ${what}`} (--json lists all)`]
    : shown;
}
