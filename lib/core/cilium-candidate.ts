import { KIND_FWD } from "../btf/format.ts";
import { enumeratorName } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { stringAt } from "../btf/strings.ts";
import { type BtfSegment, isEnum, kindOf, vlenOf } from "../btf/view.ts";
import { followCiliumPath } from "./cilium-field.ts";
import { ciliumEnumValue } from "./cilium-layout.ts";
import { ciliumCompatible, ciliumMatches, equalCiliumNames } from "./cilium-type.ts";
import { type CiliumValue, fieldValue, plainValue, sizeValue } from "./cilium-value.ts";
import { FACT_ENUMERATOR, FACT_TYPE } from "./evidence.ts";
import { ERROR_INVALID, MATCH, type MatchState, NO_MATCH, note, spend } from "./match-state.ts";
import { RELO_ENUMVAL_EXISTS, RELO_TYPE_ID_TARGET, RELO_TYPE_MATCHES, RELO_TYPE_SIZE, reloClass } from "./relo-kind.ts";
import type { Accessor, Spec } from "./spec.ts";
import type { ReloValue } from "./value.ts";

/** What one candidate answers to one relocation by cilium/ebpf's rules, and why. */
export interface CiliumAnswer {
  readonly outcome: number;
  readonly value: ReloValue | null;
  readonly spec: Spec;
  readonly step: number;
  /** The target type at which it ended. */
  readonly typeId: number;
  /** Why there is no match, said of that type; empty for a match. */
  readonly why: string;
}

/** Asks one candidate (cilium/ebpf btf/core.go, coreCalculateFixup). */
export function askCandidate(
  state: MatchState,
  kind: number,
  localSpec: Spec,
  id: number,
  littleEndian: boolean,
): CiliumAnswer {
  switch (reloClass(kind)) {
    case "field":
      return askForField(state, kind, localSpec, id, littleEndian);
    case "enumval":
      return askForEnumerator(state, kind, localSpec, id);
    default:
      return askForType(state, kind, localSpec, id);
  }
}

const emptySpec = (rootId: number): Spec => ({ rootId, raw: [], accessors: [], bitOffset: 0 });

/** An answer without a match: no such thing, or an error. */
function without(outcome: number, typeId: number, why: string, spec: Spec, step = 0): CiliumAnswer {
  return { outcome, value: null, spec, step, typeId, why };
}

function matched(value: CiliumValue, typeId: number, spec: Spec, step: number): CiliumAnswer {
  if ("why" in value) return without(ERROR_INVALID, typeId, value.why, spec, step);
  return { outcome: MATCH, value, spec, step, typeId, why: "" };
}

function askForType(state: MatchState, kind: number, localSpec: Spec, id: number): CiliumAnswer {
  const { local, target } = state;
  const compare = kind === RELO_TYPE_MATCHES ? ciliumMatches : ciliumCompatible;
  const spec = emptySpec(id);
  note(state, FACT_TYPE, id, 0);
  const { outcome, why, typeId } = compare(state, localSpec.rootId, id);
  if (outcome !== MATCH) return without(outcome, typeId, why, spec);
  if (kind === RELO_TYPE_SIZE) return matched(sizeValue(local, localSpec.rootId, target, id), id, spec, 0);
  if (kind !== RELO_TYPE_ID_TARGET) return matched(plainValue(1, 1), id, spec, 0);
  // Only ids of the base can be put into an instruction.
  const isInBase = id < (target.segments[0] as BtfSegment).endId;
  if (!isInBase)
    return without(NO_MATCH, id, "is a module's, and only the kernel's own types have an id to ask for", spec);
  return matched(plainValue(localSpec.rootId, id), id, spec, 0);
}

function askForField(
  state: MatchState,
  kind: number,
  localSpec: Spec,
  id: number,
  littleEndian: boolean,
): CiliumAnswer {
  const { local, target } = state;
  const typeId = skipModifiersAndTypedefs(target, id);
  note(state, FACT_TYPE, typeId, 0);
  if (kindOf(target, typeId) === KIND_FWD) return without(NO_MATCH, typeId, "is only declared", emptySpec(id));
  const path = followCiliumPath(state, localSpec, id);
  if (path.outcome !== MATCH) return without(path.outcome, path.typeId, path.why, path.spec, path.step);
  return matched(fieldValue(kind, local, target, path, littleEndian), path.target.typeId, path.spec, path.step);
}

/** The first enumerator of the local one's name, flavours aside (btf/core.go, coreFindEnumValue). */
function askForEnumerator(state: MatchState, kind: number, localSpec: Spec, id: number): CiliumAnswer {
  const { local, target } = state;
  const wanted = localSpec.accessors[0] as Accessor;
  const typeId = skipModifiersAndTypedefs(target, id);
  note(state, FACT_TYPE, typeId, 0);
  if (!isEnum(kindOf(target, typeId))) return without(NO_MATCH, typeId, "is no enum", emptySpec(id));
  const count = vlenOf(target, typeId);
  spend(state, typeId, count);
  for (let index = 0; index < count; index++) {
    const nameOffset = enumeratorName(target, typeId, index);
    if (!equalCiliumNames(local.strings, wanted.nameOffset, target.strings, nameOffset)) continue;
    note(state, FACT_ENUMERATOR, typeId, index);
    const spec: Spec = { rootId: id, raw: [index], accessors: [{ typeId, index, nameOffset }], bitOffset: 0 };
    if (kind === RELO_ENUMVAL_EXISTS) return matched(plainValue(1, 1), typeId, spec, 1);
    const from = ciliumEnumValue(local, wanted.typeId, wanted.index);
    return matched(plainValue(from, ciliumEnumValue(target, typeId, index)), typeId, spec, 1);
  }
  return without(NO_MATCH, typeId, `has no ${stringAt(local.strings, wanted.nameOffset)}`, emptySpec(id));
}
