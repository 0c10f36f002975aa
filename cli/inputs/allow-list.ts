import type { Place } from "../../lib/core/place.ts";
import { InputError } from "../errors.ts";
import { globFilter } from "../glob.ts";
import { excerpt } from "../table.ts";
import { readInput } from "./input.ts";

/** What a rule can tell about a relocation, or about what a program attaches to: its kind and, as the path, its name. */
export type RuledPlace = Pick<Place, "object" | "program" | "section" | "path" | "kind">;

/** One rule of an allow-list. */
export interface AllowRule {
  /** In its file, from 1. */
  readonly line: number;
  readonly text: string;
  readonly accepts: (place: RuledPlace) => boolean;
}

/** A `:` that is not part of a `::`, which stands in the path of an enumerator. */
const SEPARATOR = /(?<!:):(?!:)/;
/** `#` in an object's name (`file#object`) is no comment: one needs space before it. */
const COMMENT = /(?:^|\s)#.*$/;
const MIN_FIELDS = 3;
const MAX_FIELDS = 4;

/**
 * Parses an allow-list: a rule a line, `object:program:path[:kind]`, each part a glob (`*`, `?`) for the whole of it;
 * the object's is for its name as given or without directories. Throws InputError with the line's number.
 */
export function parseAllowList(text: string, source: string): AllowRule[] {
  return text.split("\n").flatMap((raw, i): AllowRule[] => {
    const rule = raw.replace(COMMENT, "").trim();
    if (rule === "") return [];
    const fields = rule.split(SEPARATOR).map((field) => field.trim());
    if (fields.length < MIN_FIELDS || fields.length > MAX_FIELDS || fields.includes("")) {
      throw new InputError(
        `${source}:${i + 1}`,
        `"${excerpt(rule)}" is no rule; it should be object:program:path[:kind]`,
      );
    }
    const [object, program, path, kind] = fields.map((field) => globFilter([field]));
    const accepts = (place: RuledPlace): boolean =>
      (object?.(place.object) || object?.(withoutDirectories(place.object))) === true &&
      program?.(place.program ?? place.section) === true &&
      path?.(place.path) === true &&
      (kind === undefined || kind(place.kind));
    return [{ line: i + 1, text: rule, accepts }];
  });
}

/** The rules of --allow, by their parser; none where it is not given. Throws InputError. */
export function readAllowList<R>(path: string | undefined, parse: (text: string, source: string) => R[]): R[] {
  return path === undefined ? [] : parse(new TextDecoder().decode(readInput(path)), path);
}

/** What to say of rules that let nothing pass: the list may be too old. */
export function unusedRuleNotes(
  path: string | undefined,
  rules: readonly { readonly line: number; readonly rule: string }[],
): string[] {
  return rules.map(({ line, rule }) => `warning: ${path}:${line}: the rule lets nothing pass: ${rule}`);
}

function withoutDirectories(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
