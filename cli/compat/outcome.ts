import { compatDocument } from "../../corpus/compat/document.ts";
import { compatHtml } from "../../corpus/compat/html.ts";
import { compatMarkdown } from "../../corpus/compat/markdown.ts";
import { totalsOf } from "../../corpus/compat/summary.ts";
import { placeText } from "../../lib/core/place.ts";
import { unusedRuleNotes } from "../inputs/allow-list.ts";
import { isLacking, lackingNotes, lackingObjects } from "../objects/lacking.ts";
import { needLines } from "../objects/needs.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { pageTemplate } from "../page-template.ts";
import { counted, printable } from "../table.ts";
import { judgeStrict, type StrictVerdict } from "./allow.ts";
import type { CompatRequest, CompatRun } from "./run.ts";
import { compatNotes, compatText } from "./text.ts";

const MODULES_NOTE = "what modules have counts as not there (--modules reads those of packages)";

/** What the command says of a matrix, and how it ends. */
export function compatOutcome({ matrix, passedOver, allowed }: CompatRun, request: CompatRequest): Outcome {
  const { format, html, allow } = request;
  const { cellsByStatus, unreadable } = totalsOf(matrix);
  const strict = allowed === null ? null : judgeStrict(matrix, allowed);
  const refusing = cellsByStatus.ambiguous + cellsByStatus.error > 0;
  const refused = strict !== null && (strict.refused > 0 || isLacking(strict.lacking));
  const isFinding = unreadable > 0 || refusing || refused;
  const document = compatDocument(matrix);
  return {
    exitCode: isFinding ? EXIT_FINDING : EXIT_FINE,
    json: { ...document, filesWithoutKernels: passedOver, strict },
    text: () => (format === "markdown" ? compatMarkdown(matrix) : compatText(matrix)),
    notes: [
      ...lackingNotes(strict?.lacking ?? lackingObjects(matrix.objects), strict !== null),
      ...compatNotes(matrix, passedOver),
      ...(cellsByStatus["no-target"] > 0 && !request.modules ? [MODULES_NOTE] : []),
      ...needLines(matrix.objects),
      ...strictNotes(strict, allow),
    ].map(printable),
    files: html === undefined ? [] : [{ path: html, bytes: compatHtml(document, pageTemplate("compat")) }],
  };
}

function strictNotes(strict: StrictVerdict | null, allow: string | undefined): string[] {
  if (strict === null) return [];
  const { refused, kernels, first, unusedRules } = strict;
  const notes = unusedRuleNotes(allow, unusedRules);
  if (first === null) return notes;
  const where = `${first.kernel}: ${first.status}: ${placeText(first.place)}`;
  return [...notes, `--strict: ${counted(refused, "finding")} on ${counted(kernels, "kernel")}; first ${where}`];
}
