import { type Btf, kindOf, segmentOf } from "../btf/view.ts";
import { type KernelField, kernelFields } from "./kernel-fields.ts";
import type { BpfObject } from "./object.ts";
import { inBaseFirst, typesByName } from "./type-names.ts";

/** A field of a map's value, variable or allocated struct, with what its pointer is to a kernel. */
export interface ResolvedField {
  readonly field: KernelField;
  /**
   * `kernel`: the kernel has the type, by name and kind; `own`: it has none, so the pointer is to the object's own type,
   * as allocated by bpf_obj_new; `refused`: see the field's problem; `special`: no pointer.
   */
  readonly status: "kernel" | "own" | "refused" | "special";
  /** Where the type is: the kernel's or a module's BTF; null for one that is not there. */
  readonly source: string | null;
  /** In the kernel's BTF; null for one that is not there. */
  readonly typeId: number | null;
}

/**
 * The fields of all objects' maps, with the types of the kernel that their pointers are to (kernel/bpf/btf.c,
 * btf_parse_kptr: by name and kind, in the kernel's own BTF first). A user's pointer (uptr) is to the object's own type.
 */
export function resolveFields(objects: readonly BpfObject[], target: Btf): ResolvedField[] {
  const fields = objects.flatMap(kernelFields);
  const byName = typesByName(target, new Set(fields.flatMap(({ pointee }) => pointee?.name || [])));
  return fields.map((field): ResolvedField => {
    const { pointee, problem } = field;
    if (problem !== null) return { field, status: "refused", source: null, typeId: null };
    if (pointee === null) return { field, status: "special", source: null, typeId: null };
    const ids = (byName.get(pointee.name) ?? []).filter((id) => kindOf(target, id) === pointee.kind);
    const id = field.kind === "user" ? undefined : inBaseFirst(target, ids)[0];
    if (id === undefined) return { field, status: "own", source: null, typeId: null };
    return { field, status: "kernel", source: target.segments[segmentOf(target, id)]?.source ?? null, typeId: id };
  });
}
