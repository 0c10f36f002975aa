import type { Btf } from "../btf/view.ts";
import type { AttachTarget } from "./attach-targets.ts";
import type { FunctionModelOptions } from "./function-model.ts";
import type { BpfObject } from "./object.ts";
import { resolveByObject } from "./target-models.ts";
import { canTellOf, loadsWithout, standingOf, type TargetStanding } from "./target-standing.ts";

/** A target that an object does not load without, and that a kernel has not, or not as the object needs it. */
export interface LackedTarget {
  readonly target: AttachTarget;
  readonly standing: Exclude<TargetStanding, "present">;
  /** In words that can be compared from kernel to kernel. */
  readonly reason: string;
}

/**
 * What a kernel lacks of what objects name in it besides their relocations, for each object in turn. All objects are
 * looked up at once, in one pass over the kernel's types.
 */
export function lackedTargets(
  objects: readonly BpfObject[],
  kernel: Btf,
  options: Omit<FunctionModelOptions, "hidden"> = {},
): LackedTarget[][] {
  const canTell = canTellOf(kernel);
  return resolveByObject(objects, kernel, options).map((targets) =>
    targets.flatMap((resolved): LackedTarget[] => {
      const { target } = resolved;
      const standing = standingOf(resolved);
      if (standing === "present" || !canTell(target)) return [];
      if (loadsWithout(target, standing === "missing")) return [];
      return [{ target, standing, reason: resolved.reason ?? "" }];
    }),
  );
}
