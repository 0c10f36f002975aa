import { enumeratorName, enumeratorValue } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, vlenOf } from "../btf/view.ts";
import type { Change } from "./change.ts";
import { type FieldBudget, fieldsOf, memberSide } from "./fields.ts";

/** A whole type's members or enumerators as changes of one status; nothing for other kinds. */
export function bodyOf(btf: Btf, id: number, status: "added" | "removed", budget: FieldBudget): Change[] {
  const kind = kindOf(btf, id);
  const sides = <T>(side: T) => (status === "added" ? { old: null, new: side } : { old: side, new: null });
  if (isComposite(kind)) {
    return fieldsOf(btf, id, budget).map((field): Change => {
      return { what: "member", status, how: [], ...sides(memberSide(btf, field)) };
    });
  }
  if (!isEnum(kind)) return [];
  return Array.from({ length: vlenOf(btf, id) }, (_, i): Change => {
    const side = { name: stringAt(btf.strings, enumeratorName(btf, id, i)), value: enumeratorValue(btf, id, i) };
    return { what: "enumerator", status, ...sides(side) };
  });
}
