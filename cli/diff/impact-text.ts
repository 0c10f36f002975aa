import type { FieldImpact, ObjectImpact, ProgramImpact } from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";
import { counted, printable } from "../table.ts";
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
} from "./impact-words.ts";

/** Room for the longest word of a change. */
const WORD_WIDTH = "newly ambiguous".length;
const MOST_PATH = 40;

/** What a step does to objects, for a terminal: programs to which nothing happens are counted. */
export function impactText({ objects }: ImpactReport): string {
  const names = shortNames(objects);
  return objects
    .flatMap((impact, i) => objectLines(impact, names[i] ?? impact.name))
    .map((line) => `${printable(line)}\n`)
    .join("");
}

function objectLines(impact: ObjectImpact, name: string): string[] {
  const { skipped, programs, targets } = impact;
  if (skipped !== null) return [`${name}: skipped: ${skipped}`];
  const touched = programs.filter(isTouched);
  const lines = [...touched.flatMap((program) => programLines(program, impact)), ...targetLines(targets)];
  const quiet = programs.filter((program) => !isTouched(program));
  const fields = quiet.reduce((sum, program) => sum + program.fields.length, 0);
  const rest =
    quiet.length === 0
      ? []
      : [`${counted(quiet.length, "program")}${fields === 0 ? "" : ` with ${counted(fields, "field")}`} as before`];
  if (lines.length === 0) return [`${name}: ${rest[0] ?? "nothing to compare"}`];
  return [`${name}: ${objectVerdict(impact)}`, ...lines, ...rest.map((line) => `  ${line}`)];
}

/** Whether anything changes for a program. */
function isTouched({ change, worked, works, targets }: ProgramImpact): boolean {
  return change !== "same" || worked !== works || targets.some((target) => target.change !== "same");
}

function programLines(program: ProgramImpact, object: ObjectImpact): string[] {
  const changed = program.fields.filter(({ change }) => change !== "same");
  const width = Math.min(MOST_PATH, Math.max(0, ...changed.map(({ path }) => path.length)));
  const same = program.fields.length - changed.length;
  return [
    `  ${program.program ?? "(no program)"} (${program.section}): ${programVerdict(program, object)}`,
    ...targetLines(program.targets).map((line) => `  ${line}`),
    ...changed.map((field) => `    ${fieldLine(field, width)}`),
    ...(same === 0 ? [] : [`    ${counted(same, "field")} as before`]),
  ];
}

function fieldLine(field: FieldImpact, width: number): string {
  const word = CHANGE_WORDS[field.change].padEnd(WORD_WIDTH);
  return `${word}  ${field.path.padEnd(width)}  ${fieldWords(field)}  [${sourceWords(field)}]`;
}

function targetLines(targets: readonly AttachImpact[]): string[] {
  return targets.filter(({ change }) => change !== "same").map((target) => `  ${targetWords(target)}`);
}

/** Counts, for standard error. */
export function impactNotes({ totals, old, new: now }: ImpactReport): string[] {
  const { relocations, broken, mended, targets } = totals;
  const parts = Object.entries(relocations).filter(([, count]) => count > 0);
  const counts = parts.map(([change, count]) => `${count} ${CHANGE_WORDS[change as keyof typeof CHANGE_WORDS]}`);
  return [
    `${kernelName(old.source)} to ${kernelName(now.source)}: ${counted(totals.objects, "object")}, ${counted(totals.programs, "program")}, relocations: ${counts.join(", ") || "none"}`,
    `${broken} would break, ${mended} would work now${targets === 0 ? "" : `, ${counted(targets, "target")} gone or changed`}`,
  ].map(printable);
}
