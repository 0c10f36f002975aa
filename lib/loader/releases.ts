import type { BpfObject } from "../core/object.ts";
import type { Plan, PlannedProgram } from "../prepare/plan.ts";

/** Programs of type BPF_PROG_TYPE_SYSCALL, bpf_sys_bpf and `fd_array`. */
const LOADERS = "5.14";
/** The helper bpf_kallsyms_lookup_name. */
const ADDRESSES = "5.16";
/** `core_relos` of BPF_PROG_LOAD. */
const RELOCATIONS = "5.17";

/** The first release of Linux that has what the loader program itself uses; the object's programs may want a later one. */
export function firstRelease(object: BpfObject, plan: Plan, programs: readonly PlannedProgram[]): string {
  if (!plan.relocated && object.relocations.length > 0) return RELOCATIONS;
  const asksAddress = programs.some(({ references }) => references.some(({ kind }) => kind === "ksym"));
  return asksAddress ? ADDRESSES : LOADERS;
}
