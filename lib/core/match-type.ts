import {
  INT_SIGNED,
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FUNC_PROTO,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_UNION,
  KIND_VOID,
} from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  enumeratorName,
  intEncoding,
  intOffset,
  memberName,
  memberType,
  paramType,
} from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalEssentialNames, essentialLength, hasEssentialName } from "../btf/strings.ts";
import { isEnum, kindFlagOf, kindOf, nameOffsetOf, sizeOf, targetOf, vlenOf } from "../btf/view.ts";
import { FACT_COUNT, FACT_ENUMERATOR, FACT_FEWER, FACT_MEMBER, FACT_NAME, FACT_TARGET, FACT_TYPE } from "./evidence.ts";
import { sameKind } from "./match-field.ts";
import { ERROR_INVALID, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";

/** How many pointers, arrays and return types one comparison follows in a row (libbpf and the kernel alike). */
const CHAIN_DEPTH = 32;

/**
 * Whether two types of one name are of one make: kinds equal all the way down through pointers, arrays and function
 * prototypes (libbpf: bpf_core_types_are_compat; for type_exists, type_size and target_type_id).
 */
export function typesCompatible(state: MatchState, localRoot: number, targetRoot: number): number {
  note(state, FACT_TYPE, targetRoot, 0);
  return compatible(state, localRoot, targetRoot, state.rules.typeDepth);
}

function compatible(state: MatchState, localRoot: number, targetRoot: number, level: number): number {
  const { local, target } = state;
  if (!sameKind(kindOf(local, localRoot), kindOf(target, targetRoot))) return NO_MATCH;
  let localId = localRoot;
  let targetId = targetRoot;
  for (let depth = 0; depth < CHAIN_DEPTH; depth++) {
    spend(state, targetId);
    localId = skipModifiersAndTypedefs(local, localId);
    targetId = skipModifiersAndTypedefs(target, targetId);
    note(state, FACT_TYPE, targetId, 0);
    const kind = kindOf(local, localId);
    if (!sameKind(kind, kindOf(target, targetId))) return NO_MATCH;
    switch (kind) {
      case KIND_VOID:
      case KIND_STRUCT:
      case KIND_UNION:
      case KIND_ENUM:
      case KIND_ENUM64:
      case KIND_FWD:
        return MATCH;
      case KIND_INT:
        return intOffset(local, localId) === 0 && intOffset(target, targetId) === 0 ? MATCH : NO_MATCH;
      case KIND_PTR:
        note(state, FACT_TARGET, targetId, 0);
        localId = targetOf(local, localId);
        targetId = targetOf(target, targetId);
        break;
      case KIND_ARRAY:
        localId = arrayElement(local, localId);
        targetId = arrayElement(target, targetId);
        break;
      case KIND_FUNC_PROTO: {
        note(state, FACT_TARGET, targetId, 0);
        const count = vlenOf(local, localId);
        if (count !== vlenOf(target, targetId)) return NO_MATCH;
        for (let i = 0; i < count; i++) {
          if (level <= 0) return ERROR_INVALID;
          const localParam = skipModifiersAndTypedefs(local, paramType(local, localId, i));
          const targetParam = skipModifiersAndTypedefs(target, paramType(target, targetId, i));
          note(state, FACT_TYPE, targetParam, 0);
          const outcome = compatible(state, localParam, targetParam, level - 1);
          if (outcome !== MATCH) return outcome;
        }
        localId = targetOf(local, localId);
        targetId = targetOf(target, targetId);
        break;
      }
      default:
        return NO_MATCH;
    }
  }
  return ERROR_INVALID;
}

/**
 * Whether the target has everything the local type has, by structure (libbpf: bpf_core_types_match; for
 * type_matches). Behind a pointer structs and unions need only be of one name and kind.
 */
export function typesMatch(state: MatchState, localRoot: number, targetRoot: number): number {
  note(state, FACT_TYPE, targetRoot, 0);
  return matches(state, localRoot, targetRoot, false, state.rules.typeDepth);
}

function matches(
  state: MatchState,
  localRoot: number,
  targetRoot: number,
  startsBehindPointer: boolean,
  level: number,
): number {
  if (level <= 0) return ERROR_INVALID;
  const { local, target } = state;
  let localId = localRoot;
  let targetId = targetRoot;
  let behindPointer = startsBehindPointer;
  for (let depth = 0; depth < CHAIN_DEPTH; depth++) {
    spend(state, targetId);
    localId = skipModifiersAndTypedefs(local, localId);
    targetId = skipModifiersAndTypedefs(target, targetId);
    note(state, FACT_TYPE, targetId, 0);
    note(state, FACT_NAME, targetId, 0);
    if (
      !equalEssentialNames(local.strings, nameOffsetOf(local, localId), target.strings, nameOffsetOf(target, targetId))
    ) {
      return NO_MATCH;
    }
    const localKind = kindOf(local, localId);
    const targetKind = kindOf(target, targetId);
    switch (localKind) {
      case KIND_VOID:
        return localKind === targetKind ? MATCH : NO_MATCH;
      case KIND_FWD:
        return forwardMatches(state, localId, targetId, behindPointer) ? MATCH : NO_MATCH;
      case KIND_ENUM:
      case KIND_ENUM64:
        return isEnum(targetKind) ? enumsMatch(state, localId, targetId) : NO_MATCH;
      case KIND_STRUCT:
      case KIND_UNION:
        if (behindPointer) {
          if (localKind === targetKind) return MATCH;
          if (targetKind !== KIND_FWD) return NO_MATCH;
          return (localKind === KIND_UNION) === (kindFlagOf(target, targetId) === 1) ? MATCH : NO_MATCH;
        }
        if (localKind !== targetKind) return NO_MATCH;
        return compositesMatch(state, localId, targetId, level);
      case KIND_INT: {
        if (localKind !== targetKind) return NO_MATCH;
        const signs = (intEncoding(local, localId) ^ intEncoding(target, targetId)) & INT_SIGNED;
        return signs === 0 && sizeOf(local, localId) === sizeOf(target, targetId) ? MATCH : NO_MATCH;
      }
      case KIND_PTR:
        if (localKind !== targetKind) return NO_MATCH;
        note(state, FACT_TARGET, targetId, 0);
        behindPointer = true;
        localId = targetOf(local, localId);
        targetId = targetOf(target, targetId);
        break;
      case KIND_ARRAY:
        if (localKind !== targetKind) return NO_MATCH;
        if (arrayLength(local, localId) !== arrayLength(target, targetId)) return NO_MATCH;
        localId = arrayElement(local, localId);
        targetId = arrayElement(target, targetId);
        break;
      case KIND_FUNC_PROTO: {
        if (localKind !== targetKind) return NO_MATCH;
        note(state, FACT_TARGET, targetId, 0);
        const count = vlenOf(local, localId);
        if (count !== vlenOf(target, targetId)) return NO_MATCH;
        for (let i = 0; i < count; i++) {
          const localParam = paramType(local, localId, i);
          const outcome = matches(state, localParam, paramType(target, targetId, i), behindPointer, level - 1);
          if (outcome !== MATCH) return outcome;
        }
        localId = targetOf(local, localId);
        targetId = targetOf(target, targetId);
        break;
      }
      default:
        return NO_MATCH;
    }
  }
  return ERROR_INVALID;
}

/** A forward declaration's kind_flag says union; behind a pointer it stands for the full type as well. */
function forwardMatches(state: MatchState, localId: number, targetId: number, behindPointer: boolean): boolean {
  const localIsUnion = kindFlagOf(state.local, localId) === 1;
  const targetKind = kindOf(state.target, targetId);
  if (targetKind === KIND_FWD) return localIsUnion === (kindFlagOf(state.target, targetId) === 1);
  return behindPointer && targetKind === (localIsUnion ? KIND_UNION : KIND_STRUCT);
}

/** Every local enumerator has one of its name in the target; sizes are equal, values do not count. */
function enumsMatch(state: MatchState, localId: number, targetId: number): number {
  const { local, target } = state;
  const localCount = vlenOf(local, localId);
  const targetCount = vlenOf(target, targetId);
  if (sizeOf(local, localId) !== sizeOf(target, targetId)) return NO_MATCH;
  if (localCount > targetCount) return NO_MATCH;
  note(state, FACT_COUNT, targetId, localCount);
  for (let i = 0; i < localCount; i++) {
    const localName = enumeratorName(local, localId, i);
    const length = essentialLength(local.strings, localName);
    let found = false;
    for (let j = 0; j < targetCount && !found; j++) {
      spend(state, targetId);
      const targetName = enumeratorName(target, targetId, j);
      if (!hasEssentialName(local.strings, localName, length, target.strings, targetName)) continue;
      note(state, FACT_ENUMERATOR, targetId, j);
      found = true;
    }
    if (!found) return NO_MATCH;
  }
  return MATCH;
}

/** Every local member has one of its name whose type matches; the target may have more of them. */
function compositesMatch(state: MatchState, localId: number, targetId: number, level: number): number {
  const { local, target } = state;
  const localCount = vlenOf(local, localId);
  const targetCount = vlenOf(target, targetId);
  if (localCount > targetCount) {
    note(state, FACT_FEWER, targetId, localCount);
    return NO_MATCH;
  }
  note(state, FACT_COUNT, targetId, localCount);
  for (let i = 0; i < localCount; i++) {
    const localName = memberName(local, localId, i);
    const length = essentialLength(local.strings, localName);
    let found = false;
    for (let j = 0; j < targetCount && !found; j++) {
      spend(state, targetId);
      if (!hasEssentialName(local.strings, localName, length, target.strings, memberName(target, targetId, j)))
        continue;
      note(state, FACT_MEMBER, targetId, j);
      const localType = memberType(local, localId, i);
      const outcome = matches(state, localType, memberType(target, targetId, j), false, level - 1);
      if (outcome < 0) return outcome;
      found = outcome === MATCH;
    }
    if (!found) return NO_MATCH;
  }
  return MATCH;
}
