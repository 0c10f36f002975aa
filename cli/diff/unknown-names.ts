import { nameOf } from "../../lib/btf/strings.ts";
import { type Btf, typeCount } from "../../lib/btf/view.ts";
import { moduleName } from "../../lib/core/module-name.ts";
import type { TypesDiff } from "../../lib/diff/change.ts";
import { FIELD_BUDGET } from "../../lib/diff/fields.ts";
import { pathsIn } from "../../lib/diff/paths.ts";
import { diffKindOf } from "../../lib/diff/root-kind.ts";
import { newSpeller } from "../../lib/diff/speller.ts";
import type { DiffRule } from "./rules.ts";
import { pathsOf } from "./words.ts";

/** What a rule of --type asks for and neither side has. */
export interface UnknownName {
  readonly rule: string;
  /** Of a path: the types are there, but none has such a thing in it. */
  readonly what: "type" | "member, enumerator or parameter";
}

/** What --type asks for and neither side has: "no difference" would be true, and a typing error would go unseen. */
export function unknownNames(
  rules: readonly DiffRule[],
  { types }: TypesDiff,
  sides: readonly Btf[],
): readonly UnknownName[] {
  return rules.flatMap((rule): UnknownName[] => {
    const { text, matchesType, matchesPath } = rule;
    const own = types.filter(({ kind, name }) => matchesType(kind, name));
    if (own.length === 0 && !sides.some((btf) => hasType(btf, rule))) return [{ rule: text, what: "type" }];
    if (matchesPath === null) return [];
    const differs = own.some(({ changes }) => changes.some((change) => pathsOf(change).some(matchesPath)));
    if (differs || sides.some((btf) => hasPath(btf, rule, matchesPath))) return [];
    return [{ rule: text, what: "member, enumerator or parameter" }];
  });
}

function hasType(btf: Btf, rule: DiffRule): boolean {
  if (btf.segments.slice(1).some(({ source }) => rule.matchesType("module", moduleName(source)))) return true;
  return someType(btf, rule, () => true);
}

function hasPath(btf: Btf, rule: DiffRule, matchesPath: (path: string) => boolean): boolean {
  const speller = newSpeller(btf);
  const budget = { left: FIELD_BUDGET };
  return someType(btf, rule, (id) => pathsIn(speller, id, budget).some(matchesPath));
}

function someType(btf: Btf, { matchesType }: DiffRule, isWanted: (id: number) => boolean): boolean {
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = diffKindOf(btf, id);
    if (kind !== null && matchesType(kind, nameOf(btf, id)) && isWanted(id)) return true;
  }
  return false;
}
