/** BTF with its types in another order, which says the same. */
import { permuteView } from "../../lib/btf/sort.ts";
import type { Btf } from "../../lib/btf/view.ts";
import type { diffTypes } from "../../lib/diff/diff.ts";
import type { Random } from "../core/random-types.ts";
import { sortedByText } from "../diff/outline.ts";

/** The ids from `first` on, in any order. */
export function shuffled(count: number, first: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => first + i);
  for (let i = count - 1; i > 0; i--) {
    const j = random(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** The same types in another order. */
export function permuted(view: Btf, random: Random, segmentIndex = 0): Btf {
  const { startId = 1, endId = 1 } = view.segments[segmentIndex] ?? {};
  return permuteView(view, shuffled(endId - startId, startId, random), segmentIndex);
}

/** What a diff says, without the ids that a type has on each side. */
export function withoutIds(types: ReturnType<typeof diffTypes>["types"]): unknown[] {
  const side = (one: { readonly id: number; readonly fileId: number } | null) => one && { ...one, id: 0, fileId: 0 };
  return sortedByText(types.map((type) => ({ ...type, old: side(type.old), new: side(type.new) })));
}
