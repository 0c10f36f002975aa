import { nameOf } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf, typeCount } from "../btf/view.ts";

/** Bytes at a name's beginning by which most types are passed over. */
const PREFIX_BYTES = 6;
const PREFIX_SLOTS = 1 << 12;

/** Type ids by name, for the names wanted; one pass over all types. */
export function typesByName(btf: Btf, wanted: ReadonlySet<string>): Map<string, number[]> {
  const found = new Map<string, number[]>();
  if (wanted.size === 0) return found;
  const begins = new Uint8Array(PREFIX_SLOTS);
  for (const name of wanted) begins[prefixSlot(new TextEncoder().encode(`${name}\0`), 0)] = 1;
  const { strings } = btf;
  for (let id = 1, count = typeCount(btf); id < count; id++) {
    const offset = nameOffsetOf(btf, id);
    if (offset === 0 || begins[prefixSlot(strings, offset)] === 0) continue;
    const name = nameOf(btf, id);
    if (!wanted.has(name)) continue;
    const ids = found.get(name);
    if (ids === undefined) found.set(name, [id]);
    else ids.push(id);
  }
  return found;
}

function prefixSlot(strings: Uint8Array, offset: number): number {
  let hash = 0;
  for (let at = offset; at < offset + PREFIX_BYTES && strings[at] !== 0; at++) {
    hash = Math.imul(hash, 31) + (strings[at] as number);
  }
  return (hash ^ (hash >>> 12)) & (PREFIX_SLOTS - 1);
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
