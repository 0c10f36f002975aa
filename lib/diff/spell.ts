import { KIND_DATASEC, KIND_FUNC, KIND_FUNC_PROTO, KIND_TYPEDEF, KIND_VAR, VAR_LINKAGE_WORD } from "../btf/format.ts";
import {
  enumeratorName,
  enumeratorValue,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
} from "../btf/members.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  kindOf,
  nameOffsetOf,
  recordOf,
  segmentOf,
  sizeOf,
  targetOf,
  vlenOf,
} from "../btf/view.ts";
import { declare, keywordOf, type Spelling } from "../c/declarator.ts";
import type { TypeSide } from "./change.ts";
import { offsetText } from "./offset-text.ts";
import type { Speller } from "./speller.ts";

/** `enum btf_func_linkage`; a variable's are the same. */
const LINKAGES = ["static", "global", "extern"];
/** How deep and how long the body of an anonymous type is written out. */
const BODY_DEPTH = 4;
const BODY_LENGTH = 2000;
/** An anonymous enum is known by its first enumerators. */
const ENUM_LENGTH = 40;

/** A type on one side of a diff. */
export function typeSide(speller: Speller, id: number): TypeSide {
  const { btf } = speller;
  const segment = btf.segments[segmentOf(btf, id)];
  const elements = kindOf(btf, id) === KIND_FUNC ? targetOf(btf, id) : id;
  const isProto = kindOf(btf, id) !== KIND_FUNC || kindOf(btf, elements) === KIND_FUNC_PROTO;
  return {
    id,
    fileId: id - (segment?.idShift ?? 0),
    size: speller.sizeOf(id),
    count: isProto ? vlenOf(btf, elements) : 0,
    declaration: declarationOf(speller, id),
  };
}

/** A type as C declares it, without a body and without a semicolon. */
export function declarationOf(speller: Speller, id: number): string {
  const { btf } = speller;
  const name = speller.nameAt(nameOffsetOf(btf, id));
  switch (kindOf(btf, id)) {
    case KIND_TYPEDEF:
      return `typedef ${speller.declare(targetOf(btf, id), name)}`;
    case KIND_FUNC: {
      const text = speller.declare(targetOf(btf, id), name);
      return vlenOf(btf, id) === 1 ? text : `${linkageText(vlenOf(btf, id))} ${text}`;
    }
    case KIND_VAR: {
      const linkage = varLinkage(btf, id);
      const text = speller.declare(targetOf(btf, id), name);
      return linkage === 1 ? text : `${linkageText(linkage)} ${text}`;
    }
    case KIND_DATASEC:
      return name;
    default:
      if (name !== "" || !isEnum(kindOf(btf, id))) return speller.declare(id, "");
      return declare(withBodies(speller, 0, ENUM_LENGTH), id, "");
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

/**
 * Two types that differ, as texts that differ: where both are spelled the same, the difference is in an anonymous body,
 * which is then written out, with offsets and sizes if it is in these.
 */
export function differentTexts(old: Speller, oldId: number, next: Speller, newId: number): readonly [string, string] {
  const texts = [old.declare(oldId, ""), next.declare(newId, "")] as const;
  if (texts[0] !== texts[1]) return texts;
  const bodies = (places: boolean) =>
    [
      declare(withBodies(old, 0, BODY_LENGTH, places), oldId, ""),
      declare(withBodies(next, 0, BODY_LENGTH, places), newId, ""),
    ] as const;
  const [a, b] = bodies(false);
  return a === b ? bodies(true) : [a, b];
}

/** The plain spelling with the bodies of anonymous types, as far as they are short. */
function withBodies(speller: Speller, depth: number, length: number, places = false): Spelling {
  const { btf, spelling: plain, nameAt } = speller;
  const specifier = (id: number): string => {
    const keyword = keywordOf(btf, id);
    const kind = kindOf(btf, id);
    if (keyword === undefined || nameOffsetOf(btf, id) !== 0 || depth === BODY_DEPTH) return plain.specifier(id);
    let body = "";
    const inner = withBodies(speller, depth + 1, BODY_LENGTH, places);
    for (let i = 0; i < vlenOf(btf, id); i++) {
      if (body.length > length) {
        body += " ...";
        break;
      }
      if (isComposite(kind)) {
        const bits = memberBitfieldSize(btf, id, i);
        const text = declare(inner, memberType(btf, id, i), nameAt(memberName(btf, id, i)));
        const place = places ? ` at ${offsetText(memberBitOffset(btf, id, i))}` : "";
        body += ` ${text}${bits === 0 ? "" : `: ${bits}`}${place};`;
      } else if (isEnum(kind)) {
        body += `${i === 0 ? "" : ","} ${`${nameAt(enumeratorName(btf, id, i))} = ${enumeratorValue(btf, id, i)}`}`;
      }
    }
    return `${keyword} {${body} }${places ? ` of ${sizeOf(btf, id)} bytes` : ""}`;
  };
  return { ...plain, specifier };
}
