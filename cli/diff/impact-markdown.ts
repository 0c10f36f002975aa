import { cell, code, counted, html, limited } from "../../corpus/markdown.ts";
import type { ObjectImpact, ProgramImpact } from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";
import type { ImpactReport } from "./impact-report.ts";
import {
  CHANGE_WORDS,
  fieldWords,
  kernelName,
  objectVerdict,
  programVerdict,
  shortNames,
  sourceWords,
  targetWords,
  type Verdict,
} from "./impact-words.ts";

const MOST_FIELDS = 30;

/**
 * What a step does to objects, for a pull request: a line an object, and below it what changes in each, folded where no
 * program breaks.
 */
export function impactMarkdown({ objects, totals, old, new: now }: ImpactReport): string {
  const names = shortNames(objects);
  const named = objects.map((impact, i) => ({ ...impact, name: names[i] ?? impact.name }));
  return limited([
    `### BPF objects from ${code(kernelName(old.source))} to ${code(kernelName(now.source))}\n\n`,
    `${counted(totals.programs, "program")} in ${counted(totals.objects, "object")}: `,
    `**${totals.broken} would break**, ${totals.mended} would work now.\n\n`,
    "| | object | programs | fields that change | targets that change |\n|---|---|---:|---:|---:|\n",
    ...named.map(objectRow),
    "\n",
    ...named.filter(isTouched).map(objectDetails),
  ]);
}

const SIGNS: Readonly<Record<Verdict, string>> = {
  works: "✅",
  breaks: "❌",
  "works now": "🟢",
  "works in part": "🟡",
  "did not work, and does not": "🟠",
};

function sign(impact: ObjectImpact): string {
  if (impact.skipped !== null) return "⚪ skipped";
  const verdict = objectVerdict(impact);
  return `${SIGNS[verdict]} ${verdict}`;
}

function objectRow(impact: ObjectImpact): string {
  const { name, programs } = impact;
  const fields = programs.flatMap((program) => changedFields(program)).length;
  const targets = allTargets(impact).filter(({ change }) => change !== "same").length;
  return `| ${sign(impact)} | ${cell(name)} | ${programs.length} | ${fields} | ${targets} |\n`;
}

function allTargets({ programs, targets }: ObjectImpact): AttachImpact[] {
  return [...programs.flatMap((program) => program.targets), ...targets];
}

function changedFields({ fields }: ProgramImpact) {
  return fields.filter(({ change }) => change !== "same");
}

function isTouched(impact: ObjectImpact): boolean {
  return (
    impact.programs.some((program) => changedFields(program).length > 0) ||
    allTargets(impact).some(({ change }) => change !== "same")
  );
}

function objectDetails(impact: ObjectImpact): string {
  const { name, programs, broken, targets } = impact;
  const open = broken > 0 ? " open" : "";
  const own = targets.filter(({ change }) => change !== "same").map((target) => `- ${code(targetWords(target))}\n`);
  const lines = programs.flatMap((program) => programLines(program, impact));
  return `<details${open}><summary><code>${html(name)}</code>: ${objectVerdict(impact)}</summary>\n\n${[...own, ...lines].join("")}\n</details>\n\n`;
}

function programLines(program: ProgramImpact, object: ObjectImpact): string[] {
  const fields = changedFields(program);
  const targets = program.targets.filter(({ change }) => change !== "same");
  if (fields.length === 0 && targets.length === 0 && program.worked === program.works) return [];
  const shown = fields.slice(0, MOST_FIELDS).map((field) => {
    const words = `${code(field.path)}: ${code(fieldWords(field))} at ${code(sourceWords(field))}`;
    return `  - **${CHANGE_WORDS[field.change]}** ${words}\n`;
  });
  const more = fields.length - shown.length;
  return [
    `- ${code(program.program ?? program.section)}: ${programVerdict(program, object)}\n`,
    ...targets.map((target) => `  - ${code(targetWords(target))}\n`),
    ...shown,
    ...(more > 0 ? [`  - and ${more} more\n`] : []),
  ];
}
