import { INT_SIGNED, KIND_ARRAY, KIND_FUNC_PROTO, KIND_FWD, KIND_INT, KIND_PTR } from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  enumeratorName,
  intEncoding,
  memberName,
  memberType,
  paramType,
} from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalEssentialNames, nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, sizeOf, targetOf, vlenOf } from "../btf/view.ts";
import { enumeratorNames, type Hint, memberNames } from "./explain-field.ts";
import { sameKind } from "./match-field.ts";
import { MATCH, matchState, NO_MATCH } from "./match-state.ts";
import { typesMatch } from "./match-type.ts";
import { kindWords, typeText } from "./path-text.ts";
import type { MatchRules } from "./rules.ts";

/** How far an explanation follows members into members; what lies deeper is named by its outermost fault. */
const MAX_DEPTH = 8;

/** Two types and where they are compared. */
interface Pair {
  readonly local: Btf;
  readonly target: Btf;
  readonly rules: MatchRules;
  readonly hint: Hint;
}

/** Why two types of one name are not of one make (type_exists, type_size, target_type_id), in words. */
export function explainCompatible(pair: Pair, localId: number, targetId: number): string {
  return kindFault(pair, localId, targetId, 0) ?? "the types are not of one make, deeper than is told here";
}

/** Why the target's type does not have all that the local one has (type_matches), in words. */
export function explainMatch(pair: Pair, localId: number, targetId: number): string {
  return matchFault(pair, localId, targetId, false, 0) ?? "the types differ deeper than is told here";
}

/** Compares kinds all the way down, as typesCompatible does; null when no fault is seen. */
function kindFault(pair: Pair, localRoot: number, targetRoot: number, depth: number): string | null {
  const { local, target } = pair;
  const localId = skipModifiersAndTypedefs(local, localRoot);
  const targetId = skipModifiersAndTypedefs(target, targetRoot);
  const kind = kindOf(local, localId);
  if (!sameKind(kind, kindOf(target, targetId))) return differ(pair, localId, targetId, depth);
  if (depth > MAX_DEPTH) return null;
  switch (kind) {
    case KIND_INT:
      return null;
    case KIND_PTR:
      return kindFault(pair, targetOf(local, localId), targetOf(target, targetId), depth + 1);
    case KIND_ARRAY:
      return kindFault(pair, arrayElement(local, localId), arrayElement(target, targetId), depth + 1);
    case KIND_FUNC_PROTO:
      return prototypeFault(pair, localId, targetId, (a, b) => kindFault(pair, a, b, depth + 1));
    default:
      return isComposite(kind) || isEnum(kind) || kind === KIND_FWD ? null : `${kindWords(kind)} never matches`;
  }
}

/** Compares structure, as typesMatch does; null when no fault is seen. */
function matchFault(
  pair: Pair,
  localRoot: number,
  targetRoot: number,
  behindPointer: boolean,
  depth: number,
): string | null {
  const { local, target } = pair;
  const localId = skipModifiersAndTypedefs(local, localRoot);
  const targetId = skipModifiersAndTypedefs(target, targetRoot);
  const kind = kindOf(local, localId);
  const targetKind = kindOf(target, targetId);
  const sameName = equalEssentialNames(
    local.strings,
    nameOffsetOf(local, localId),
    target.strings,
    nameOffsetOf(target, targetId),
  );
  const forward = behindPointer && (kind === KIND_FWD || targetKind === KIND_FWD);
  if (!sameName || (!sameKind(kind, targetKind) && !forward)) return differ(pair, localId, targetId, 1);
  if (depth > MAX_DEPTH || (behindPointer && isComposite(kind))) return null;
  if (isEnum(kind)) return enumFault(pair, localId, targetId);
  if (isComposite(kind)) return compositeFault(pair, localId, targetId, depth);
  switch (kind) {
    case KIND_INT:
      return intFault(pair, localId, targetId);
    case KIND_PTR:
      return matchFault(pair, targetOf(local, localId), targetOf(target, targetId), true, depth + 1);
    case KIND_ARRAY:
      if (arrayLength(local, localId) !== arrayLength(target, targetId)) {
        return `an array of length ${arrayLength(target, targetId)} there, of ${arrayLength(local, localId)} here`;
      }
      return matchFault(pair, arrayElement(local, localId), arrayElement(target, targetId), behindPointer, depth + 1);
    case KIND_FUNC_PROTO:
      return prototypeFault(pair, localId, targetId, (a, b) => matchFault(pair, a, b, behindPointer, depth + 1));
    default:
      return null;
  }
}

function differ({ local, target }: Pair, localId: number, targetId: number, depth: number): string {
  const there = `${kindWords(kindOf(target, targetId))} (${typeText(target, targetId)})`;
  const here = `${kindWords(kindOf(local, localId))} (${typeText(local, localId)})`;
  return `${depth === 0 ? "it is " : ""}${there} there, ${here} here`;
}

function prototypeFault(
  { local, target }: Pair,
  localId: number,
  targetId: number,
  faultOf: (localId: number, targetId: number) => string | null,
): string | null {
  const count = vlenOf(local, localId);
  if (count !== vlenOf(target, targetId)) {
    return `the function takes ${vlenOf(target, targetId)} parameters there, ${count} here`;
  }
  for (let i = 0; i < count; i++) {
    const fault = faultOf(paramType(local, localId, i), paramType(target, targetId, i));
    if (fault !== null) return `parameter ${i + 1}: ${fault}`;
  }
  const fault = faultOf(targetOf(local, localId), targetOf(target, targetId));
  return fault === null ? null : `return value: ${fault}`;
}

function intFault({ local, target }: Pair, localId: number, targetId: number): string | null {
  const describe = (btf: Btf, id: number) =>
    `${(intEncoding(btf, id) & INT_SIGNED) === 0 ? "an unsigned" : "a signed"} integer of ${sizeOf(btf, id)} bytes`;
  const there = describe(target, targetId);
  const here = describe(local, localId);
  return there === here ? null : `${there} there, ${here} here`;
}

function enumFault({ local, target, hint }: Pair, localId: number, targetId: number): string | null {
  const name = typeText(target, targetId);
  if (sizeOf(local, localId) !== sizeOf(target, targetId)) {
    return `${name} has ${sizeOf(target, targetId)} bytes there, ${sizeOf(local, localId)} here`;
  }
  for (let i = 0; i < vlenOf(local, localId); i++) {
    const wanted = enumeratorName(local, localId, i);
    if (hasName(local, wanted, target, vlenOf(target, targetId), (j) => enumeratorName(target, targetId, j))) continue;
    const text = stringAt(local.strings, wanted);
    return `${name} has no ${text}${hint(text, enumeratorNames(target, targetId))}`;
  }
  const [there, here] = [vlenOf(target, targetId), vlenOf(local, localId)];
  return here > there ? `${name} has ${there} values there, ${here} here` : null;
}

function hasName(local: Btf, wanted: number, target: Btf, count: number, nameAt: (i: number) => number): boolean {
  for (let i = 0; i < count; i++) {
    if (equalEssentialNames(local.strings, wanted, target.strings, nameAt(i))) return true;
  }
  return false;
}

function compositeFault(pair: Pair, localId: number, targetId: number, depth: number): string | null {
  const { local, target, hint } = pair;
  const place = nameOf(target, targetId) || typeText(target, targetId);
  const names = memberNames(target, targetId);
  for (let i = 0; i < vlenOf(local, localId); i++) {
    const wanted = memberName(local, localId, i);
    const text = stringAt(local.strings, wanted) || "(anonymous)";
    let fault: string | null = names.includes(text)
      ? `${place} has ${text} in an anonymous member, where type_matches does not look`
      : `${place} has no member ${text}${hint(text, names)}`;
    for (let j = 0; j < vlenOf(target, targetId) && fault !== null; j++) {
      if (!equalEssentialNames(local.strings, wanted, target.strings, memberName(target, targetId, j))) continue;
      fault = memberFault(pair, memberType(local, localId, i), memberType(target, targetId, j), text, depth);
    }
    if (fault !== null) return fault;
  }
  const [there, here] = [vlenOf(target, targetId), vlenOf(local, localId)];
  return here > there ? `${place} has ${there} members there, ${here} here` : null;
}

/** The matcher itself says which member is at fault; the explanation then goes into it. */
function memberFault(pair: Pair, localType: number, targetType: number, name: string, depth: number): string | null {
  const outcome = typesMatch(matchState(pair.local, pair.target, pair.rules, null), localType, targetType);
  if (outcome === MATCH) return null;
  if (outcome !== NO_MATCH) return `member ${name} is nested too deep`;
  const inner = matchFault(pair, localType, targetType, false, depth + 1);
  return `member ${name}: ${inner ?? "another type there"}`;
}
