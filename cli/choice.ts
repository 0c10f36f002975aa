import { nearest } from "../lib/core/nearest.ts";
import { excerpt } from "./table.ts";

/** More names than that are counted. */
const MOST_NAMED = 24;

/** What to say of a word that is none of some names: which was meant, or which there are; undefined where there is none. */
export function choiceHint(word: string, names: Iterable<string>): string | undefined {
  const all = [...new Set(names)];
  const guess = nearest(word, all);
  if (guess !== undefined) return `Did you mean ${guess}?`;
  if (all.length === 0) return undefined;
  const more = all.length > MOST_NAMED ? `, and ${all.length - MOST_NAMED} more` : "";
  return `There are: ${all.slice(0, MOST_NAMED).map(excerpt).join(", ")}${more}`;
}
