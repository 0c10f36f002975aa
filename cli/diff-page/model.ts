import { DIFF_KINDS, type DiffKind } from "../../lib/diff/change.ts";
import type { PageType } from "./packed.ts";
import { typeKey } from "./type-lines.ts";

/** What a type's row says: a change that comes from another type's size alone is set apart. */
export type TypeStatus = "added" | "removed" | "changed" | "consequence";

/** In the order of the page. */
export const TYPE_STATUSES: readonly TypeStatus[] = ["added", "removed", "changed", "consequence"];

/** A row of the list of types. */
export interface TypeRow {
  readonly type: PageType;
  readonly status: TypeStatus;
  /** For links. */
  readonly key: string;
}

/** What is looked for. */
export interface View {
  readonly query: string;
  /** Empty for all. */
  readonly kind: string;
  /** Empty for all. */
  readonly statuses: ReadonlySet<string>;
}

/** The rows of a diff, in its order. */
export function typeRows(types: readonly PageType[]): TypeRow[] {
  const keys = distinct(types.map(typeKey));
  return types.map((type, i) => {
    const status = type.status === "changed" && type.isConsequence ? "consequence" : type.status;
    return { type, status, key: keys[i] ?? "" };
  });
}

/** Keys for links, of which the second that is the same has `~2` behind it. */
export function distinct(keys: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return keys.map((key) => {
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count === 1 ? key : `${key}~${count}`;
  });
}

/** Everything a search looks at, in lower case: a type's name, and what differs in it. Made once, when first asked for. */
export function haystackOf(rows: readonly TypeRow[]): string[] {
  return rows.map(({ type }) => {
    const words = [type.kind, type.name, type.old?.declaration ?? "", type.new?.declaration ?? "", ...type.modules];
    for (const change of type.changes) {
      if (change.what === "member") words.push(change.old?.declaration ?? "", change.new?.declaration ?? "");
      else if (change.what === "enumerator") words.push(change.old?.name ?? "", change.new?.name ?? "");
      else if (change.what === "parameter")
        words.push(change.old?.type ?? "", change.new?.type ?? "", change.new?.name ?? "");
      else if (change.what === "tag") words.push(change.tag);
    }
    return words.join("\n").toLowerCase();
  });
}

/** The words of a query, each of which must be found. */
export function wordsOf(query: string): string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Rows that are to be seen. `haystack` is asked for only where there is something to look for. */
export function seenTypes(rows: readonly TypeRow[], view: View, haystack: () => readonly string[]): TypeRow[] {
  const words = wordsOf(view.query);
  const texts = words.length === 0 ? [] : haystack();
  return rows.filter(({ type, status }, i) => {
    if (view.kind !== "" && type.kind !== view.kind) return false;
    if (view.statuses.size > 0 && !view.statuses.has(status)) return false;
    return words.every((word) => texts[i]?.includes(word));
  });
}

/** How many rows there are of each kind, in the diff's order; only kinds that occur. */
export function kindCounts(rows: readonly TypeRow[]): [DiffKind, number][] {
  const counts = new Map<DiffKind, number>();
  for (const { type } of rows) counts.set(type.kind, (counts.get(type.kind) ?? 0) + 1);
  return DIFF_KINDS.flatMap((kind) => (counts.has(kind) ? [[kind, counts.get(kind) ?? 0]] : []));
}

/** `#type-NAME` leads to the first type of that name, whatever it is; a key to itself. */
export function typeOfLink(rows: readonly TypeRow[], link: string): TypeRow | undefined {
  const name = link.startsWith("type-") ? link.slice("type-".length) : null;
  return rows.find(({ key, type }) => key === link || type.name === name);
}

/** `+3 −1 ~12`: what a patch has, in short. */
export function tallyOf({ status, changes }: PageType): {
  readonly added: number;
  readonly removed: number;
  readonly other: number;
} {
  if (status !== "changed") return { added: 0, removed: 0, other: 0 };
  let [added, removed, other] = [0, 0, 0];
  for (const change of changes) {
    if ("status" in change && change.status === "added") added++;
    else if ("status" in change && change.status === "removed") removed++;
    else if (change.what !== "size") other++;
  }
  return { added, removed, other };
}
