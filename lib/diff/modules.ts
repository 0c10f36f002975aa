import type { Btf, BtfSegment } from "../btf/view.ts";
import { moduleName } from "../core/module-name.ts";
import type { TypeChange } from "./change.ts";

/**
 * Modules that only one side has. Of two files compared as modules (`modulesOnly`), one a side, each is the other's
 * counterpart whatever they are called.
 */
export function loneModules(old: Btf, next: Btf, modulesOnly: boolean): TypeChange[] {
  const [before, after] = [modulesOf(old), modulesOf(next)];
  if (modulesOnly && before.size === 1 && after.size === 1) return [];
  return [...lone("removed", before, after), ...lone("added", after, before)];
}

function modulesOf({ segments }: Btf): ReadonlyMap<string, BtfSegment> {
  return new Map(segments.slice(1).map((segment) => [moduleName(segment.source), segment]));
}

function lone(
  status: "added" | "removed",
  own: ReadonlyMap<string, BtfSegment>,
  others: ReadonlyMap<string, BtfSegment>,
): TypeChange[] {
  return [...own]
    .filter(([name]) => !others.has(name))
    .map(([name, { startId, endId }]): TypeChange => {
      const side = { id: 0, fileId: 0, size: null, count: endId - startId, declaration: `module ${name}` };
      return {
        kind: "module",
        name,
        status,
        old: status === "removed" ? side : null,
        new: status === "added" ? side : null,
        modules: [name],
        definitions: status === "removed" ? { old: 1, new: 0 } : { old: 0, new: 1 },
        isConsequence: false,
        changes: [],
        reachedFrom: null,
      };
    });
}
