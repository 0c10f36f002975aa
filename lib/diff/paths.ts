import { KIND_FUNC, KIND_FUNC_PROTO, KIND_TYPEDEF } from "../btf/format.ts";
import { enumeratorName, paramName } from "../btf/members.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, targetOf, vlenOf } from "../btf/view.ts";
import { type FieldBudget, fieldsOf } from "./fields.ts";
import type { Speller } from "./speller.ts";

/**
 * What changes of a type may be of, below it: the paths of its members, with those in a member without a name that C has
 * as the type's own; its enumerators; a function's parameters.
 */
export function pathsIn(speller: Speller, id: number, budget: FieldBudget): string[] {
  const { btf, nameAt } = speller;
  const body = bodyIn(btf, id);
  const kind = kindOf(btf, body);
  if (isComposite(kind)) {
    const fields = fieldsOf(speller, body, budget);
    const isNameless = fields.some(({ name }) => name === "");
    const all = isNameless ? [...fields, ...fieldsOf(speller, body, budget, () => false)] : fields;
    return all.map(({ path }) => path);
  }
  const nameOffset = isEnum(kind) ? enumeratorName : kind === KIND_FUNC_PROTO ? paramName : null;
  if (nameOffset === null) return [];
  return Array.from({ length: vlenOf(btf, body) }, (_, i) => nameAt(nameOffset(btf, body, i)));
}

/** The type that has the members: a function's prototype, the type without a name that a typedef is a name for. */
function bodyIn(btf: Btf, id: number): number {
  const kind = kindOf(btf, id);
  if (kind === KIND_FUNC) return targetOf(btf, id);
  return kind === KIND_TYPEDEF && nameOffsetOf(btf, targetOf(btf, id)) === 0 ? targetOf(btf, id) : id;
}
