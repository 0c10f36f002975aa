import { enumeratorName, enumeratorValue } from "../btf/members.ts";
import { isComposite, isEnum, kindOf, vlenOf } from "../btf/view.ts";
import type { Change } from "./change.ts";
import { type FieldBudget, fieldsOf, memberSide } from "./fields.ts";
import type { Speller } from "./speller.ts";

/** A whole type's members or enumerators as changes of one status; nothing for other kinds. */
export function bodyOf(speller: Speller, id: number, status: "added" | "removed", budget: FieldBudget): Change[] {
  const { btf } = speller;
  const kind = kindOf(btf, id);
  const sides = <T>(side: T) => (status === "added" ? { old: null, new: side } : { old: side, new: null });
  if (isComposite(kind)) {
    return fieldsOf(speller, id, budget).map((field): Change => {
      return { what: "member", status, how: [], ...sides(memberSide(speller, field)) };
    });
  }
  if (!isEnum(kind)) return [];
  return Array.from({ length: vlenOf(btf, id) }, (_, i): Change => {
    const side = { name: speller.nameAt(enumeratorName(btf, id, i)), value: enumeratorValue(btf, id, i) };
    return { what: "enumerator", status, ...sides(side) };
  });
}
