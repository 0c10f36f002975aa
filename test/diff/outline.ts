/** Diffs in a few words, for tables of tests. */
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Change, MemberSide, TypeChange } from "../../lib/diff/change.ts";
import { type DiffOptions, diffTypes } from "../../lib/diff/diff.ts";
import { btf, type Row } from "../btf/builder.ts";

/** The types that differ between two BTFs of rows. */
export function diffRows(old: readonly Row[], next: readonly Row[], options?: DiffOptions): readonly TypeChange[] {
  return diffTypes(parseBtf(btf(old)), parseBtf(btf(next)), options).types;
}

/** A line a type: `struct s: size 4 -> 8, +y@32, x@0 moved x@64`. */
export function outline(types: readonly TypeChange[]): string[] {
  return types.map((type) => {
    const { kind, name, status, changes, isConsequence } = type;
    if (status !== "changed") return `${status === "added" ? "+" : "-"}${kind} ${name}`;
    const parts = changes.map(changeText);
    return `${kind} ${name}${isConsequence ? " (consequence)" : ""}: ${parts.join(", ")}`;
  });
}

function changeText(change: Change): string {
  switch (change.what) {
    case "member":
      if (change.old === null) return `+${memberText(change.new as MemberSide)}`;
      if (change.new === null) return `-${memberText(change.old)}`;
      return `${memberText(change.old)} ${change.how.join("+")} ${memberText(change.new)}`;
    case "enumerator":
      return [
        change.old && `${change.old.name}=${change.old.value}`,
        change.status,
        change.new && `${change.new.name}=${change.new.value}`,
      ]
        .filter((part) => part !== null)
        .join(" ");
    case "parameter":
      return [
        change.old && `${change.old.type} ${change.old.name}`,
        change.status,
        change.new && `${change.new.type} ${change.new.name}`,
      ]
        .filter((part) => part !== null)
        .join(" ");
    case "tag":
      return `tag ${change.tag}${change.on === null ? "" : ` on ${change.on}`} ${change.status}`;
    case "place":
      return `place ${JSON.stringify(change.old)} -> ${JSON.stringify(change.new)}`;
    case "order":
      return "order";
    default:
      return `${change.what} ${change.old} -> ${change.new}`;
  }
}

function memberText({ path, bitOffset, bitfieldSize, type, group }: MemberSide): string {
  const width = bitfieldSize === 0 ? "" : `:${bitfieldSize}`;
  return `${type} ${path}${width}@${bitOffset}${group === "" ? "" : ` in ${group}`}`;
}

const SWAPPED: Readonly<Record<string, string>> = { added: "removed", removed: "added" };

/** What the diff the other way round must be: sides and statuses swapped, in an order that can be compared. */
export function mirrored(types: readonly TypeChange[]): unknown[] {
  const swap = <T>(pair: { readonly old: T; readonly new: T }) => ({ old: pair.new, new: pair.old });
  return sortedByText(
    types.map((type) => ({
      ...type,
      ...swap(type),
      status: SWAPPED[type.status] ?? type.status,
      definitions: swap(type.definitions),
      changes: type.changes.map((change) => ({
        ...change,
        ...("old" in change ? swap(change as { old: unknown; new: unknown }) : {}),
        ...("status" in change ? { status: SWAPPED[change.status] ?? change.status } : {}),
      })),
    })),
  );
}

/** A diff in an order of its texts; changes inside a type have the order of the declaration, which both sides share out. */
export function sortedByText(types: readonly object[]): unknown[] {
  const text = (value: unknown) => JSON.stringify(value, (_key, one) => (typeof one === "bigint" ? `${one}n` : one));
  const sort = (list: readonly unknown[]) => {
    const keyed = list.map((value) => ({ value, key: text(value) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ value }) => value);
  };
  return sort(types.map((type) => ({ ...type, changes: sort((type as TypeChange).changes) })));
}
