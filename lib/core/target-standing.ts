import { KIND_FUNC } from "../btf/format.ts";
import { type Btf, kindOf, typeCount } from "../btf/view.ts";
import type { AttachKind, AttachTarget } from "./attach-targets.ts";
import type { ResolvedTarget } from "./target-models.ts";

/**
 * What a kernel has of a target: nothing; something of another type than the object declares, or that nothing can be
 * attached to; or what is wanted.
 */
export type TargetStanding = "present" | "missing" | "incompatible";

/** Targets that a program's section names; the others are an object's. */
const OF_PROGRAMS: ReadonlySet<AttachKind> = new Set([
  "fentry",
  "fexit",
  "fmod_ret",
  "fsession",
  "tp_btf",
  "lsm",
  "iter",
]);

/** True where the target's `user` is a program, and not a map or a section of the object. */
export function isOfProgram({ kind }: Pick<AttachTarget, "kind">): boolean {
  return OF_PROGRAMS.has(kind);
}

/** What no type tells is no harm, as far as BTF goes. */
export function standingOf({ status }: ResolvedTarget): TargetStanding {
  return status === "found" || status === "unknown" ? "present" : status === "missing" ? "missing" : "incompatible";
}

/**
 * Tells of which targets a kernel's BTF can tell: those in other programs (freplace) are not the kernel's, those in a
 * module want the modules, and BTF without functions, as most minimized BTF is, leaves out what no relocation asks for.
 */
export function canTellOf(kernel: Btf): (target: AttachTarget) => boolean {
  if (!hasFunctions(kernel)) return () => false;
  const withModules = kernel.segments.length > 1;
  return ({ targetKind, module }) => targetKind !== null && (withModules || module === null || module === "vmlinux");
}

/** Whether BTF has any function; most minimized BTF has none. */
export function hasFunctions(btf: Btf): boolean {
  for (let id = 1; id < typeCount(btf); id++) if (kindOf(btf, id) === KIND_FUNC) return true;
  return false;
}

/** Whether an object loads without a target: a weak variable may be missing, but not of another type (libbpf.c). */
export function loadsWithout({ kind, optional }: Pick<AttachTarget, "kind" | "optional">, isMissing: boolean): boolean {
  return optional && (isMissing || kind !== "ksym");
}
