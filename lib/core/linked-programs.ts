import { type CodeReference, codeReferences, ELSEWHERE } from "./code-references.ts";
import type { BpfObject } from "./object.ts";

/** The section whose functions are subprograms, which no loader loads by themselves. */
const LIBRARY = ".text";

/**
 * The programs of an object as a loader puts them together: for each function outside `.text` the indexes (into
 * `BpfObject.programs`) of itself and, ascending, of all functions it calls or points to, directly or not; then the
 * functions of `.text` that none of them needs, each by itself. A subprogram is part of every program that calls it.
 * `references` may be given where they are known.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function linkedPrograms(
  object: BpfObject,
  references: readonly ReadonlyMap<number, CodeReference>[] = codeReferences(object),
): number[][] {
  const { programs } = object;
  const linked = programs.flatMap(({ section }, i) => (section === LIBRARY ? [] : [withReferred(references, i)]));
  const needed = new Set(linked.flat());
  programs.forEach((_, i) => {
    if (!needed.has(i)) linked.push([i]);
  });
  return linked;
}

function withReferred(references: readonly ReadonlyMap<number, CodeReference>[], from: number): number[] {
  const found = new Set([from]);
  for (const at of found) for (const next of references[at]?.values() ?? []) if (next !== ELSEWHERE) found.add(next);
  return [from, ...[...found].filter((at) => at !== from).sort((a, b) => a - b)];
}
