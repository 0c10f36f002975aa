import {
  KIND_ARRAY,
  KIND_CONST,
  KIND_FUNC_PROTO,
  KIND_PTR,
  KIND_RESTRICT,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_UNION,
  KIND_VOLATILE,
} from "../btf/format.ts";
import { arrayElement, memberName, memberType, paramType } from "../btf/members.ts";
import { type Btf, isComposite, isTransparent, kindOf, nameOffsetOf, targetOf, vlenOf } from "../btf/view.ts";

/** How many types a type's text in C refers to: a target, an element, a result and parameters, members. */
export function referenceCount(btf: Btf, id: number): number {
  switch (kindOf(btf, id)) {
    case KIND_PTR:
    case KIND_CONST:
    case KIND_VOLATILE:
    case KIND_RESTRICT:
    case KIND_TYPE_TAG:
    case KIND_TYPEDEF:
    case KIND_ARRAY:
      return 1;
    case KIND_FUNC_PROTO:
      return 1 + vlenOf(btf, id);
    case KIND_STRUCT:
    case KIND_UNION:
      return vlenOf(btf, id);
    default:
      return 0;
  }
}

/** One of them; the index must be below their count. */
export function referenceAt(btf: Btf, id: number, index: number): number {
  switch (kindOf(btf, id)) {
    case KIND_ARRAY:
      return arrayElement(btf, id);
    case KIND_FUNC_PROTO:
      return index === 0 ? targetOf(btf, id) : paramType(btf, id, index - 1);
    case KIND_STRUCT:
    case KIND_UNION:
      return memberType(btf, id, index);
    default:
      return targetOf(btf, id);
  }
}

/** How many typedefs, qualifiers and arrays in a row are looked through in lib/c. */
export const MAX_CHAIN = 256;

/**
 * Behind qualifiers, tags and typedefs; 0 (void) behind too many of them. Unlike skipModifiersAndTypedefs it does not
 * throw: the header says what is wrong where it has a member of such a type.
 */
export function behindTypedefs(btf: Btf, id: number): number {
  let at = id;
  for (let steps = 0; isTransparent(kindOf(btf, at)); steps++) {
    if (steps === MAX_CHAIN) return 0;
    at = targetOf(btf, at);
  }
  return at;
}

/** Behind all that, and behind arrays: what an object of the type is made of; 0 (void) behind too many of them, too. */
export function madeOf(btf: Btf, id: number): number {
  return behindChain(btf, id) ?? 0;
}

/** True when there are more typedefs, qualifiers and arrays in a row than are looked through. */
export function isTooLong(btf: Btf, id: number): boolean {
  return behindChain(btf, id) === undefined;
}

function behindChain(btf: Btf, id: number): number | undefined {
  let at = id;
  for (let steps = 0; steps < MAX_CHAIN; steps++) {
    const kind = kindOf(btf, at);
    if (kind === KIND_ARRAY) at = arrayElement(btf, at);
    else if (isTransparent(kind)) at = targetOf(btf, at);
    else return at;
  }
  return undefined;
}

/**
 * The struct or union whose members are written in place of a member, as if they were the outer one's: that of a member
 * without a name. It may have a name of its own (GCC's -fms-extensions, with which the kernel is built since 6.19); C
 * without that option can only repeat its members. 0 for any other member.
 */
export function unfolded(btf: Btf, composite: number, index: number): number {
  if (memberName(btf, composite, index) !== 0) return 0;
  const type = behindTypedefs(btf, memberType(btf, composite, index));
  return isComposite(kindOf(btf, type)) ? type : 0;
}

/** True for a struct or union without a name, which C has to write out where it is used. */
export function isNamelessComposite(btf: Btf, id: number): boolean {
  return isComposite(kindOf(btf, id)) && nameOffsetOf(btf, id) === 0;
}
