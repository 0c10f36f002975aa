/**
 * `btfgen/minimize`: write the part of a BTF that keeps every relocation's outcome. Takes records resolved with
 * `evidence: true`; does not prove its result (see `btfgen/verify`, or `runJob` of `btfgen`, which does both).
 */

export type { KeepProblem } from "../lib/minimize/keep.ts";
export { type AttachProblem, nearestAttachTarget } from "../lib/minimize/keep-attach.ts";
export { type Minimized, type MinimizedBlob, type MinimizeOptions, minimize } from "../lib/minimize/minimize.ts";
