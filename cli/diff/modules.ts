import type { TypeChange } from "../../lib/diff/change.ts";
import type { DiffRequest } from "./run.ts";

/**
 * Leaves out types that only modules have which came or went as a whole: where those have a line of their own, it stands
 * for all of them.
 */
export function foldModules(types: readonly TypeChange[]): readonly TypeChange[] {
  const lone = { added: new Set<string>(), removed: new Set<string>() };
  for (const { kind, status, name } of types) if (kind === "module" && status !== "changed") lone[status].add(name);
  if (lone.added.size + lone.removed.size === 0) return types;
  return types.filter(({ kind, status, modules }) => {
    return kind === "module" || status === "changed" || !modules.every((module) => lone[status].has(module));
  });
}

interface Named {
  readonly source: string;
  readonly modules: readonly string[];
}

/** What to say where types were left out so. */
export function foldedNotes(types: readonly TypeChange[], shown: readonly TypeChange[]): string[] {
  const folded = types.length - shown.length;
  return folded === 0
    ? []
    : [`${folded} of them only in modules added or removed, which have a line each; --full shows all`];
}

/** Where modules were asked for and none came, all of the other side's would be new. */
export function missingModuleNotes(request: DiffRequest, inputs: Readonly<Record<"old" | "new", Named>>): string[] {
  return (["old", "new"] as const)
    .filter((side) => request[side].own && inputs[side].modules.length === 0)
    .map((side) => `warning: ${inputs[side].source}: no modules come with it (--${side}-module names them)`);
}
