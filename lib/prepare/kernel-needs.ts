import { type AttachKind, attachTargets } from "../core/attach-targets.ts";
import type { BpfObject } from "../core/object.ts";
import { programSection } from "./program-section.ts";

/** Something besides relocations for which an object's loader or the kernel itself reads the kernel's BTF. */
export interface KernelNeed {
  readonly kind: AttachKind | "program";
  /** The program, map or section. */
  readonly user: string;
  /** The function or type of the kernel; null where only the program's type asks for BTF (`SEC("fentry")`). */
  readonly name: string | null;
  /** True where the object loads without: a program that is not loaded by default. */
  readonly optional: boolean;
}

/** Kinds that are no need of the kernel's BTF: freplace looks into the BTF of the program it replaces a part of. */
const OF_NO_KERNEL: ReadonlySet<AttachKind> = new Set(["freplace"]);
/** Types of programs that attach by a type of the kernel (libbpf.c, prog_needs_vmlinux_btf). */
const ATTACHED_BY_TYPE: ReadonlySet<string> = new Set(["tracing", "lsm", "struct_ops"]);

/**
 * What an object wants of the kernel's BTF when its relocations are done: targets to attach to, kfuncs, typed variables,
 * struct_ops, pointers that the kernel keeps in maps. libbpf looks for the kernel's BTF also for a weak symbol, so those
 * are no less of a need.
 */
export function kernelNeeds(object: BpfObject): KernelNeed[] {
  // Flavours of one function are one need.
  const byName = new Map<string, KernelNeed>();
  for (const { kind, user, name, optional } of attachTargets(object)) {
    if (OF_NO_KERNEL.has(kind)) continue;
    byName.set(`${user}\0${kind}\0${name}`, { kind, user, name, optional: optional && !isSymbol(kind) });
  }
  const named = [...byName.values()];
  const known = new Set(named.map(({ user }) => user));
  for (const { name, section } of object.programs) {
    if (known.has(name)) continue;
    const optional = section.startsWith("?");
    const type = programSection(optional ? section.slice(1) : section)?.type;
    if (type === undefined || !ATTACHED_BY_TYPE.has(type)) continue;
    // A struct_ops program belongs to the map, which is listed.
    if (type === "struct_ops" && named.some(({ kind }) => kind === "struct_ops")) continue;
    named.push({ kind: "program", user: name, name: null, optional });
  }
  return named;
}

function isSymbol(kind: AttachKind): boolean {
  return kind === "kfunc" || kind === "ksym";
}
