/**
 * `btfgen`: the main job whole. Parse a kernel's BTF, resolve the objects' relocations, write what they need, prove
 * the result; and judge what a loader makes of each relocation there, which a proof that holds does not say. The parts are
 * in `btfgen/btf`, `btfgen/core`, `btfgen/minimize` and `btfgen/verify`; docs/API.md has an example of each.
 */

export { FormatError, type FormatErrorCode, type FormatErrorPlace } from "../lib/btf/error.ts";
export type { BtfInput } from "../lib/btf/parse.ts";
export type { DescribedStatus, ReloDescription } from "../lib/core/describe.ts";
export { type BpfObject, parseBpfObject } from "../lib/core/object.ts";
export { type Place, placeOf, placeText } from "../lib/core/place.ts";
export type { ReloRecord, ReloStatus } from "../lib/core/resolve.ts";
export type { RuleSetRecords } from "../lib/core/resolve-sets.ts";
export { CILIUM_RULES, KERNEL_RULES, LIBBPF_RULES, type MatchRules } from "../lib/core/rules.ts";
export { countStatuses, describeChosen, type Judged, judge, type StatusCounts } from "../lib/core/survey.ts";
export { btfBytes } from "../lib/elf/btf-section.ts";
export { type EmbeddedObject, findBpfObjects } from "../lib/elf/embedded.ts";
export { type JobOptions, type JobResult, runJob, runParsed, type Target } from "../lib/job/job.ts";
export type { Minimized, MinimizedBlob, MinimizeOptions } from "../lib/minimize/minimize.ts";
export { type FullSide, type Proof, type ProofDifference, prove, resolveFull } from "../lib/verify/prove.ts";
