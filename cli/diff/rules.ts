import { type Change, DIFF_KINDS, type DiffKind, type TypeChange } from "../../lib/diff/change.ts";
import { InputError } from "../errors.ts";
import { globFilter } from "../glob.ts";
import { excerpt } from "../table.ts";
import { DIFF_WORDS, pathsOf, wordsOf } from "./words.ts";

/** What a rule is about: types by kind and name, and what in them. */
export interface DiffRule {
  readonly text: string;
  /** In its file, from 1; 0 on the command line. */
  readonly line: number;
  readonly matchesType: (kind: DiffKind, name: string) => boolean;
  /** Null for the whole type. */
  readonly matchesPath: ((path: string) => boolean) | null;
  /** Empty for every difference. */
  readonly words: ReadonlySet<string>;
}

/** What of a diff is shown. */
export interface DiffFilter {
  readonly types: readonly DiffRule[];
  readonly kinds: readonly string[];
  readonly only: readonly string[];
  readonly own: boolean;
  readonly ignore: readonly DiffRule[];
}

/** Of a member alone, `consequence` stands in rules beside the words of DIFF_WORDS. */
const RULE_WORDS: ReadonlySet<string> = new Set([...DIFF_WORDS, "consequence"]);
const KINDS: ReadonlySet<string> = new Set(DIFF_KINDS);
const COMMENT = /(?:^|\s)#.*$/;

/** Parses `[KIND] NAME[.PATH]`, with globs. A name that begins with a point is a section's, which has no members. */
export function parseTypeRule(text: string, line = 0, words: ReadonlySet<string> = new Set()): DiffRule {
  const parts = text.trim().split(/\s+/);
  const kind = parts.length > 1 && KINDS.has(parts[0] ?? "") ? parts[0] : undefined;
  const rest = (kind === undefined ? parts : parts.slice(1)).join(" ");
  const point = rest.indexOf(".", 1);
  const isSection = rest.startsWith(".");
  const name = globFilter([isSection || point === -1 ? rest : rest.slice(0, point)]);
  return {
    text,
    line,
    matchesType: (ofKind, ofName) => (kind === undefined || kind === ofKind) && name(ofName),
    matchesPath: isSection || point === -1 ? null : globFilter([rest.slice(point + 1)]),
    words,
  };
}

/**
 * Parses the file of --ignore: a rule a line, `[KIND] NAME[.PATH][: WHAT, ...]`. Throws InputError with the line's
 * number.
 */
export function parseIgnoreRules(text: string, source: string): DiffRule[] {
  return text.split("\n").flatMap((raw, i): DiffRule[] => {
    const rule = raw.replace(COMMENT, "").trim();
    if (rule === "") return [];
    const colon = rule.indexOf(":");
    const subject = (colon === -1 ? rule : rule.slice(0, colon)).trim();
    const words =
      colon === -1
        ? []
        : rule
            .slice(colon + 1)
            .split(",")
            .map((word) => word.trim());
    const unknown = words.find((word) => !RULE_WORDS.has(word));
    if (subject === "" || unknown !== undefined) {
      const reason = unknown === undefined ? "it names no type" : `"${excerpt(unknown)}" is no kind of difference`;
      throw new InputError(
        `${source}:${i + 1}`,
        `"${excerpt(rule)}" is no rule, [KIND] NAME[.PATH][: WHAT, ...]: ${reason}`,
      );
    }
    return [{ ...parseTypeRule(subject, i + 1, new Set(words)), text: rule }];
  });
}

/** True for types that a filter may show something of; asked before anything is compared in detail. */
export function acceptsType({ types, kinds }: DiffFilter, kind: DiffKind, name: string): boolean {
  if (kinds.length > 0 && !kinds.includes(kind)) return false;
  return types.length === 0 || types.some(({ matchesType }) => matchesType(kind, name));
}

/** What is left of a diff, and which rules left nothing out. */
export interface Filtered {
  readonly types: readonly TypeChange[];
  /** Types that rules of --ignore have left out. */
  readonly ignored: number;
  readonly unusedRules: readonly DiffRule[];
}

/** Leaves out what is not asked for, and what rules say. A changed type of which nothing is left goes, too. */
export function filterDiff(types: readonly TypeChange[], filter: DiffFilter): Filtered {
  const used = new Set<DiffRule>();
  const only = new Set(filter.only);
  let ignored = 0;
  const left = types.flatMap((type): TypeChange[] => {
    if (!acceptsType(filter, type.kind, type.name) || (filter.own && type.isConsequence)) return [];
    const asked = asAsked(type, filter.types, only);
    if (asked === null) return [];
    const kept = withoutIgnored(asked, filter.ignore, used);
    if (kept === null) ignored++;
    return kept === null ? [] : [kept];
  });
  return { types: left, ignored, unusedRules: filter.ignore.filter((rule) => !used.has(rule)) };
}

function asAsked(type: TypeChange, rules: readonly DiffRule[], only: ReadonlySet<string>): TypeChange | null {
  const own = rules.filter(({ matchesType }) => matchesType(type.kind, type.name));
  const whole = own.length === 0 || own.some(({ matchesPath }) => matchesPath === null);
  if (type.status !== "changed") return whole && (only.size === 0 || only.has(type.status)) ? type : null;
  const isWanted = (change: Change) =>
    (whole || own.some(({ matchesPath }) => matchesPath !== null && pathsOf(change).some(matchesPath))) &&
    (only.size === 0 || only.has(type.status) || wordsOf(change).some((word) => only.has(word)));
  return withChanges(type, type.changes.filter(isWanted));
}

function withoutIgnored(type: TypeChange, rules: readonly DiffRule[], used: Set<DiffRule>): TypeChange | null {
  const own = rules.filter(({ matchesType }) => matchesType(type.kind, type.name));
  if (own.length === 0) return type;
  for (const rule of own) {
    const { matchesPath, words } = rule;
    const isWhole = words.size === 0 || words.has(type.status) || (type.isConsequence && words.has("consequence"));
    if (matchesPath !== null || !isWhole) continue;
    used.add(rule);
    return null;
  }
  if (type.status !== "changed") return type;
  const left = type.changes.filter((change) => {
    const rule = own.find(({ matchesPath, words }) => {
      if (matchesPath !== null && !pathsOf(change).some(matchesPath)) return false;
      // What is different in several ways goes where all of them are named.
      return words.size === 0 || isCovered(change, words);
    });
    if (rule !== undefined) used.add(rule);
    return rule === undefined;
  });
  return withChanges(type, left);
}

/** A member that moved and has another type is not left out by a rule for what moved. */
function isCovered(change: Change, words: ReadonlySet<string>): boolean {
  if (words.has(change.what)) return true;
  if (change.what === "member" && change.status === "changed") return change.how.every((how) => words.has(how));
  return wordsOf(change).some((word) => words.has(word));
}

function withChanges(type: TypeChange, changes: readonly Change[]): TypeChange | null {
  if (changes.length === type.changes.length) return type;
  return changes.length === 0 ? null : { ...type, changes };
}
