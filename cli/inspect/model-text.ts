import { passingText } from "../../lib/core/compare-models.ts";
import type { FunctionModel } from "../../lib/core/function-model.ts";
import { counted, formatTable, printable } from "../table.ts";
import {
  type FieldReport,
  isDispensable,
  type ModelReport,
  type ObjectModels,
  type TargetReport,
} from "./model-report.ts";

/** The report as text: a block for each function, a table of targets, a table of fields. */
export function modelText({ functions, targets, fields, kernel }: ModelReport): string {
  const blocks = functions.map((one) => {
    const notes = [
      ...(one.source === kernel.source ? [] : [`in ${baseName(one.source)}`]),
      ...(one.isFirst ? [] : ["not the first of its name, which the kernel takes"]),
    ];
    return functionText(one, notes);
  });
  if (targets !== null && targets.length > 0) blocks.push(targetsText(targets));
  if (fields !== null && fields.length > 0) blocks.push(fieldsText(fields));
  return blocks.join("\n");
}

/** Counts and what is missing, a line each, for standard error. */
export function modelNotes({ functions, missing, targets, fields, rules }: ModelReport): string[] {
  const lines = missing.map(({ name, nearest }) => {
    const hint = nearest === null || nearest === name ? "" : `; did you mean ${nearest}?`;
    return printable(`there is no function ${name}${hint}`);
  });
  const without = functions.filter(({ obstacles }) => obstacles.length > 0).length;
  if (functions.length > 0) {
    lines.push(`${counted(functions.length, "function")}, ${without} without a trampoline${rulesText(rules)}`);
  }
  if (targets !== null && fields !== null) lines.push(modelCounts({ targets, fields }));
  return lines;
}

/** `3 targets, 1 not found or not possible; 2 fields of maps, 0 refused`. */
export function modelCounts({ targets, fields }: Pick<ObjectModels, "targets" | "fields">): string {
  const bad = targets.filter(({ status }) => status !== "found").length;
  const refused = fields.filter(({ status }) => status === "refused").length;
  const ofTargets = `${counted(targets.length, "target")}, ${bad} not found or not possible`;
  return `${ofTargets}; ${counted(fields.length, "field")} of maps, ${refused} refused`;
}

/** Tables of what is not found, not possible or refused, and of pointers to types that the kernel lacks; empty for none. */
export function modelProblems({ targets, fields }: ObjectModels): string {
  const bad = targets.filter(({ status }) => status !== "found");
  const odd = fields.filter(({ status, kind }) => status === "refused" || (status === "own" && kind !== "user"));
  return `${bad.length > 0 ? targetsText(bad) : ""}${odd.length > 0 ? fieldsText(odd) : ""}`;
}

function rulesText({ since, release, from, architecture }: ModelReport["rules"]): string {
  const which = release === null ? `the newest rules (${since})` : `the rules of ${release}, as since ${since}`;
  const source = from === "running kernel" || from === "file name" ? ` (${from})` : "";
  return ` by ${which}${source}${architecture === null ? "" : `, on ${architecture}`}`;
}

/** `vfs_read(struct file *file, ...) -> ssize_t`, how each value is passed, and what is in the way. */
function functionText(model: FunctionModel, notes: readonly string[]): string {
  const { name, args, returns, variadic, words, obstacles } = model;
  const list = args.map(({ type, name: own }) => `${type}${own === "" || type.endsWith("*") ? "" : " "}${own}`);
  const all = [...list, ...(variadic ? ["..."] : [])].join(", ");
  const lines = [`${name}(${all === "" ? "void" : all}) -> ${returns.type}`, ...notes.map((text) => `  (${text})`)];
  args.forEach((arg, i) => {
    lines.push(`  ${i + 1}${arg.name === "" ? "" : ` ${arg.name}`}: ${passingText(arg)}`);
  });
  lines.push(`  returns: ${passingText(returns)}`);
  if (obstacles.length === 0) lines.push(`  trampoline: possible, ${counted(words, "word")} of 8 bytes`);
  for (const { text } of obstacles) lines.push(`  no trampoline: ${text}`);
  return `${lines.map(printable).join("\n")}\n`;
}

function targetsText(targets: readonly TargetReport[]): string {
  const rows = targets.map((one) => [
    baseName(one.object),
    one.user,
    one.kind,
    one.symbol ?? one.name,
    isDispensable(one) ? `${one.status} (optional)` : one.status,
    one.reason === null ? shapeText(one) : faultText(one),
  ]);
  return formatTable(["OBJECT", "USER", "KIND", "TARGET", "STATUS", "MODEL"], rows);
}

function faultText({ reason, remark, nearest }: TargetReport): string {
  return [reason, remark, nearest === null ? null : `did you mean ${nearest}?`]
    .filter((text) => text !== null)
    .join("; ");
}

function shapeText({ model, type, source, remark }: TargetReport): string {
  const where = `${source === null ? "" : ` in ${baseName(source)}`}${remark === null ? "" : `; ${remark}`}`;
  if (model === null) return `${type ?? ""}${where}`;
  return `(${model.args.map((arg) => arg.type).join(", ")}) -> ${model.returns.type}${where}`;
}

function fieldsText(fields: readonly FieldReport[]): string {
  const rows = fields.map((one) => [
    baseName(one.object),
    `${one.owner}${one.where === "map" ? "" : ` (${one.where})`}`,
    one.path || "-",
    `${one.offset}${one.count > 1 ? ` x ${one.count}` : ""}`,
    one.kind,
    one.pointee === null ? "-" : `${one.pointee.kind} ${one.pointee.name}`,
    fieldStatus(one),
  ]);
  return formatTable(["OBJECT", "MAP", "FIELD", "OFFSET", "WHAT", "TYPE", "KERNEL"], rows, new Set(["OFFSET"]));
}

function fieldStatus({ status, problem, source }: FieldReport): string {
  if (status === "refused") return `refused: ${problem?.text ?? ""}`;
  if (status === "special") return "-";
  if (status === "own") return "not there: the object's own type";
  return `in ${source === null ? "it" : baseName(source)}`;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf(":")) + 1);
}
