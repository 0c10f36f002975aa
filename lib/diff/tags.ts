import { KIND_FUNC, KIND_FUNC_PROTO } from "../btf/format.ts";
import { memberName, paramName } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, kindOf, targetOf, vlenOf } from "../btf/view.ts";
import type { TagChange } from "./change.ts";
import type { ClassedView } from "./classes.ts";

/** Tags that only one of two types has, on itself or on a member or parameter of the same name. */
export function diffTags(old: ClassedView, oldId: number, next: ClassedView, newId: number): TagChange[] {
  if (!old.attached.tags.has(oldId) && !next.attached.tags.has(newId)) return [];
  const left = tagsOf(old, oldId);
  const right = tagsOf(next, newId);
  return [
    ...[...left].filter(([key]) => !right.has(key)).map(([, tag]): TagChange => ({ ...tag, status: "removed" })),
    ...[...right].filter(([key]) => !left.has(key)).map(([, tag]): TagChange => ({ ...tag, status: "added" })),
  ];
}

function tagsOf({ btf, attached }: ClassedView, id: number): Map<string, Omit<TagChange, "status">> {
  const tags = attached.tags.get(id) ?? [];
  return new Map(
    tags.map(({ nameOffset, component }) => {
      const tag = stringAt(btf.strings, nameOffset);
      const on = component === -1 ? null : componentName(btf, id, component);
      return [JSON.stringify([on, tag]), { what: "tag", tag, on }];
    }),
  );
}

/** A member's or parameter's name; its number where it has none. */
function componentName(btf: Btf, id: number, index: number): string {
  const inner = kindOf(btf, id) === KIND_FUNC ? targetOf(btf, id) : id;
  const kind = kindOf(btf, inner);
  let nameOffset = 0;
  if (index >= 0 && index < vlenOf(btf, inner)) {
    if (isComposite(kind)) nameOffset = memberName(btf, inner, index);
    else if (kind === KIND_FUNC_PROTO) nameOffset = paramName(btf, inner, index);
  }
  return stringAt(btf.strings, nameOffset) || `#${index}`;
}
