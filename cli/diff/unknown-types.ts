import { nameOf } from "../../lib/btf/strings.ts";
import { type Btf, typeCount } from "../../lib/btf/view.ts";
import { moduleName } from "../../lib/core/module-name.ts";
import type { TypesDiff } from "../../lib/diff/change.ts";
import { diffKindOf } from "../../lib/diff/root-kind.ts";
import type { DiffRule } from "./rules.ts";

/** What --type asks for and neither side has: "no difference" would be true, and a typing error would go unseen. */
export function unknownTypes(rules: readonly DiffRule[], { types }: TypesDiff, sides: readonly Btf[]): string[] {
  return rules
    .filter(({ matchesType }) => !types.some(({ kind, name }) => matchesType(kind, name)))
    .filter((rule) => !sides.some((btf) => hasType(btf, rule)))
    .map(({ text }) => text);
}

function hasType(btf: Btf, { matchesType }: DiffRule): boolean {
  if (btf.segments.slice(1).some(({ source }) => matchesType("module", moduleName(source)))) return true;
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = diffKindOf(btf, id);
    if (kind !== null && matchesType(kind, nameOf(btf, id))) return true;
  }
  return false;
}
