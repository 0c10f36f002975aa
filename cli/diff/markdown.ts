import { cell, code, counted, html, limited } from "../../corpus/markdown.ts";
import { DIFF_KINDS, type TypeChange } from "../../lib/diff/change.ts";
import type { diffHead } from "./report.ts";
import { statRows } from "./stat.ts";
import { typeLines } from "./text.ts";

/** Lines of one block: whole blocks are left out where the text would be too long for a comment. */
const BLOCK_LINES = 200;

/** The diff for a pull request: the counts, and below them the patch, a folded part for each kind of type. */
export function diffMarkdown(head: ReturnType<typeof diffHead>, types: readonly TypeChange[], full: boolean): string {
  const title = `### Types: ${code(head.old.source)} to ${code(head.new.source)}\n\n`;
  const rows = statRows(head.counts);
  if (rows.length === 0) return `${title}No difference.\n`;
  const table = [
    "| | added | removed | changed | only in consequence |",
    "|---|---:|---:|---:|---:|",
    ...rows.map(([kind = "", ...cells]) => `| ${cell(kind)} | ${cells.join(" | ")} |`),
  ];
  const parts = DIFF_KINDS.flatMap((kind) => {
    const own = types.filter((type) => type.kind === kind);
    return own.length === 0 ? [] : [...folded(kind, own, full)];
  });
  return limited([title, `${table.join("\n")}\n\n`, ...parts]);
}

function* folded(kind: string, types: readonly TypeChange[], full: boolean): Generator<string> {
  let lines: string[] = [];
  let first = 0;
  for (const [i, type] of types.entries()) {
    lines = lines.concat(typeLines(type, { full }));
    if (lines.length < BLOCK_LINES && i + 1 < types.length) continue;
    const own = types.slice(first, i + 1);
    // Where one block does not have them all, it says which it has.
    const ends = own.length === types.length ? "" : `: ${nameText(own[0])} to ${nameText(own.at(-1))}`;
    yield block(counted(own.length, kind) + ends, lines);
    lines = [];
    first = i + 1;
  }
}

function nameText(type: TypeChange | undefined): string {
  return html(type === undefined || type.name === "" ? "nameless" : type.name);
}

/** What comes from files cannot end the block: its fence is longer than any run of backticks in it. */
function block(summary: string, lines: readonly string[]): string {
  const text = lines.join("\n");
  const longest = [...text.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `<details><summary>${summary}</summary>\n\n${fence}diff\n${text}\n${fence}\n\n</details>\n`;
}
