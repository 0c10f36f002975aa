/**
 * `btfgen/core`: the CO-RE engine. Read BPF objects, resolve their relocations in dry run, judge and describe what a
 * loader makes of them, and, as a separate step, write the results into instructions.
 */

export { type Assessment, assessObject, type NearWords } from "../lib/core/assess.ts";
export { type AttachKind, type AttachTarget, attachTargets } from "../lib/core/attach-targets.ts";
export { type CandidateIndex, findCandidates, indexCandidates } from "../lib/core/candidates.ts";
export { compareModels, type ModelDifference, passingText, sameModel } from "../lib/core/compare-models.ts";
export {
  type CandidateDescription,
  type DescribedStatus,
  describeRelocations,
  type LocalDescription,
  type Near,
  type ReloDescription,
  type ReloResult,
} from "../lib/core/describe.ts";
export {
  type Evidence,
  FACT_COUNT,
  FACT_ENUMERATOR,
  FACT_MEMBER,
  FACT_NAME,
  FACT_NOT_LAST,
  FACT_NUMBERS,
  FACT_TARGET,
  FACT_TYPE,
} from "../lib/core/evidence.ts";
export {
  type ArgumentModel,
  type FunctionModel,
  type FunctionModelOptions,
  functionModel,
  type ObstacleCode,
  type PassedAs,
  type TrampolineObstacle,
  type ValueModel,
} from "../lib/core/function-model.ts";
export { type LackedTarget, lackedTargets } from "../lib/core/lacked-targets.ts";
export { ERROR_INVALID, ERROR_TOO_LONG, MATCH, NO_MATCH } from "../lib/core/match-state.ts";
export { type BpfObject, type BpfProgram, type CoreRelocation, parseBpfObject } from "../lib/core/object.ts";
export { type PatchFailure, type PatchOutcome, patchInstruction } from "../lib/core/patch.ts";
export { type Place, placeOf, placeText } from "../lib/core/place.ts";
export type { ReachableMemo } from "../lib/core/reachable.ts";
export {
  isExistenceKind,
  RELO_ENUMVAL_EXISTS,
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_BYTE_OFFSET,
  RELO_FIELD_BYTE_SIZE,
  RELO_FIELD_EXISTS,
  RELO_FIELD_LSHIFT_U64,
  RELO_FIELD_RSHIFT_U64,
  RELO_FIELD_SIGNED,
  RELO_KIND_NAMES,
  RELO_TYPE_EXISTS,
  RELO_TYPE_ID_LOCAL,
  RELO_TYPE_ID_TARGET,
  RELO_TYPE_MATCHES,
  RELO_TYPE_SIZE,
  type ReloClass,
  reloClass,
  reloKindName,
} from "../lib/core/relo-kind.ts";
export {
  type CandidateOutcome,
  type ReloRecord,
  type ReloStatus,
  type ResolveOptions,
  resolveObject,
} from "../lib/core/resolve.ts";
export { DEFAULT_RULE_SETS, type RuleSetRecords, resolveSets } from "../lib/core/resolve-sets.ts";
export { CILIUM_RULES, KERNEL_RULES, LIBBPF_RULES, type MatchRules, RULE_SETS } from "../lib/core/rules.ts";
export { type LineLookup, lineLookup, type SourceLine } from "../lib/core/source-line.ts";
export {
  type Accessor,
  accessorName,
  NO_NAME,
  parseSpec,
  SPEC_MAX_LENGTH,
  type Spec,
  type SpecFailure,
} from "../lib/core/spec.ts";
export {
  countStatuses,
  describeChosen,
  type Judged,
  judge,
  STATUSES,
  type StatusCounts,
} from "../lib/core/survey.ts";
export {
  NEWEST_TRAMPOLINE_RULES,
  TRAMPOLINE_RULES,
  type TrampolineRules,
  trampolineRules,
} from "../lib/core/trampoline-rules.ts";
export type { ReloValue } from "../lib/core/value.ts";
export { type EmbeddedObject, findBpfObjects, isBpfElf } from "../lib/elf/embedded.ts";
