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
  arrayIndex,
  arrayLength,
  enumeratorName,
  intEncoding,
  memberName,
  memberType,
  paramType,
} from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalStrings, flavourlessLength, stringAt } from "../btf/strings.ts";
import { type Btf, kindFlagOf, kindOf, nameOffsetOf, sizeOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { FACT_COUNT, FACT_ENUMERATOR, FACT_FEWER, FACT_MEMBER, FACT_NAME, FACT_TARGET, FACT_TYPE } from "./evidence.ts";
import { ERROR_INVALID, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";

/** What came of comparing two types by cilium/ebpf's rules, and where it ended. */
export interface CiliumVerdict {
  readonly outcome: number;
  /** Why it is no match, said of the target's type `typeId`; empty for a match. */
  readonly why: string;
  readonly typeId: number;
}

/** What is still to be compared, last first: local id and target id, or a reason why it ends here (of a type). */
type Task = readonly [localId: number, targetId: number] | CiliumVerdict;

const MATCHED: CiliumVerdict = { outcome: MATCH, why: "", typeId: 0 };
const mismatch = (typeId: number, why: string): CiliumVerdict => ({ outcome: NO_MATCH, why, typeId });
const failure = (typeId: number, why: string): CiliumVerdict => ({ outcome: ERROR_INVALID, why, typeId });

/** Kinds as cilium/ebpf tells them apart: ENUM and ENUM64 are one. */
export function ciliumKind(btf: Btf, id: number): number {
  const kind = kindOf(btf, id);
  return kind === KIND_ENUM64 ? KIND_ENUM : kind;
}

/** Compares one pair of types whose kinds are equal; adds what else there is to compare, in the order it is done. */
type Compare = (state: MatchState, localId: number, targetId: number, more: Task[]) => CiliumVerdict;

/**
 * Whether two types are of one make (cilium/ebpf btf/core.go, coreAreTypesCompatible; for type_exists, type_size and
 * target_type_id). Kinds are equal all the way down, array indexes and void included; a pair that is being compared
 * already counts as equal, so there is no bound in depth. A float, function or variable is an error.
 */
export function ciliumCompatible(state: MatchState, localRoot: number, targetRoot: number): CiliumVerdict {
  return compareAll(state, localRoot, targetRoot, false, compareMake);
}

/**
 * Whether the target has everything that the local type has, by structure (btf/core.go, coreTypesMatch; for
 * type_matches): names are compared at every level, those of integers too, and structs behind pointers member by
 * member, to any depth.
 */
export function ciliumMatches(state: MatchState, localRoot: number, targetRoot: number): CiliumVerdict {
  return compareAll(state, localRoot, targetRoot, true, compareContents);
}

function compareAll(
  state: MatchState,
  localRoot: number,
  targetRoot: number,
  withNames: boolean,
  compare: Compare,
): CiliumVerdict {
  const { local, target } = state;
  const stride = typeCount(target);
  const visited = new Set<number>();
  const tasks: Task[] = [[localRoot, targetRoot]];
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
    if (!isPair(task)) return task;
    const localId = skipModifiersAndTypedefs(local, task[0]);
    const targetId = skipModifiersAndTypedefs(target, task[1]);
    spend(state, targetId);
    note(state, FACT_TYPE, targetId, 0);
    if (withNames && !typeNamesAgree(state, localId, targetId)) return mismatch(targetId, "has another name");
    if (ciliumKind(local, localId) !== ciliumKind(target, targetId)) return mismatch(targetId, "is of another kind");
    const pair = localId * stride + targetId;
    if (visited.has(pair)) continue;
    visited.add(pair);
    const more: Task[] = [];
    const verdict = compare(state, localId, targetId, more);
    if (verdict.outcome !== MATCH) return verdict;
    while (more.length > 0) tasks.push(more.pop() as Task);
  }
  return MATCHED;
}

function isPair(task: Task): task is readonly [number, number] {
  return Array.isArray(task);
}

function compareMake(state: MatchState, localId: number, targetId: number, more: Task[]): CiliumVerdict {
  const { local, target } = state;
  switch (ciliumKind(local, localId)) {
    case KIND_VOID:
    case KIND_STRUCT:
    case KIND_UNION:
    case KIND_ENUM:
    case KIND_FWD:
    case KIND_INT:
      return MATCHED;
    case KIND_PTR:
      note(state, FACT_TARGET, targetId, 0);
      more.push([targetOf(local, localId), targetOf(target, targetId)]);
      return MATCHED;
    case KIND_ARRAY:
      more.push([arrayIndex(local, localId), arrayIndex(target, targetId)]);
      more.push([arrayElement(local, localId), arrayElement(target, targetId)]);
      return MATCHED;
    case KIND_FUNC_PROTO:
      note(state, FACT_TARGET, targetId, 0);
      more.push([targetOf(local, localId), targetOf(target, targetId)]);
      if (vlenOf(local, localId) !== vlenOf(target, targetId)) {
        more.push(mismatch(targetId, "takes another number of parameters"));
      } else pushParameters(state, localId, targetId, more);
      return MATCHED;
    default:
      return failure(targetId, "is of a kind that the loader compares with nothing");
  }
}

function compareContents(state: MatchState, localId: number, targetId: number, more: Task[]): CiliumVerdict {
  const { local, target } = state;
  switch (ciliumKind(local, localId)) {
    case KIND_VOID:
      return MATCHED;
    case KIND_FWD:
      return kindFlagOf(local, localId) === kindFlagOf(target, targetId)
        ? MATCHED
        : mismatch(targetId, "declares a struct where a union is meant, or the other way round");
    case KIND_ENUM:
      return compareEnumerators(state, localId, targetId);
    case KIND_STRUCT:
    case KIND_UNION:
      return compareMembers(state, localId, targetId, more);
    case KIND_INT: {
      // SIGNED alone is signed; a signed char or bool is not.
      const sameSign = (intEncoding(local, localId) === INT_SIGNED) === (intEncoding(target, targetId) === INT_SIGNED);
      return sameSign && sizeOf(local, localId) === sizeOf(target, targetId)
        ? MATCHED
        : mismatch(targetId, "has another size or sign");
    }
    case KIND_PTR:
      note(state, FACT_TARGET, targetId, 0);
      if (!isDeclarationOfOther(state, localId, targetId)) {
        more.push([targetOf(local, localId), targetOf(target, targetId)]);
      }
      return MATCHED;
    case KIND_ARRAY:
      if (arrayLength(local, localId) !== arrayLength(target, targetId)) {
        return mismatch(targetId, "has another number of elements");
      }
      more.push([arrayElement(local, localId), arrayElement(target, targetId)]);
      return MATCHED;
    case KIND_FUNC_PROTO:
      note(state, FACT_TARGET, targetId, 0);
      if (vlenOf(local, localId) !== vlenOf(target, targetId)) {
        return mismatch(targetId, "takes another number of parameters");
      }
      pushParameters(state, localId, targetId, more);
      more.push([targetOf(local, localId), targetOf(target, targetId)]);
      return MATCHED;
    default:
      return failure(targetId, "is of a kind that the loader compares with nothing");
  }
}

function pushParameters({ local, target }: MatchState, localId: number, targetId: number, more: Task[]): void {
  for (let i = 0; i < vlenOf(local, localId); i++) {
    more.push([paramType(local, localId, i), paramType(target, targetId, i)]);
  }
}

/** Behind pointers a declaration stands for any struct (or union), whatever its name. */
function isDeclarationOfOther(state: MatchState, localPtr: number, targetPtr: number): boolean {
  const { local, target } = state;
  const localId = skipModifiersAndTypedefs(local, targetOf(local, localPtr));
  const targetId = skipModifiersAndTypedefs(target, targetOf(target, targetPtr));
  note(state, FACT_TYPE, targetId, 0);
  return declares(local, localId, kindOf(target, targetId)) || declares(target, targetId, kindOf(local, localId));
}

function declares(btf: Btf, id: number, kind: number): boolean {
  return kindOf(btf, id) === KIND_FWD && kind === (kindFlagOf(btf, id) === 1 ? KIND_UNION : KIND_STRUCT);
}

/** Every local member has one of exactly its name; of several of one name (the nameless ones) the last counts. */
function compareMembers(state: MatchState, localId: number, targetId: number, more: Task[]): CiliumVerdict {
  const { local, target } = state;
  const localCount = vlenOf(local, localId);
  const targetCount = vlenOf(target, targetId);
  if (localCount > targetCount) {
    note(state, FACT_FEWER, targetId, localCount);
    return mismatch(targetId, "has fewer members");
  }
  note(state, FACT_COUNT, targetId, localCount);
  for (let i = 0; i < localCount; i++) {
    const name = memberName(local, localId, i);
    const found = lastMember(state, name, targetId);
    if (found === -1) {
      more.push(mismatch(targetId, `has no member ${stringAt(local.strings, name)}`));
      break;
    }
    // Written down at once: whatever is compared first, this member is there on both sides.
    note(state, FACT_MEMBER, targetId, found);
    more.push([memberType(local, localId, i), memberType(target, targetId, found)]);
  }
  return MATCHED;
}

function lastMember(state: MatchState, localName: number, targetId: number): number {
  const { local, target } = state;
  const count = vlenOf(target, targetId);
  spend(state, targetId, count);
  for (let i = count - 1; i >= 0; i--) {
    if (equalStrings(local.strings, localName, target.strings, memberName(target, targetId, i))) return i;
  }
  return -1;
}

/** Every local enumerator has one of its name, flavours aside; sizes are equal, values do not count. */
function compareEnumerators(state: MatchState, localId: number, targetId: number): CiliumVerdict {
  const { local, target } = state;
  const localCount = vlenOf(local, localId);
  const targetCount = vlenOf(target, targetId);
  if (sizeOf(local, localId) !== sizeOf(target, targetId)) return mismatch(targetId, "has another size");
  if (localCount > targetCount) return mismatch(targetId, "has fewer enumerators");
  note(state, FACT_COUNT, targetId, localCount);
  for (let i = 0; i < localCount; i++) {
    const name = enumeratorName(local, localId, i);
    let found = -1;
    for (let j = 0; j < targetCount && found === -1; j++) {
      spend(state, targetId);
      if (ciliumNamesAgree(local.strings, name, target.strings, enumeratorName(target, targetId, j))) found = j;
    }
    if (found === -1) return mismatch(targetId, `has no ${stringAt(local.strings, name)}`);
    note(state, FACT_ENUMERATOR, targetId, found);
  }
  return MATCHED;
}

/** Names as type_matches compares them at every level; types that have none agree with any. */
function typeNamesAgree(state: MatchState, localId: number, targetId: number): boolean {
  const localName = ciliumTypeName(state.local, localId);
  const targetName = ciliumTypeName(state.target, targetId);
  const agree = ciliumNamesAgree(state.local.strings, localName, state.target.strings, targetName);
  // Without its name the target's would agree with any; and one integer may not pass for another of its size.
  if (!agree || kindOf(state.target, targetId) === KIND_INT) note(state, FACT_NAME, targetId, 0);
  return agree;
}

const NAMELESS: ReadonlySet<number> = new Set([KIND_VOID, KIND_PTR, KIND_ARRAY, KIND_FUNC_PROTO]);

function ciliumTypeName(btf: Btf, id: number): number {
  return NAMELESS.has(kindOf(btf, id)) ? 0 : nameOffsetOf(btf, id);
}

/** One of two names is empty, or they are the same without flavours (btf/core.go, coreEssentialNamesMatch). */
export function ciliumNamesAgree(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  if (a[atA] === 0 || b[atB] === 0) return true;
  if (a[atA] !== b[atB]) return false;
  return equalCiliumNames(a, atA, b, atB);
}

/** The same name without flavours. */
export function equalCiliumNames(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  const length = flavourlessLength(a, atA);
  if (flavourlessLength(b, atB) !== length) return false;
  for (let i = 0; i < length; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}
