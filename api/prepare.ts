/**
 * `btfgen/prepare`: what a loader does with a BPF object, as data, and objects that are relocated ahead of time. Nothing
 * here creates anything: a plan names maps by index and leaves what only a running kernel knows as named needs.
 *
 * ```ts
 * const object = parseBpfObject(readFileSync("exec.bpf.o"), "exec.bpf.o");
 * const target = indexCandidates(parseBtf(readFileSync("vmlinux.btf")));
 * const plan = prepare(object, target);
 * const { bytes, needs } = relocateObject(object, resolveObject(object, target));
 * ```
 */

export type { Extern } from "../lib/prepare/externs.ts";
export { type KernelNeed, kernelNeeds } from "../lib/prepare/kernel-needs.ts";
export type {
  InfoRecords,
  MapOrigin,
  Plan,
  PlannedExtern,
  PlannedMap,
  PlannedProgram,
  PlannedTarget,
  ProgramPart,
  Reference,
} from "../lib/prepare/plan.ts";
export { type PrepareOptions, prepare } from "../lib/prepare/prepare.ts";
export { type RelocatedObject, type RelocateFailure, relocateObject } from "../lib/prepare/relocate.ts";
export { type BtfFeatures, btfFeatures, sanitizeBtf } from "../lib/prepare/sanitize-btf.ts";
