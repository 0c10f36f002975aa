import type { KindOrPlace } from "./lint-rules.ts";
import { LINT_RULES, type LintRule, type LintSeverity } from "./lint-rules.ts";
import { nameOf } from "./strings.ts";
import { type Btf, kindName, kindOf, recordOf } from "./view.ts";

/** One thing that is wrong (or odd) in a BTF blob, as data. */
export interface LintFinding {
  /** Stable id, a key of LINT_RULES. */
  readonly rule: LintRule;
  readonly severity: LintSeverity;
  /** Kind name as bpftool prints it, or `HEADER`, `TYPES`, `STRINGS`, `LAYOUT` for what belongs to no type. */
  readonly kind: KindOrPlace;
  /** The type's id in the blob's own numbering; 0 for what belongs to no type. */
  readonly typeId: number;
  /** The type's name, decoded; empty when it has none. */
  readonly name: string;
  /** Index of the member, enumerator, parameter or section variable. */
  readonly memberIndex?: number;
  /** Bytes: from the start of the file for HEADER, else from the start of the section. */
  readonly offset?: number;
  /** What is wrong, without rule, kind, id and name. */
  readonly message: string;
  /** The first Linux release that takes this, where older ones refuse it. */
  readonly refusedBefore?: string;
}

/** Findings as they come in; past `limit` they are only counted, so that no input costs unbounded memory. */
export interface LintReport {
  readonly findings: LintFinding[];
  readonly limit: number;
  dropped: number;
}

/** Everything the passes over types share. */
export interface LintSubject {
  /** The base's types (if any) and the blob's own, as far as they could be read; ids are checked before use. */
  readonly btf: Btf;
  /** The blob's own types: `startId` to `endId - 1`. */
  readonly startId: number;
  readonly endId: number;
  /** False when a record could not be read: what its and later ids are is not known then. */
  readonly complete: boolean;
  readonly report: LintReport;
}

/** Where inside a blob a finding belongs; all optional. */
export interface FindingPlace {
  readonly memberIndex?: number;
  readonly offset?: number;
}

/** Adds a finding that belongs to no type. */
export function complainOfFile(
  report: LintReport,
  rule: LintRule,
  kind: KindOrPlace,
  message: string,
  place: FindingPlace = {},
): void {
  add(report, rule, { kind, typeId: 0, name: "" }, message, place);
}

/** Adds a finding about a type, with its place in the type section. */
export function complainOfType(
  subject: LintSubject,
  rule: LintRule,
  id: number,
  message: string,
  memberIndex?: number,
): void {
  const { btf, startId, report } = subject;
  if (report.findings.length >= report.limit) {
    report.dropped++;
    return;
  }
  const offset = (recordOf(btf, id) - recordOf(btf, startId)) * 4;
  const type = { kind: kindName(kindOf(btf, id)), typeId: id, name: nameOf(btf, id) };
  add(report, rule, type, message, memberIndex === undefined ? { offset } : { offset, memberIndex });
}

function add(
  report: LintReport,
  rule: LintRule,
  type: Pick<LintFinding, "kind" | "typeId" | "name">,
  message: string,
  place: FindingPlace,
): void {
  if (report.findings.length >= report.limit) {
    report.dropped++;
    return;
  }
  const { severity, refusedBefore } = LINT_RULES[rule];
  const versions = refusedBefore === undefined ? {} : { refusedBefore };
  report.findings.push({ rule, severity, ...type, ...place, message, ...versions });
}

/** Longest part of a name that a line shows. */
const SHOWN_NAME_LENGTH = 80;

/**
 * One line for a finding: `STRUCT [12] task_struct: member 3 'x' ends at bit 900, behind the struct's 800`.
 * Names come from the file: control characters are shown as escapes and long names are cut.
 */
export function formatFinding(finding: LintFinding): string {
  const { kind, typeId, name, message } = finding;
  if (typeId === 0) return `${kind}: ${message}`;
  return `${kind} [${typeId}] ${name === "" ? "(anon)" : showName(name)}: ${message}`;
}

/** A name from a file, safe to show in one line. */
export function showName(name: string): string {
  const cut = name.length > SHOWN_NAME_LENGTH ? `${name.slice(0, SHOWN_NAME_LENGTH)}...` : name;
  return cut.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
