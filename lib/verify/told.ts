import type { CoreRelocation } from "../core/object.ts";
import type { ReloRecord } from "../core/resolve.ts";

/** A difference in words. */
interface Told {
  readonly record: ReloRecord;
  readonly what?: string;
  readonly full: string;
  readonly small: string;
}

/**
 * Adds the differences of one more rule set, but for those that an earlier set has shown with the same candidates and in
 * the same words: they are one, and one line of it is enough.
 */
export function addUntold<T extends Told>(told: T[], found: readonly T[]): void {
  if (found.length === 0) return;
  const before = new Map<CoreRelocation, T[]>();
  for (const one of told) before.set(one.record.relocation, [...(before.get(one.record.relocation) ?? []), one]);
  for (const one of found) {
    const { record, what, full, small } = one;
    const isTold = before.get(record.relocation)?.some((other) => {
      const isSame = other.record.candidates === record.candidates && other.what === what;
      return isSame && other.full === full && other.small === small;
    });
    if (isTold !== true) told.push(one);
  }
}
