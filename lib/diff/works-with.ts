import type { AttachImpact } from "./impact-targets.ts";

/** Whether an object or a program has this target on a kernel, or does without it. */
export function worksWith({ kind, optional, breaks, ...standings }: AttachImpact, side: "old" | "new"): boolean {
  const standing = standings[side];
  // A weak variable may be missing, but not of another type; a weak function may be either (libbpf.c).
  if (standing !== "present") return optional && (standing === "missing" || kind !== "ksym");
  return side === "old" || !breaks;
}
