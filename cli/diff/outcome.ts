import type { TypeChange } from "../../lib/diff/change.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { pageTemplate } from "../page-template.ts";
import { printable } from "../table.ts";
import { diffHtml, stepTitle } from "./html.ts";
import { diffMarkdown } from "./markdown.ts";
import { foldedNotes, foldModules, missingModuleNotes } from "./modules.ts";
import { diffHead, diffTotals, writeDiffJson } from "./report.ts";
import type { DiffRequest, DiffRun } from "./run.ts";
import { statLine, statText } from "./stat.ts";
import { typeLines } from "./text.ts";

const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const BOLD = "\u001b[1m";
const PLAIN = "\u001b[m";
/** Text is written in pieces of about this size, so that `| head` ends it early. */
const PIECE = 1 << 16;

/** What the command says of a diff, and how it ends. */
export function diffOutcome({ diff, filtered, unknown }: DiffRun, request: DiffRequest): Outcome {
  const { format, full, stat, color, exitCode, ignoreFile, html } = request;
  const { types, unusedRules } = filtered;
  const head = () => diffHead(diff, filtered);
  const unused = unusedRules.map(
    ({ line, text }) => `warning: ${ignoreFile}:${line}: the rule leaves nothing out: ${text}`,
  );
  const shown = full ? types : foldModules(types);
  const page = () =>
    diffHtml(
      { title: stepTitle(diff), types: { ...diff, types: shown }, impact: null, history: null },
      pageTemplate("diff"),
    );
  const outcome = {
    exitCode: exitCode && types.length > 0 ? EXIT_FINDING : EXIT_FINE,
    json: null,
    notes: [
      ...missingModuleNotes(request, diff),
      ...unknown.map(({ rule, what }) => `warning: --type ${rule}: neither side has such a ${what}`),
      ...unused,
      ...(stat || format !== "text" ? [] : [statLine(diffTotals(filtered)), ...foldedNotes(types, shown)]),
    ].map(printable),
    files: html === undefined ? [] : [{ path: html, bytes: page() }],
  } as const;
  if (format === "json") {
    return { ...outcome, stream: (write) => writeDiffJson(head(), stat ? [] : types, write) };
  }
  if (format === "markdown") return { ...outcome, text: () => diffMarkdown(head(), shown, full) };
  if (stat) return { ...outcome, text: () => statText(head()) };
  return { ...outcome, stream: (write) => writeText(shown, { full }, color, write) };
}

function writeText(
  types: readonly TypeChange[],
  options: { readonly full: boolean },
  color: boolean,
  write: (chunk: Uint8Array) => void,
): void {
  const encoder = new TextEncoder();
  let text = "";
  for (const type of types) {
    for (const line of typeLines(type, options)) text += `${color ? colored(line) : line}\n`;
    if (text.length < PIECE) continue;
    write(encoder.encode(text));
    text = "";
  }
  if (text !== "") write(encoder.encode(text));
}

function colored(line: string): string {
  if (line.startsWith("+")) return `${GREEN}${line}${PLAIN}`;
  if (line.startsWith("-")) return `${RED}${line}${PLAIN}`;
  return line.startsWith(" \t") || line === " };" ? line : `${BOLD}${line}${PLAIN}`;
}
