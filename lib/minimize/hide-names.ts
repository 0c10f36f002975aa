import { essentialLength } from "../btf/strings.ts";
import { type Btf, type BtfSegment, isEnum, isTransparent, kindOf, nameOffsetOf, typeCount } from "../btf/view.ts";
import type { ReloRecord } from "../core/resolve.ts";
import { isMarked, type Marks, NAMED } from "./marks.ts";

/**
 * Takes away modules' names that only people would read and that loaders would fall for: while base and modules are
 * apart, a module's type is no candidate where the base has one of that name and kind; in one BTF it would be.
 */
export function hideModuleNames(marks: Marks, records: readonly ReloRecord[]): void {
  const { btf, types } = marks;
  const baseEnd = (btf.segments[0] as BtfSegment).endId;
  const taken = new Set<string>();
  // Of an enum that the base has in another width only, a module's is the kernel's candidate all the same.
  const wanted = new Set<number>();
  for (const { candidates } of records) {
    const first = candidates[0];
    if (first !== undefined && first.id < baseEnd) taken.add(candidateKey(btf, first.id));
    for (const { id } of candidates) wanted.add(id);
  }
  for (let id = baseEnd; id < typeCount(btf); id++) {
    if (!isMarked(marks, id, NAMED) || wanted.has(id) || !taken.has(candidateKey(btf, id))) continue;
    // A typedef is nothing but its name.
    types[id] = isTransparent(kindOf(btf, id)) ? 0 : (types[id] as number) & ~NAMED;
  }
}

/** Equal for types that may be candidates of one root: kind, where enums are one, and name without flavour. */
function candidateKey(btf: Btf, id: number): string {
  const name = nameOffsetOf(btf, id);
  const kind = kindOf(btf, id);
  const text = String.fromCharCode(...btf.strings.subarray(name, name + essentialLength(btf.strings, name)));
  return `${isEnum(kind) ? "enum" : kind} ${text}`;
}
