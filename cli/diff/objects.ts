import { statSync } from "node:fs";
import type { ObjectTag } from "../../corpus/batch/object-tag.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { attachTargets } from "../../lib/core/attach-targets.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { hasFunctions } from "../../lib/core/target-standing.ts";
import type { Args } from "../command.ts";
import type { diff as command } from "../commands/diff.ts";
import { UsageError } from "../errors.ts";
import { formatOf } from "../format.ts";
import { readAllowList, unusedRuleNotes } from "../inputs/allow-list.ts";
import { parseKernelAllowList } from "../inputs/kernel-allow.ts";
import { objectPaths, readTagged } from "../inputs/tagged-objects.ts";
import { checkStandardInput } from "../inputs/target-input.ts";
import { EXIT_BAD_INPUT, EXIT_FINDING, EXIT_FINE, type Outcome } from "../outcome.ts";
import { pageTemplate } from "../page-template.ts";
import { counted, printable } from "../table.ts";
import { runHistory } from "./history-run.ts";
import { historyMarkdown, historyNotes, historyText } from "./history-text.ts";
import { diffHtml, stepTitle } from "./html.ts";
import { type ImpactStrict, judgeImpact } from "./impact-allow.ts";
import { impactMarkdown } from "./impact-markdown.ts";
import { type ImpactReport, impactReport } from "./impact-report.ts";
import { impactNotes, impactText } from "./impact-text.ts";
import { foldModules, missingModuleNotes } from "./modules.ts";
import { isForOthers } from "./others.ts";
import { compareSides, diffRequestOf, readSides } from "./run.ts";

type DiffArgs = Args<typeof command>;

/** Options that say what to show of types, which are on the page alone here. */
const ABOUT_TYPES = ["type", "kind", "only", "own", "ignore", "full", "reached"] as const;

/**
 * What a step does to objects, or, of more than two kernels, of a directory or of a bundle, what fields are on each.
 * Throws UsageError, InputError, FormatError.
 */
export async function diffObjects(args: DiffArgs): Promise<Outcome> {
  const given = ABOUT_TYPES.find((name) => isGiven(args[name]));
  const isStep = args.new !== undefined && args.more.length === 0 && ![args.old, args.new].some(isDirectory);
  if (given !== undefined && (args.html === undefined || !isStep)) {
    throw new UsageError(`diff: --${given} is about types; with --object it needs OLD, NEW and --html`);
  }
  if (args.allow !== undefined && !args.strict) throw new UsageError("diff: --allow needs --strict");
  if (args.stat) throw new UsageError("diff: --stat and --object exclude each other");
  return isStep ? step(args) : history(args);
}

function isGiven(value: readonly string[] | string | boolean | undefined): boolean {
  return typeof value === "object" ? value.length > 0 : value !== undefined && value !== false;
}

function isDirectory(path: string | undefined): boolean {
  return path !== undefined && path !== "-" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function step(args: DiffArgs): Promise<Outcome> {
  const request = diffRequestOf(args);
  const tagged = args.object.flatMap(readTagged);
  const objects = tagged.map(({ object }) => object);
  const rules = args.strict ? readAllowList(args.allow, parseKernelAllowList) : null;
  const sides = await readSides(request);
  const report = impactReport(objects, sides.old.target, sides.new.target, args.loader ?? "libbpf", (at) =>
    skipReason(tagged[at]?.tag ?? null, [sides.old.identity, sides.new.identity]),
  );
  const strict = rules === null ? null : judgeImpact(report.objects, rules, sides.new.identity);
  const failed = (strict !== null && strict.refused > 0) || (request.exitCode && isChanged(report));
  const page = () => {
    const { diff, filtered } = compareSides(sides.old.target, sides.new.target, request);
    const types = { ...diff, types: request.full ? filtered.types : foldModules(filtered.types) };
    return diffHtml({ title: stepTitle(report), types, impact: report, history: null }, pageTemplate("diff"));
  };
  return {
    exitCode: failed ? EXIT_FINDING : EXIT_FINE,
    json: { ...report, strict },
    text: () => (request.format === "markdown" ? impactMarkdown(report) : impactText(report)),
    notes: [
      ...missingModuleNotes(request, report),
      ...noFunctionNotes(objects, [sides.old.target, sides.new.target]),
      ...impactNotes(report),
      ...strictNotes(strict, args.allow),
    ].map(printable),
    files: args.html === undefined ? [] : [{ path: args.html, bytes: page() }],
  };
}

/** Where nothing is said of targets that objects have. */
function noFunctionNotes(objects: readonly BpfObject[], kernels: readonly Btf[]): string[] {
  if (!objects.some((object) => attachTargets(object).some(({ targetKind }) => targetKind !== null))) return [];
  return kernels
    .filter((kernel) => !hasFunctions(kernel))
    .map(({ source }) => `warning: ${source}: has no functions (minimized?), so targets of objects are not compared`);
}

function strictNotes(strict: ImpactStrict | null, allow: string | undefined): string[] {
  if (strict === null) return [];
  const { refused, first, unusedRules } = strict;
  const notes = unusedRuleNotes(allow, unusedRules);
  if (first === null) return notes;
  const { object, program, section, kind, path, what } = first;
  const where = `${object}: ${program ?? `(${section})`}: ${what}: ${kind} ${path}`;
  return [...notes, `--strict: ${counted(refused, "break")}; first ${where}`];
}

/** As a history skips objects, where both kernels are others. */
function skipReason(tag: ObjectTag | null, kernels: readonly KernelIdentity[]): string | null {
  if (tag === null || !kernels.every((kernel) => isForOthers(tag, kernel))) return null;
  return `the object is for ${tag.word}, the kernels ${[...new Set(kernels.map(({ arch }) => arch))].join(" and ")}`;
}

/** Whether anything becomes of any relocation or target. */
function isChanged({ totals, objects }: ImpactReport): boolean {
  const { same, ...others } = totals.relocations;
  if (Object.values(others).some((count) => count > 0)) return true;
  return objects.some(({ programs, targets }) =>
    [...programs.flatMap((program) => program.targets), ...targets].some(({ change }) => change !== "same"),
  );
}

async function history(args: DiffArgs): Promise<Outcome> {
  const refused = (["old-module", "new-module", "old-base", "new-base", "strict", "allow"] as const).find((name) =>
    isGiven(args[name]),
  );
  if (refused !== undefined) throw new UsageError(`diff: --${refused} is for a step from one kernel to another`);
  const format = formatOf("diff", args);
  const sources = [args.old, ...(args.new === undefined ? [] : [args.new]), ...args.more];
  checkStandardInput("diff", [...sources, ...objectPaths(args.object)]);
  const objects = args.object.flatMap(readTagged);
  const { modules, loader } = args;
  const report = await runHistory({ objects, sources, rules: loader ?? "libbpf", options: { modules } });
  const notes = historyNotes(report, modules);
  // Without a kernel there is nothing to show of a field.
  if (report.kernels.length === 0) return { exitCode: EXIT_BAD_INPUT, json: report, notes };
  const changes = report.rows.some((row) => row.changes > 0);
  const isFinding = report.unreadable.length > 0 || (args["exit-code"] && changes);
  const title = `Fields over ${counted(report.kernels.length, "kernel")}`;
  const page = () => diffHtml({ title, types: null, impact: null, history: report }, pageTemplate("diff"));
  return {
    exitCode: isFinding ? EXIT_FINDING : EXIT_FINE,
    json: report,
    text: () => (format === "markdown" ? historyMarkdown(report) : historyText(report)),
    notes,
    files: args.html === undefined ? [] : [{ path: args.html, bytes: page() }],
  };
}
