/**
 * `btfgen/diff`: what is different between the types of two BTFs, with or without modules behind them, and what a step
 * from one to the other does to BPF objects, as plain data.
 */

export type { ModelDifference } from "../lib/core/compare-models.ts";
export type { TargetStanding } from "../lib/core/target-standing.ts";
export {
  type Change,
  countChanges,
  DIFF_KINDS,
  type DiffCounts,
  type DiffInput,
  type DiffKind,
  type EnumeratorSide,
  type MemberChange,
  type MemberDifference,
  type MemberSide,
  type ParameterSide,
  type PlaceSide,
  type TypeChange,
  type TypeSide,
  type TypesDiff,
} from "../lib/diff/change.ts";
export { type DiffOptions, diffTypes } from "../lib/diff/diff.ts";
export {
  type FieldImpact,
  type ImpactQuery,
  impactOn,
  type ObjectImpact,
  type ProgramImpact,
  RELOCATION_CHANGES,
  type RelocationChange,
  type RelocationImpact,
} from "../lib/diff/impact.ts";
export type { AttachChange, AttachImpact, TypeDifference } from "../lib/diff/impact-targets.ts";
export type { FieldPlace, RelocationSide, Standing } from "../lib/diff/standing.ts";
export { WebAssemblyError } from "../lib/diff/web-assembly-error.ts";
