/**
 * What the kernel's name of a target has in front of that in a program's section, by AttachKind (libbpf.c,
 * btf_get_kernel_prefix_kind).
 */
export const KERNEL_PREFIXES: Readonly<Record<string, string>> = {
  tp_btf: "btf_trace_",
  lsm: "bpf_lsm_",
  iter: "bpf_iter_",
};

/** The kernel's struct that a struct_ops map's value is (libbpf.c, STRUCT_OPS_VALUE_PREFIX). */
export const STRUCT_OPS_VALUE = "bpf_struct_ops_";
