import { KIND_DATASEC, KIND_FUNC, KIND_FUNC_PROTO, KIND_TYPEDEF, KIND_VAR, VAR_LINKAGE_WORD } from "../btf/format.ts";
import { enumeratorName, enumeratorValue, memberName, memberType } from "../btf/members.ts";
import { resolveSize } from "../btf/resolve.ts";
import { nameOf, stringAt } from "../btf/strings.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  kindOf,
  nameOffsetOf,
  recordOf,
  segmentOf,
  targetOf,
  vlenOf,
} from "../btf/view.ts";
import { declare, keywordOf, plainSpelling, type Spelling } from "../c/declarator.ts";
import type { TypeSide } from "./change.ts";

/** `enum btf_func_linkage`; a variable's are the same. */
const LINKAGES = ["static", "global", "extern"];
/** How deep and how long the body of an anonymous type is written out. */
const BODY_DEPTH = 4;
const BODY_LENGTH = 2000;
/** An anonymous enum is known by its first enumerators. */
const ENUM_LENGTH = 40;

/** A type on one side of a diff. */
export function typeSide(btf: Btf, id: number): TypeSide {
  const segment = btf.segments[segmentOf(btf, id)];
  const size = resolveSize(btf, id);
  const elements = kindOf(btf, id) === KIND_FUNC ? targetOf(btf, id) : id;
  const isProto = kindOf(btf, id) !== KIND_FUNC || kindOf(btf, elements) === KIND_FUNC_PROTO;
  return {
    id,
    fileId: id - (segment?.idShift ?? 0),
    size: size < 0 ? null : size,
    count: isProto ? vlenOf(btf, elements) : 0,
    declaration: declarationOf(btf, id),
  };
}

/** A type as C declares it, without a body and without a semicolon. */
export function declarationOf(btf: Btf, id: number): string {
  const spelling = plainSpelling(btf);
  const name = nameOf(btf, id);
  switch (kindOf(btf, id)) {
    case KIND_TYPEDEF:
      return `typedef ${declare(spelling, targetOf(btf, id), name)}`;
    case KIND_FUNC: {
      const text = declare(spelling, targetOf(btf, id), name);
      return vlenOf(btf, id) === 1 ? text : `${linkageText(vlenOf(btf, id))} ${text}`;
    }
    case KIND_VAR: {
      const linkage = varLinkage(btf, id);
      const text = declare(spelling, targetOf(btf, id), name);
      return linkage === 1 ? text : `${linkageText(linkage)} ${text}`;
    }
    case KIND_DATASEC:
      return name;
    default:
      return declare(isEnum(kindOf(btf, id)) && name === "" ? withBodies(btf, 0, ENUM_LENGTH) : spelling, id, "");
  }
}

/** `static`, `global`, `extern`; of another number, the number. */
export function linkageText(linkage: number): string {
  return LINKAGES[linkage] ?? `linkage ${linkage}`;
}

/** A VAR's linkage. */
export function varLinkage(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + VAR_LINKAGE_WORD] as number;
}

/** A type without a name for it. */
export function typeText(btf: Btf, id: number): string {
  return declare(plainSpelling(btf), id, "");
}

/**
 * Two types that differ, as texts that differ: where both are spelled the same, the difference is in an anonymous body,
 * which is then written out.
 */
export function differentTexts(old: Btf, oldId: number, next: Btf, newId: number): readonly [string, string] {
  const a = typeText(old, oldId);
  const b = typeText(next, newId);
  return a === b ? [declare(withBodies(old, 0), oldId, ""), declare(withBodies(next, 0), newId, "")] : [a, b];
}

/** The plain spelling with the bodies of anonymous types, as far as they are short. */
function withBodies(btf: Btf, depth: number, length = BODY_LENGTH): Spelling {
  const plain = plainSpelling(btf);
  const specifier = (id: number): string => {
    const keyword = keywordOf(btf, id);
    const kind = kindOf(btf, id);
    if (keyword === undefined || nameOffsetOf(btf, id) !== 0 || depth === BODY_DEPTH) return plain.specifier(id);
    let body = "";
    const inner = withBodies(btf, depth + 1);
    for (let i = 0; i < vlenOf(btf, id); i++) {
      if (body.length > length) {
        body += " ...";
        break;
      }
      if (isComposite(kind)) {
        const name = stringAt(btf.strings, memberName(btf, id, i));
        body += ` ${declare(inner, memberType(btf, id, i), name)};`;
      } else if (isEnum(kind)) {
        body += `${i === 0 ? "" : ","} ${enumeratorText(btf, id, i)}`;
      }
    }
    return `${keyword} {${body} }`;
  };
  return { ...plain, specifier };
}

function enumeratorText(btf: Btf, id: number, index: number): string {
  return `${stringAt(btf.strings, enumeratorName(btf, id, index))} = ${enumeratorValue(btf, id, index)}`;
}
