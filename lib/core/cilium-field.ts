import { KIND_ARRAY, KIND_ENUM, KIND_FLOAT, KIND_FWD, KIND_INT, KIND_PTR } from "../btf/format.ts";
import { arrayElement, arrayLength, memberName, memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, kindOf, nameOffsetOf, vlenOf } from "../btf/view.ts";
import { ciliumAlignment, ciliumSize, memberExtent, NO_SIZE } from "./cilium-layout.ts";
import { type FoundMember, findCiliumMember } from "./cilium-member.ts";
import { ciliumKind, ciliumNamesAgree } from "./cilium-type.ts";
import { FACT_NAME, FACT_NOT_LAST, FACT_TYPE } from "./evidence.ts";
import { ERROR_INVALID, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";
import { type Accessor, NO_NAME, type Spec } from "./spec.ts";

/** A field on one side while it is looked for, and when it is found. */
export interface CiliumField {
  typeId: number;
  /** Bytes from the start of the root, in 32 bits. */
  offset: number;
  /** Bits from there to a bitfield. */
  bitfieldOffset: number;
  /** 0 for a field that is no bitfield. */
  bitfieldSize: number;
}

/** How far a local path could be followed in a candidate, and what is there. */
export interface CiliumPath {
  readonly outcome: number;
  /** Why there is no match, said of the target's type `typeId`; empty for a match. */
  readonly why: string;
  readonly typeId: number;
  readonly spec: Spec;
  /** Steps of the local path that were found. */
  readonly step: number;
  readonly local: CiliumField;
  readonly target: CiliumField;
}

/** The search for one path in one candidate. */
interface Walk {
  readonly state: MatchState;
  readonly local: CiliumField;
  readonly target: CiliumField;
  readonly raw: number[];
  readonly accessors: Accessor[];
  /** Whether an array without elements may be a flexible one: it is the type of its struct's last member. */
  localMaybeFlexible: boolean;
  targetMaybeFlexible: boolean;
  /** The member the target's path has come to; null at an array's element. */
  member: FoundMember | null;
  /** Where and why the search ended; `why` is empty as long as it goes on. */
  outcome: number;
  why: string;
  typeId: number;
}

const start = (typeId: number): CiliumField => ({ typeId, offset: 0, bitfieldOffset: 0, bitfieldSize: 0 });

/**
 * Follows a local field path in one candidate (cilium/ebpf btf/core.go, coreFindField). Roots must be compatible as
 * members are; anonymous members of the local path are passed over; array elements must exist or the array be flexible.
 */
export function followCiliumPath(state: MatchState, localSpec: Spec, rootId: number): CiliumPath {
  const walk: Walk = {
    state,
    local: start(localSpec.rootId),
    target: start(rootId),
    raw: [],
    accessors: [],
    localMaybeFlexible: false,
    targetMaybeFlexible: false,
    member: null,
    outcome: MATCH,
    why: "",
    typeId: rootId,
  };
  const [first = 0, ...indexes] = localSpec.raw;
  if (compareMembers(walk)) addElements(walk, first);
  if (walk.outcome === MATCH) pushIndex(walk, first);
  for (const [i, index] of indexes.entries()) {
    if (walk.outcome !== MATCH) break;
    takeStep(walk, index, i === indexes.length - 1);
  }
  const { raw, accessors, target, local, outcome, why, typeId } = walk;
  const bitOffset = (target.offset * 8 + target.bitfieldOffset) >>> 0;
  const step = outcome === MATCH ? localSpec.accessors.length : accessors.length;
  return { outcome, why, typeId, spec: { rootId, raw, accessors, bitOffset }, step, local, target };
}

function end(walk: Walk, outcome: number, typeId: number, why: string): false {
  Object.assign(walk, { outcome, typeId, why });
  return false;
}

function takeStep(walk: Walk, index: number, isLastStep: boolean): void {
  const { local } = walk.state;
  const localId = skipModifiersAndTypedefs(local, walk.local.typeId);
  const kind = kindOf(local, localId);
  if (isComposite(kind)) enterMember(walk, localId, index, isLastStep);
  else if (kind === KIND_ARRAY) enterElement(walk, localId, index);
  else end(walk, ERROR_INVALID, walk.typeId, "cannot be asked for this: the local path goes into something else");
}

function enterMember(walk: Walk, localId: number, index: number, isLastStep: boolean): void {
  const { state } = walk;
  const { local, target } = state;
  const nameOffset = memberName(local, localId, index);
  const localExtent = memberExtent(local, localId, index);
  const localType = memberType(local, localId, index);
  if (local.strings[nameOffset] === 0) {
    const inner = skipModifiersAndTypedefs(local, localType);
    if (!isComposite(kindOf(local, inner))) {
      end(walk, ERROR_INVALID, walk.typeId, "is asked for a member that has no name");
      return;
    }
    moveTo(walk.local, inner, walk.local.offset + (localExtent.bitOffset >>> 3), 0);
    walk.localMaybeFlexible = false;
    return;
  }
  const targetId = skipModifiersAndTypedefs(target, walk.target.typeId);
  if (!isComposite(kindOf(target, targetId))) {
    end(walk, NO_MATCH, targetId, "is no struct or union");
    return;
  }
  const found = findCiliumMember(state, nameOffset, targetId);
  if (!("ownerId" in found)) {
    const what = found.outcome === NO_MATCH ? `has no member ${stringAt(local.strings, nameOffset)}` : found.why;
    end(walk, found.outcome, targetId, what);
    return;
  }
  const targetType = memberType(target, found.ownerId, found.index);
  moveTo(walk.local, localType, walk.local.offset, localExtent.bitfieldSize);
  walk.localMaybeFlexible = index === vlenOf(local, localId) - 1;
  moveTo(walk.target, targetType, walk.target.offset, found.bitfieldSize);
  walk.targetMaybeFlexible = found.isLast;
  walk.member = found;
  note(state, FACT_TYPE, targetType, 0);
  if (localExtent.bitfieldSize === 0 && found.bitfieldSize === 0) {
    walk.local.offset = (walk.local.offset + (localExtent.bitOffset >>> 3)) >>> 0;
    walk.target.offset = (walk.target.offset + (found.bitOffset >>> 3)) >>> 0;
  } else if (!isLastStep) {
    end(walk, ERROR_INVALID, targetType, "is a bitfield, here or there, which cannot be gone into");
    return;
  } else if (!addBits(local, walk.local, localExtent.bitOffset) || !addBits(target, walk.target, found.bitOffset)) {
    end(walk, ERROR_INVALID, targetType, "is a bitfield, here or there, of a type that has no alignment");
    return;
  }
  walk.raw.push(...found.raw);
  if (!compareMembers(walk)) return;
  const name = memberName(target, found.ownerId, found.index);
  walk.accessors.push({ typeId: found.ownerId, index: found.index, nameOffset: name });
}

function enterElement(walk: Walk, localId: number, index: number): void {
  const { state } = walk;
  const { local, target } = state;
  const targetId = skipModifiersAndTypedefs(target, walk.target.typeId);
  if (kindOf(target, targetId) !== KIND_ARRAY) {
    end(walk, NO_MATCH, targetId, "is no array");
    return;
  }
  const localLength = arrayLength(local, localId);
  const targetLength = arrayLength(target, targetId);
  if (localLength === 0 && !walk.localMaybeFlexible) {
    end(walk, ERROR_INVALID, targetId, "is asked for an element of an array that has none");
    return;
  }
  if (targetLength === 0 && !walk.targetMaybeFlexible) {
    if (walk.member !== null) note(state, FACT_NOT_LAST, walk.member.ownerId, walk.member.index);
    end(walk, ERROR_INVALID, targetId, "has no elements and is not the last member");
    return;
  }
  if (localLength > 0 && index >= localLength) {
    end(walk, ERROR_INVALID, targetId, `is asked for element ${index} of ${localLength}`);
    return;
  }
  if (targetLength > 0 && index >= targetLength) {
    end(walk, NO_MATCH, targetId, `has ${targetLength} elements`);
    return;
  }
  moveTo(walk.local, arrayElement(local, localId), walk.local.offset, 0);
  moveTo(walk.target, arrayElement(target, targetId), walk.target.offset, 0);
  walk.localMaybeFlexible = false;
  walk.targetMaybeFlexible = false;
  walk.member = null;
  if (addElements(walk, index) && compareMembers(walk)) pushIndex(walk, index);
}

function moveTo(field: CiliumField, typeId: number, offset: number, bitfieldSize: number): void {
  Object.assign(field, { typeId, offset: offset >>> 0, bitfieldOffset: 0, bitfieldSize });
}

function pushIndex({ raw, accessors, target, state }: Walk, index: number): void {
  raw.push(index);
  accessors.push({ typeId: skipModifiersAndTypedefs(state.target, target.typeId), index, nameOffset: NO_NAME });
}

/** Steps over a number of elements on both sides; false where one has no size. */
function addElements(walk: Walk, count: number): boolean {
  const { local, target } = walk.state;
  note(walk.state, FACT_TYPE, walk.target.typeId, 0);
  if (addSize(local, walk.local, count) && addSize(target, walk.target, count)) return true;
  return end(walk, ERROR_INVALID, walk.target.typeId, "has no size, here or there");
}

function addSize(btf: Btf, field: CiliumField, count: number): boolean {
  if (count === 0) return true;
  const size = ciliumSize(btf, field.typeId);
  if (size === NO_SIZE) return false;
  field.offset = (field.offset + Math.imul(count, size)) >>> 0;
  return true;
}

/** Goes to a bitfield: to the aligned place before it, and on from there by bits; false for a type without alignment. */
function addBits(btf: Btf, field: CiliumField, bits: number): boolean {
  const alignment = ciliumAlignment(btf, field.typeId);
  if (alignment === NO_SIZE) return false;
  const bytes = Math.floor((bits >>> 3) / alignment) * alignment;
  field.bitfieldOffset = bits - bytes * 8;
  field.offset = (field.offset + bytes) >>> 0;
  return true;
}

/**
 * Whether a field of one type may be read as one of the other (btf/core.go, coreAreMembersCompatible): libbpf's rules,
 * but array elements count only when they are gone into, integers with a bit offset are like others, and a kind that no
 * field has makes the loader give up where both sides have it.
 */
function compareMembers(walk: Walk): boolean {
  const { state } = walk;
  const { local, target } = state;
  const localId = skipModifiersAndTypedefs(local, walk.local.typeId);
  const targetId = skipModifiersAndTypedefs(target, walk.target.typeId);
  spend(state, targetId);
  note(state, FACT_TYPE, targetId, 0);
  const kind = ciliumKind(local, localId);
  if (isComposite(kind) && isComposite(kindOf(target, targetId))) return true;
  if (kind !== ciliumKind(target, targetId)) return end(walk, NO_MATCH, targetId, "is of another kind");
  switch (kind) {
    case KIND_ARRAY:
    case KIND_PTR:
    case KIND_FLOAT:
    case KIND_INT:
      return true;
    case KIND_ENUM:
    case KIND_FWD:
      if (ciliumNamesAgree(local.strings, nameOffsetOf(local, localId), target.strings, nameOffsetOf(target, targetId)))
        return true;
      // Without its name the target's would agree with any.
      note(state, FACT_NAME, targetId, 0);
      return end(walk, NO_MATCH, targetId, "has another name");
    default:
      return end(walk, ERROR_INVALID, targetId, "is of a kind that no field has");
  }
}
