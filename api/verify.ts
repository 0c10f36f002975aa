/**
 * `btfgen/verify`: prove that small BTF stands for full BTF, whoever made it: resolve every relocation against both
 * and compare pair by pair of relocation and candidate, or the relocated code byte by byte.
 */

export { type AlikeCandidates, compareSides, type Difference, type Side } from "../lib/verify/compare.ts";
export { compareInstructions, type InstructionDifference, type InstructionProof } from "../lib/verify/instructions.ts";
export {
  type FullSide,
  formatMalformed,
  type Proof,
  type ProofDifference,
  prove,
  resolveFull,
  type SmallSide,
} from "../lib/verify/prove.ts";
