import { KERNEL_PREFIXES, STRUCT_OPS_VALUE } from "../core/attach-prefix.ts";
import type { KernelNeed } from "./kernel-needs.ts";

/** Kinds that are no program's section. */
const NO_SECTIONS: ReadonlySet<KernelNeed["kind"]> = new Set(["kfunc", "ksym", "struct_ops", "kptr"]);

/** Objects that cannot be loaded without a kernel's own BTF, and what they want of it. */
export function needyObjects(
  objects: readonly { readonly name: string; readonly needs: readonly KernelNeed[] }[],
): { readonly name: string; readonly required: readonly string[] }[] {
  return objects.flatMap(({ name, needs }) => {
    const required = requiredNeeds(needs);
    return required.length === 0 ? [] : [{ name, required }];
  });
}

/** What an object cannot be loaded without, each once, as people write it: `tp_btf/sched_switch`, `kfunc bpf_task_release`. */
function requiredNeeds(needs: readonly KernelNeed[]): string[] {
  return [...new Set(needs.filter((need) => !need.optional && !isValueStruct(need)).map(needText))];
}

/** The kernel's struct around a struct_ops map's own, which says nothing more. */
function isValueStruct({ kind, name }: KernelNeed): boolean {
  return kind === "struct_ops" && name?.startsWith(STRUCT_OPS_VALUE) === true;
}

function needText({ kind, user, name }: KernelNeed): string {
  if (name === null) return `what ${user} attaches to`;
  if (NO_SECTIONS.has(kind)) return `${kind} ${name}`;
  return `${kind}/${name.slice(KERNEL_PREFIXES[kind]?.length ?? 0)}`;
}
