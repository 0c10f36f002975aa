import type { Place } from "../lib/core/place.ts";
import { InputError } from "./errors.ts";
import { globFilter } from "./glob.ts";

/** One rule of an allow-list. */
export interface AllowRule {
  /** In its file, from 1. */
  readonly line: number;
  readonly text: string;
  readonly accepts: (place: Place) => boolean;
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
      throw new InputError(`${source}:${i + 1}`, `"${rule}" is no rule; it should be object:program:path[:kind]`);
    }
    const [object, program, path, kind] = fields.map((field) => globFilter([field]));
    const accepts = (place: Place): boolean =>
      (object?.(place.object) || object?.(withoutDirectories(place.object))) === true &&
      program?.(place.program ?? place.section) === true &&
      path?.(place.path) === true &&
      (kind === undefined || kind(place.kind));
    return [{ line: i + 1, text: rule, accepts }];
  });
}

function withoutDirectories(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
