import { loadsWithout } from "../core/target-standing.ts";
import type { AttachImpact } from "./impact-targets.ts";

/** Whether an object or a program has this target on a kernel, or does without it. */
export function worksWith(target: AttachImpact, side: "old" | "new"): boolean {
  const standing = target[side];
  if (standing !== "present") return loadsWithout(target, standing === "missing");
  return side === "old" || !target.breaks;
}
