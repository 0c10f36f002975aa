import { KIND_FWD, KIND_INT, KIND_PTR } from "../btf/format.ts";
import { paramType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindFlagOf, kindOf, sizeOf, targetOf, vlenOf } from "../btf/view.ts";
import { typeText } from "./path-text.ts";

/**
 * Why a program's function cannot take the place of another program's, by their prototypes; null where it can
 * (kernel/bpf/btf.c, btf_check_func_type_match). Kinds must be the same, of arguments sizes too; a sign is not looked at,
 * nor is the size of what is returned. A pointer is one to a context, of a struct of the same name.
 */
export function replacementFault(own: Btf, ownPrototype: number, other: Btf, otherPrototype: number): string | null {
  const [here, there] = [vlenOf(own, ownPrototype), vlenOf(other, otherPrototype)];
  if (here !== there) return `it has ${there} arguments, and the program that replaces it ${here}`;
  const pair = (hereId: number, thereId: number) => ({
    here: skipModifiersAndTypedefs(own, hereId),
    there: skipModifiersAndTypedefs(other, thereId),
    text: `${typeText(other, thereId)} there, ${typeText(own, hereId)} in the program that replaces it`,
  });
  const returned = pair(targetOf(own, ownPrototype), targetOf(other, otherPrototype));
  if (!sameInfo(own, returned.here, other, returned.there)) return `what it returns: ${returned.text}`;
  for (let i = 0; i < here; i++) {
    const argument = pair(paramType(own, ownPrototype, i), paramType(other, otherPrototype, i));
    if (sameArgument(own, argument.here, other, argument.there)) continue;
    const isDeclared = isPointerTo(own, argument.here, KIND_FWD) || isPointerTo(other, argument.there, KIND_FWD);
    return `argument ${i + 1}: ${argument.text}${isDeclared ? ", where a struct is only declared" : ""}`;
  }
  return null;
}

function isPointerTo(btf: Btf, id: number, kind: number): boolean {
  return kindOf(btf, id) === KIND_PTR && kindOf(btf, skipModifiersAndTypedefs(btf, targetOf(btf, id))) === kind;
}

/** The info word: kind, kind_flag, number of members or enumerators. */
function sameInfo(a: Btf, idOfA: number, b: Btf, idOfB: number): boolean {
  return (
    kindOf(a, idOfA) === kindOf(b, idOfB) &&
    vlenOf(a, idOfA) === vlenOf(b, idOfB) &&
    kindFlagOf(a, idOfA) === kindFlagOf(b, idOfB)
  );
}

function sameArgument(a: Btf, idOfA: number, b: Btf, idOfB: number): boolean {
  if (!sameInfo(a, idOfA, b, idOfB)) return false;
  const kind = kindOf(a, idOfA);
  if (kind === KIND_INT || isEnum(kind)) return sizeOf(a, idOfA) === sizeOf(b, idOfB);
  if (kind !== KIND_PTR) return false;
  const [pointee, other] = [
    skipModifiersAndTypedefs(a, targetOf(a, idOfA)),
    skipModifiersAndTypedefs(b, targetOf(b, idOfB)),
  ];
  return isComposite(kindOf(a, pointee)) && isComposite(kindOf(b, other)) && nameOf(a, pointee) === nameOf(b, other);
}
