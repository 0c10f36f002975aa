import type { Change } from "../../lib/diff/change.ts";

/** What can be asked for with --only, and left out by a rule: what is different, or how. */
export const DIFF_WORDS = [
  "added",
  "removed",
  "changed",
  "moved",
  "retyped",
  "renamed",
  "resized",
  "bitfield",
  "regrouped",
  "revalued",
  "size",
  "definition",
  "member",
  "enumerator",
  "signedness",
  "target",
  "type",
  "returns",
  "linkage",
  "parameter",
  "encoding",
  "place",
  "tag",
  "order",
] as const;

/** The words that say what a difference is. */
export function wordsOf(change: Change): readonly string[] {
  switch (change.what) {
    case "member":
      return [change.what, change.status, ...change.how];
    case "enumerator":
    case "parameter":
    case "tag":
      return [change.what, change.status];
    default:
      return [change.what];
  }
}

/** What a difference is of, below its type: a member's path, an enumerator's or parameter's name; empty for the type. */
export function pathsOf(change: Change): readonly string[] {
  switch (change.what) {
    case "member":
      return [change.old?.path, change.new?.path].filter((path) => path !== undefined);
    case "enumerator":
    case "parameter":
      return [change.old?.name, change.new?.name].filter((name) => name !== undefined);
    case "tag":
      return change.on === null ? [] : [change.on];
    default:
      return [];
  }
}
