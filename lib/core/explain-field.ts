import { KIND_ARRAY, KIND_INT } from "../btf/format.ts";
import { arrayLength, enumeratorName, intOffset, memberName, memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { equalStrings, nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, vlenOf } from "../btf/view.ts";
import { ERROR_TOO_LONG, NO_MATCH } from "./match-state.ts";
import { nearest } from "./nearest.ts";
import { kindWords, pathText, typeText } from "./path-text.ts";
import type { CandidateOutcome } from "./resolve.ts";
import { type Accessor, accessorName, NO_NAME, SPEC_MAX_LENGTH, type Spec } from "./spec.ts";

/** Most names that are compared with a missing one. */
const MAX_NAMES = 100_000;
/** A name that shares fewer letters at its start is no help. */
const MIN_COMMON_PREFIX = 4;

/** What is said of names that come near one that is not there. */
export type Hint = (name: string, names: Iterable<string>) => string;

/** Why a candidate has no field at the local path, or why no value comes of it, in words without the candidate's id. */
export function explainField(local: Btf, spec: Spec, target: Btf, candidate: CandidateOutcome, hint: Hint): string {
  const step = spec.accessors[candidate.step];
  if (step === undefined) return explainValue(candidate.outcome);
  const { typeId } = candidate;
  const where = placeText(target, candidate);
  if (candidate.outcome === ERROR_TOO_LONG) {
    return `the path to it has more than ${SPEC_MAX_LENGTH} elements, or leads beyond 4 GiB`;
  }
  if (step.nameOffset === NO_NAME) {
    if (candidate.outcome !== NO_MATCH) return `${where} has no size`;
    return explainIndex(target, typeId, where, step.index);
  }
  const name = accessorName(local, step);
  if (!isComposite(kindOf(target, typeId))) {
    return `${where} is ${kindWords(kindOf(target, typeId))} there and has no member ${name}`;
  }
  const found = findMember(target, typeId, local.strings, step.nameOffset, new Set());
  if (found !== -1) return explainMismatch(local, step, target, found, name);
  return `${where} has no member ${name}${hint(name, memberNames(target, typeId))}`;
}

/** Why a candidate lacks an enumerator. */
export function explainEnumerator(
  local: Btf,
  spec: Spec,
  target: Btf,
  candidate: CandidateOutcome,
  hint: Hint,
): string {
  const [step] = spec.accessors;
  const { typeId } = candidate;
  if (step === undefined) return explainValue(candidate.outcome);
  const type = typeText(target, candidate.id);
  if (!isEnum(kindOf(target, typeId))) return `${type} is ${kindWords(kindOf(target, typeId))} there`;
  const name = accessorName(local, step);
  return `${type} has no ${name}${hint(name, enumeratorNames(target, typeId))}`;
}

/** A kernel renames `state` to `__state` when it wants all users to look again. */
function bare(name: string): string {
  return name.replace(/^_+|_+$/g, "");
}

/** `; nearest: skc_family`, or nothing when no name is near. */
export function nearHint(name: string, names: Iterable<string>): string {
  const known = [...names];
  const near = known.find((other) => bare(other) === bare(name)) ?? nearest(name, known) ?? longestPrefix(name, known);
  return near === undefined ? "" : `; nearest: ${near}`;
}

function longestPrefix(name: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestLength = MIN_COMMON_PREFIX - 1;
  for (const other of names) {
    let length = 0;
    while (length < name.length && name[length] === other[length]) length++;
    if (length <= bestLength) continue;
    best = other;
    bestLength = length;
  }
  return best;
}

/** The path was found, the number to put into the instruction was not. */
function explainValue(outcome: number): string {
  if (outcome === ERROR_TOO_LONG) return "the bitfield does not fit into 8 bytes";
  return `the field is there, but what is asked of it cannot be told (error ${outcome})`;
}

/** The type a step was looked for in: by its name, else by the path that led there. */
function placeText(target: Btf, candidate: CandidateOutcome): string {
  return nameOf(target, candidate.typeId) || pathText(target, candidate.spec);
}

function explainIndex(target: Btf, typeId: number, where: string, index: number): string {
  const kind = kindOf(target, typeId);
  if (kind !== KIND_ARRAY) return `${where} is ${kindWords(kind)} there, an array here`;
  const length = arrayLength(target, typeId);
  if (length === 0) return `array ${where} has no elements and is not the last member, index ${index}`;
  return `array ${where} has ${length} element${length === 1 ? "" : "s"}, index ${index}`;
}

/**
 * Type id of the member of that name, in the struct itself or its anonymous members; -1 when there is none.
 * `seen` keeps corrupt types that hold each other from being searched more than once.
 */
function findMember(target: Btf, id: number, strings: Uint8Array, nameOffset: number, seen: Set<number>): number {
  const composite = skipModifiersAndTypedefs(target, id);
  if (seen.has(composite) || !isComposite(kindOf(target, composite))) return -1;
  seen.add(composite);
  for (let i = 0; i < vlenOf(target, composite); i++) {
    const offset = memberName(target, composite, i);
    const type = memberType(target, composite, i);
    if (target.strings[offset] !== 0) {
      if (equalStrings(strings, nameOffset, target.strings, offset)) return type;
      continue;
    }
    const inner = findMember(target, type, strings, nameOffset, seen);
    if (inner !== -1) return inner;
  }
  return -1;
}

function explainMismatch(local: Btf, step: Accessor, target: Btf, targetType: number, name: string): string {
  const localType = memberType(local, step.typeId, step.index);
  const there = describeType(target, targetType);
  const here = describeType(local, localType);
  if (there !== here) return `member ${name} is ${there} there, ${here} here`;
  return `member ${name} is ${there} there and here, but of another make`;
}

/** `an integer (u32)`; with the odd old INT that has a bit offset of its own named as such. */
function describeType(btf: Btf, id: number): string {
  const plain = skipModifiersAndTypedefs(btf, id);
  const words = kindWords(kindOf(btf, plain));
  const odd = kindOf(btf, plain) === KIND_INT && intOffset(btf, plain) !== 0 ? " with a bit offset of its own" : "";
  return `${words}${odd} (${typeText(btf, id)})`;
}

/** Names of a struct's members, those of anonymous members among them. */
export function memberNames(btf: Btf, id: number): string[] {
  const names: string[] = [];
  collectMembers(btf, id, names, new Set());
  return names;
}

function collectMembers(btf: Btf, id: number, names: string[], seen: Set<number>): void {
  const composite = skipModifiersAndTypedefs(btf, id);
  if (seen.has(composite) || !isComposite(kindOf(btf, composite))) return;
  seen.add(composite);
  for (let i = 0; i < vlenOf(btf, composite) && names.length < MAX_NAMES; i++) {
    const name = stringAt(btf.strings, memberName(btf, composite, i));
    if (name !== "") names.push(name);
    else collectMembers(btf, memberType(btf, composite, i), names, seen);
  }
}

/** Names of an enum's values. */
export function enumeratorNames(btf: Btf, id: number): string[] {
  const count = Math.min(vlenOf(btf, id), MAX_NAMES);
  return Array.from({ length: count }, (_, i) => stringAt(btf.strings, enumeratorName(btf, id, i)));
}
