import {
  ENUMERATOR_NAME_WORD,
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  MEMBER_NAME_WORD,
  MEMBER_WORDS,
} from "../btf/format.ts";
import {
  arrayElement,
  arrayLength,
  enumeratorAt,
  intOffset,
  memberAt,
  memberBitOffset,
  memberType,
} from "../btf/members.ts";
import { resolveSize, SIZE_TOO_BIG, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalEssentialNames, equalStrings, essentialLength, hasEssentialName } from "../btf/strings.ts";
import { isComposite, isEnum, kindOf, nameOffsetOf, vlenOf } from "../btf/view.ts";
import { FACT_ENUMERATOR, FACT_MEMBER, FACT_NAME, FACT_NOT_LAST, FACT_TYPE } from "./evidence.ts";
import { ERROR_INVALID, ERROR_TOO_LONG, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";
import { type Accessor, bitsOf, isFlexibleArray, NO_NAME, SPEC_MAX_LENGTH, type Spec } from "./spec.ts";

/** Bytes of the largest element that libbpf can step over. */
const MAX_SIZE = 0x7fffffff;

/** A target's access path while it is being found. */
interface Path {
  readonly rootId: number;
  readonly raw: number[];
  readonly accessors: Accessor[];
  bitOffset: number;
}

/** How far a local path could be followed in a target type, and where it ended. */
export interface FieldMatch {
  readonly outcome: number;
  /** The path in the target; complete when the outcome is MATCH. */
  readonly spec: Spec;
  /** The local accessor (index into `local.accessors`) at which the search stopped. */
  readonly step: number;
  /** The target type the last step was looked for in. */
  readonly typeId: number;
}

/**
 * Follows a local field path in one target type (libbpf relo_core.c, bpf_core_spec_match). Steps are matched by
 * member name and array index; anonymous structs and unions of the target are searched depth first.
 */
export function matchField(state: MatchState, localSpec: Spec, rootId: number): FieldMatch {
  const { target } = state;
  const path: Path = { rootId, raw: [], accessors: [], bitOffset: 0 };
  let typeId = rootId;
  for (let step = 0; step < localSpec.accessors.length; step++) {
    const accessor = localSpec.accessors[step] as Accessor;
    const within = skipModifiersAndTypedefs(target, typeId);
    typeId = within;
    note(state, FACT_TYPE, within, 0);
    let outcome: number;
    if (accessor.nameOffset !== NO_NAME) {
      const found = { typeId: 0 };
      outcome = matchMember(state, accessor, within, path, found);
      typeId = found.typeId;
    } else {
      if (step > 0) {
        outcome = enterArray(state, accessor, within, path);
        if (outcome !== MATCH) return { outcome, spec: path, step, typeId: within };
        typeId = skipModifiersAndTypedefs(target, arrayElement(target, within));
      }
      outcome = addIndex(state, accessor.index, typeId, path);
    }
    if (outcome !== MATCH) return { outcome, spec: path, step, typeId: within };
  }
  return { outcome: MATCH, spec: path, step: localSpec.accessors.length, typeId };
}

function enterArray(state: MatchState, local: Accessor, arrayId: number, path: Path): number {
  const { target } = state;
  if (kindOf(target, arrayId) !== KIND_ARRAY) return NO_MATCH;
  const before = path.accessors[path.accessors.length - 1] as Accessor;
  if (arrayLength(target, arrayId) > 0) return local.index < arrayLength(target, arrayId) ? MATCH : NO_MATCH;
  if (isFlexibleArray(target, before, arrayId)) return MATCH;
  if (before.nameOffset !== NO_NAME) note(state, FACT_NOT_LAST, before.typeId, before.index);
  return NO_MATCH;
}

function addIndex(state: MatchState, index: number, elementId: number, path: Path): number {
  if (path.raw.length === SPEC_MAX_LENGTH) return ERROR_TOO_LONG;
  path.accessors.push({ typeId: elementId, index, nameOffset: NO_NAME });
  path.raw.push(index);
  const size = resolveSize(state.target, elementId);
  note(state, FACT_TYPE, elementId, 0);
  if (size === SIZE_TOO_BIG) return ERROR_TOO_LONG;
  // libbpf keeps the size in an int, and takes a negative one for an error.
  if (size < 0 || size > MAX_SIZE) return ERROR_INVALID;
  path.bitOffset = (path.bitOffset + bitsOf(index, size)) >>> 0;
  return MATCH;
}

/**
 * Looks for the local member in a struct or union and the anonymous ones inside it (libbpf: bpf_core_match_member).
 * A member of the right name and an incompatible type ends the search of its level. When that happens inside an
 * anonymous member, libbpf goes on behind it but has already added the inner offset and path element and takes away
 * only the outer ones; results must equal its, so the same happens here, and such members are facts to keep.
 */
function matchMember(
  state: MatchState,
  local: Accessor,
  withinId: number,
  path: Path,
  found: { typeId: number },
): number {
  const { target, evidence } = state;
  const compositeId = skipModifiersAndTypedefs(target, withinId);
  if (!isComposite(kindOf(target, compositeId))) return NO_MATCH;
  const { words, strings } = target;
  const localStrings = state.local.strings;
  const initial = localStrings[local.nameOffset];
  const count = vlenOf(target, compositeId);
  spend(state, compositeId, count);
  const first = memberAt(target, compositeId, 0);
  for (let i = 0; i < count; i++) {
    if (path.raw.length === SPEC_MAX_LENGTH) {
      note(state, FACT_MEMBER, compositeId, i);
      return ERROR_TOO_LONG;
    }
    // Of a hundred members one is wanted: the others go by their first letter (measured: a third of all time here).
    const nameOffset = words[first + i * MEMBER_WORDS + MEMBER_NAME_WORD] as number;
    const letter = strings[nameOffset] as number;
    if (letter !== 0) {
      if (letter !== initial || !equalStrings(localStrings, local.nameOffset, strings, nameOffset)) continue;
      path.bitOffset = (path.bitOffset + memberBitOffset(target, compositeId, i)) >>> 0;
      path.raw.push(i);
      note(state, FACT_TYPE, compositeId, 0);
      note(state, FACT_MEMBER, compositeId, i);
      found.typeId = memberType(target, compositeId, i);
      const outcome = fieldsCompatible(state, memberType(state.local, local.typeId, local.index), found.typeId);
      if (outcome === MATCH) path.accessors.push({ typeId: compositeId, index: i, nameOffset });
      return outcome;
    }
    const bitOffset = memberBitOffset(target, compositeId, i);
    path.bitOffset = (path.bitOffset + bitOffset) >>> 0;
    path.raw.push(i);
    const facts = evidence === null ? 0 : evidence.length;
    note(state, FACT_TYPE, compositeId, 0);
    note(state, FACT_MEMBER, compositeId, i);
    const before = evidence === null ? 0 : evidence.length;
    const outcome = matchMember(state, local, memberType(target, compositeId, i), path, found);
    if (outcome !== NO_MATCH) return outcome;
    // Nothing of that name inside: the anonymous member itself is no fact either.
    if (evidence !== null && evidence.length === before) evidence.length = facts;
    path.bitOffset = (path.bitOffset - bitOffset) >>> 0;
    path.raw.pop();
  }
  return NO_MATCH;
}

/** Whether a field of one type may be read as one of the other (libbpf: bpf_core_fields_are_compat). */
function fieldsCompatible(state: MatchState, localTypeId: number, targetTypeId: number): number {
  const { local, target } = state;
  let localId = localTypeId;
  let targetId = targetTypeId;
  for (;;) {
    spend(state, targetId);
    localId = skipModifiersAndTypedefs(local, localId);
    targetId = skipModifiersAndTypedefs(target, targetId);
    note(state, FACT_TYPE, targetId, 0);
    const localKind = kindOf(local, localId);
    const targetKind = kindOf(target, targetId);
    if (isComposite(localKind) && isComposite(targetKind)) return MATCH;
    if (!sameKind(localKind, targetKind)) return NO_MATCH;
    switch (localKind) {
      case KIND_PTR:
      case KIND_FLOAT:
        return MATCH;
      case KIND_FWD:
      case KIND_ENUM:
      case KIND_ENUM64:
        return namesAgree(state, localId, targetId);
      case KIND_INT:
        return intOffset(local, localId) === 0 && intOffset(target, targetId) === 0 ? MATCH : NO_MATCH;
      case KIND_ARRAY:
        localId = arrayElement(local, localId);
        targetId = arrayElement(target, targetId);
        break;
      default:
        return NO_MATCH;
    }
  }
}

/** One of two enums (or forward declarations) is anonymous, or their names are the same without flavours. */
function namesAgree(state: MatchState, localId: number, targetId: number): number {
  const { local, target } = state;
  const localName = nameOffsetOf(local, localId);
  const targetName = nameOffsetOf(target, targetId);
  if (essentialLength(local.strings, localName) === 0 || essentialLength(target.strings, targetName) === 0) {
    return MATCH;
  }
  if (equalEssentialNames(local.strings, localName, target.strings, targetName)) return MATCH;
  // Without its name the target's would match any: the name is what the answer rests on.
  note(state, FACT_NAME, targetId, 0);
  return NO_MATCH;
}

/** The same kind, where ENUM and ENUM64 are one (libbpf: btf_kind_core_compat). */
export function sameKind(a: number, b: number): boolean {
  return a === b || (isEnum(a) && isEnum(b));
}

/** Looks for the local enumerator, flavours aside, in one target type (libbpf: bpf_core_spec_match). */
export function matchEnumerator(state: MatchState, localSpec: Spec, rootId: number): FieldMatch {
  const { local, target } = state;
  const wanted = localSpec.accessors[0] as Accessor;
  const typeId = skipModifiersAndTypedefs(target, rootId);
  const noMatch: FieldMatch = {
    outcome: NO_MATCH,
    spec: { rootId, raw: [], accessors: [], bitOffset: 0 },
    step: 0,
    typeId,
  };
  note(state, FACT_TYPE, typeId, 0);
  if (!isEnum(kindOf(target, typeId))) return noMatch;
  const count = vlenOf(target, typeId);
  spend(state, typeId, count);
  const length = essentialLength(local.strings, wanted.nameOffset);
  const initial = local.strings[wanted.nameOffset];
  const first = enumeratorAt(target, typeId, 0);
  const perEnumerator = enumeratorAt(target, typeId, 1) - first;
  for (let index = 0; index < count; index++) {
    const nameOffset = target.words[first + index * perEnumerator + ENUMERATOR_NAME_WORD] as number;
    if (length !== 0 && target.strings[nameOffset] !== initial) continue;
    if (!hasEssentialName(local.strings, wanted.nameOffset, length, target.strings, nameOffset)) continue;
    note(state, FACT_ENUMERATOR, typeId, index);
    const accessors = [{ typeId, index, nameOffset }];
    return { outcome: MATCH, spec: { rootId, raw: [index], accessors, bitOffset: 0 }, step: 1, typeId };
  }
  return noMatch;
}
