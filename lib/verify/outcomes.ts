import { essentialLength, flavourlessLength } from "../btf/strings.ts";
import { type Btf, isEnum, kindOf, nameOffsetOf } from "../btf/view.ts";
import { MATCH, NO_MATCH } from "../core/match-state.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { CandidateOutcome, ReloRecord } from "../core/resolve.ts";
import type { MatchRules } from "../core/rules.ts";
import { accessorName, NO_NAME } from "../core/spec.ts";
import type { ReloValue } from "../core/value.ts";

/** The key of "no match", the same for every relocation and candidate. */
export const NO_MATCH_KEY = "no match";

/**
 * What one candidate answers to one relocation, as text that is equal exactly when the answers are: whether it
 * matches, by which path, at which offset, with which numbers. A target's type ids are left out: they must change.
 */
export function outcomeKey(record: ReloRecord, candidate: CandidateOutcome, target: Btf): string {
  const { outcome, spec, value } = candidate;
  if (outcome === NO_MATCH) return NO_MATCH_KEY;
  if (outcome !== MATCH || value === null) return `error ${outcome}`;
  let path = "";
  for (const accessor of spec.accessors) {
    path += accessor.nameOffset === NO_NAME ? `[${accessor.index}]` : `.${accessorName(target, accessor)}`;
  }
  const isId = record.relocation.kind === RELO_TYPE_ID_TARGET;
  const place = path === "" ? "" : `${path} at bit ${spec.bitOffset}, `;
  return place + numbers(value, isId);
}

/** What a loader makes of the relocation, as text that is equal exactly when its decisions are. */
export function decisionKey(record: ReloRecord): string {
  const { status, value, relocation, chosen } = record;
  if (value === null) return status;
  return `${status}, ${numbers(value, relocation.kind === RELO_TYPE_ID_TARGET && chosen !== null)}`;
}

function numbers(value: ReloValue, isId: boolean): string {
  const marks = `${value.poison ? " poison" : ""}${value.validate ? "" : " unchecked"}${value.badResize ? " bad size" : ""}`;
  const sized = value.originalSize === value.size ? value.size : `${value.originalSize} -> ${value.size}`;
  const size = value.originalSize + value.size === 0 ? "" : `, ${sized} bytes`;
  return `${value.original} -> ${isId ? "an id" : value.value}${size}${marks}`;
}

/**
 * Kind and essential name of a relocation's root: relocations that agree in it have the same candidates. For cilium's
 * rules candidates are of every kind, so it is the name alone.
 */
export function rootKey(record: ReloRecord, { algorithm, enumsAreOne }: MatchRules): string {
  const btf = record.object.btf;
  if (btf === null) return "";
  const { typeId } = record.relocation;
  const kind = kindOf(btf, typeId);
  const name = nameOffsetOf(btf, typeId);
  const isCilium = algorithm === "cilium";
  const end = name + (isCilium ? flavourlessLength : essentialLength)(btf.strings, name);
  let key = isCilium ? "" : enumsAreOne && isEnum(kind) ? "enum " : `${kind} `;
  for (let at = name; at < end; at++) key += String.fromCharCode(btf.strings[at] as number);
  return key;
}
