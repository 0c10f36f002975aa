/**
 * `btfgen`: the main job whole. Parse a kernel's BTF, resolve the objects' relocations, write what they need, prove
 * the result. The parts are in `btfgen/btf`, `btfgen/core`, `btfgen/minimize` and `btfgen/verify`.
 */

export { FormatError, type FormatErrorCode, type FormatErrorPlace } from "../lib/btf/error.ts";
export type { BtfInput } from "../lib/btf/parse.ts";
export { type BpfObject, parseBpfObject } from "../lib/core/object.ts";
export type { ReloRecord, ReloStatus } from "../lib/core/resolve.ts";
export { CILIUM_RULES, KERNEL_RULES, LIBBPF_RULES, type MatchRules } from "../lib/core/rules.ts";
export { btfBytes } from "../lib/elf/btf-section.ts";
export { type EmbeddedObject, findBpfObjects } from "../lib/elf/embedded.ts";
export { type JobOptions, type JobResult, runJob, type Target } from "../lib/job/job.ts";
export type { Minimized, MinimizedBlob, MinimizeOptions } from "../lib/minimize/minimize.ts";
export { type Proof, type ProofDifference, prove } from "../lib/verify/prove.ts";
