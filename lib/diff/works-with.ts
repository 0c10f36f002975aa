import type { AttachTarget } from "../core/attach-targets.ts";
import type { AttachImpact } from "./impact-targets.ts";

/** Whether an object or a program has this target on a kernel, or does without it. */
export function worksWith(target: AttachImpact, side: "old" | "new"): boolean {
  const standing = target[side];
  if (standing !== "present") return loadsWithout(target, standing === "missing");
  return side === "old" || !target.breaks;
}

/** Whether an object loads without a target: a weak variable may be missing, but not of another type (libbpf.c). */
export function loadsWithout({ kind, optional }: Pick<AttachTarget, "kind" | "optional">, isMissing: boolean): boolean {
  return optional && (isMissing || kind !== "ksym");
}
