/** Types of a blob as lines, without ids: `struct sock 64 { family@16 int, pad@24:3 int }`. */
import {
  KIND_ARRAY,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_PTR,
  KIND_TYPEDEF,
  KIND_VAR,
} from "../../lib/btf/format.ts";
import {
  arrayElement,
  arrayLength,
  enumeratorName,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
  paramName,
  paramType,
} from "../../lib/btf/members.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  kindFlagOf,
  kindName,
  kindOf,
  sizeOf,
  targetOf,
  typeCount,
  vlenOf,
} from "../../lib/btf/view.ts";

const each = (btf: Btf, id: number, text: (i: number) => string): string =>
  Array.from({ length: vlenOf(btf, id) }, (_, i) => text(i)).join(", ");

/** A type where it is referred to. */
function reference(btf: Btf, id: number): string {
  const kind = kindOf(btf, id);
  const name = nameOf(btf, id);
  const text = (offset: number) => stringAt(btf.strings, offset);
  switch (kind) {
    case 0:
      return "void";
    case KIND_PTR:
      return `${reference(btf, targetOf(btf, id))} *`;
    case KIND_ARRAY:
      return `${reference(btf, arrayElement(btf, id))}[${arrayLength(btf, id)}]`;
    case KIND_FUNC_PROTO: {
      const params = each(btf, id, (i) =>
        `${reference(btf, paramType(btf, id, i))} ${text(paramName(btf, id, i))}`.trim(),
      );
      return `${reference(btf, targetOf(btf, id))} (${params})`;
    }
    case KIND_FWD:
      return `fwd ${kindFlagOf(btf, id) === 1 ? "union" : "struct"} ${name}`;
    default:
      return `${kindName(kind).toLowerCase()}${name === "" ? "" : ` ${name}`}`;
  }
}

/** One line for each struct, union, enum, typedef, function, variable and forward declaration, sorted. */
export function outline(btf: Btf): string[] {
  const lines: string[] = [];
  const text = (offset: number) => stringAt(btf.strings, offset);
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    const head = reference(btf, id);
    if (isComposite(kind)) {
      const members = each(btf, id, (i) => {
        const width = memberBitfieldSize(btf, id, i);
        const place = `${text(memberName(btf, id, i))}@${memberBitOffset(btf, id, i)}${width > 0 ? `:${width}` : ""}`;
        return `${place} ${reference(btf, memberType(btf, id, i))}`;
      });
      lines.push(`${head} ${sizeOf(btf, id)} {${members}}`);
    } else if (isEnum(kind)) lines.push(`${head} {${each(btf, id, (i) => text(enumeratorName(btf, id, i)))}}`);
    else if (kind === KIND_TYPEDEF || kind === KIND_VAR || kind === KIND_FUNC) {
      lines.push(`${head} = ${reference(btf, targetOf(btf, id))}`);
    } else if (kind === KIND_FWD) lines.push(head);
  }
  return lines.sort();
}
