/**
 * `btfgen/diff`: what is different between the types of two BTFs, with or without modules behind them, as plain data.
 */

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
