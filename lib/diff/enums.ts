import { enumeratorBits, enumeratorName, enumeratorValue } from "../btf/members.ts";
import { type Btf, kindFlagOf, sizeOf, vlenOf } from "../btf/view.ts";
import type { Change, EnumeratorChange, EnumeratorSide } from "./change.ts";
import type { Speller } from "./speller.ts";

/** An enumerator as it is compared. */
interface Enumerator extends EnumeratorSide {
  /** As loaders read it: a 32-bit value is sign-extended whether its enum is signed or not. */
  readonly bits: bigint;
}

/** What differs between two enums, of 32 or 64 bits. */
export function diffEnums(oldSpeller: Speller, oldId: number, newSpeller: Speller, newId: number): Change[] {
  const [old, next] = [oldSpeller.btf, newSpeller.btf];
  const changes: Change[] = [];
  const [oldSize, newSize] = [sizeOf(old, oldId), sizeOf(next, newId)];
  if (oldSize !== newSize) changes.push({ what: "size", old: oldSize, new: newSize });
  const [oldSign, newSign] = [signText(old, oldId), signText(next, newId)];
  if (oldSign !== newSign) changes.push({ what: "signedness", old: oldSign, new: newSign });
  const isSame = (a: Enumerator, b: Enumerator) => a.value === b.value || (oldSign !== newSign && a.bits === b.bits);
  return changes.concat(diffEnumerators(enumerators(oldSpeller, oldId), enumerators(newSpeller, newId), isSame));
}

function signText(btf: Btf, id: number): "signed" | "unsigned" {
  return kindFlagOf(btf, id) === 1 ? "signed" : "unsigned";
}

function enumerators({ btf, nameAt }: Speller, id: number): Enumerator[] {
  return Array.from({ length: vlenOf(btf, id) }, (_, i) => ({
    name: nameAt(enumeratorName(btf, id, i)),
    value: enumeratorValue(btf, id, i),
    bits: enumeratorBits(btf, id, i),
  }));
}

/** By name; one that went and one that came with the same value, which no other of those has, are one renamed. */
function diffEnumerators(
  left: readonly Enumerator[],
  right: readonly Enumerator[],
  isSame: (a: Enumerator, b: Enumerator) => boolean,
): EnumeratorChange[] {
  // Where a name stands twice, which no compiler takes, the last counts.
  const byName = new Map(right.map((one) => [one.name, one]));
  const names = new Set(left.map(({ name }) => name));
  const gone = left.filter(({ name }) => !byName.has(name));
  const come = right.filter(({ name }) => !names.has(name));
  const oldByValue = onlyByValue(gone);
  const newByValue = onlyByValue(come);
  const side = ({ name, value }: Enumerator): EnumeratorSide => ({ name, value });
  const places = new Map(right.map(({ name }, i) => [name, i]));
  const placed: { readonly at: number; readonly change: EnumeratorChange }[] = [];
  let last = -1;
  for (const a of left) {
    const b = byName.get(a.name);
    const partner = b ?? (oldByValue.get(a.value) === undefined ? undefined : newByValue.get(a.value));
    if (partner === undefined) {
      placed.push({ at: last + 0.5, change: { what: "enumerator", status: "removed", old: side(a), new: null } });
      continue;
    }
    last = places.get(partner.name) as number;
    // The same bits of another sign are said once, of the enum.
    if (b !== undefined && isSame(a, b)) continue;
    const status = b === undefined ? "renamed" : "revalued";
    placed.push({ at: last, change: { what: "enumerator", status, old: side(a), new: side(partner) } });
  }
  for (const b of come) {
    if (oldByValue.get(b.value) && newByValue.get(b.value)) continue;
    const at = places.get(b.name) as number;
    placed.push({ at, change: { what: "enumerator", status: "added", old: null, new: side(b) } });
  }
  return placed.sort((a, b) => a.at - b.at).map(({ change }) => change);
}

/** Enumerators by value; undefined for a value that several have. */
function onlyByValue(list: readonly Enumerator[]): Map<bigint, Enumerator | undefined> {
  const byValue = new Map<bigint, Enumerator | undefined>();
  for (const one of list) byValue.set(one.value, byValue.has(one.value) ? undefined : one);
  return byValue;
}
