import { nameOf } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf, typeCount } from "../btf/view.ts";

/** Type ids by name, for the names wanted; one pass over all types. */
export function typesByName(btf: Btf, wanted: ReadonlySet<string>): Map<string, number[]> {
  const found = new Map<string, number[]>();
  if (wanted.size === 0) return found;
  // Most types are passed over by the first byte and the length of their names.
  const lengths = new Map<number, Set<number>>();
  for (const name of wanted) {
    const bytes = new TextEncoder().encode(name);
    const first = bytes[0] ?? 0;
    lengths.set(first, (lengths.get(first) ?? new Set()).add(bytes.length));
  }
  for (let id = 1; id < typeCount(btf); id++) {
    const offset = nameOffsetOf(btf, id);
    if (offset === 0) continue;
    const ofFirst = lengths.get(btf.strings[offset] as number);
    if (ofFirst === undefined) continue;
    let fits = false;
    for (const length of ofFirst) if (btf.strings[offset + length] === 0) fits = true;
    if (!fits) continue;
    const name = nameOf(btf, id);
    if (!wanted.has(name)) continue;
    const ids = found.get(name);
    if (ids === undefined) found.set(name, [id]);
    else ids.push(id);
  }
  return found;
}

/** Those of the base when there are any, else all: the rule by which loaders look for types. */
export function inBaseFirst(btf: Btf, ids: readonly number[]): readonly number[] {
  const baseEnd = (btf.segments[0] as BtfSegment).endId;
  const inBase = ids.filter((id) => id < baseEnd);
  return inBase.length > 0 ? inBase : ids;
}

/** The names of all types of some kinds, decoded; for telling what comes near one that is missing. */
export function* namesOf(btf: Btf, kinds: readonly number[]): Generator<string> {
  for (let id = 1; id < typeCount(btf); id++) {
    if (kinds.includes(kindOf(btf, id)) && nameOffsetOf(btf, id) !== 0) yield nameOf(btf, id);
  }
}
