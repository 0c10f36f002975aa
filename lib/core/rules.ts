/**
 * The rules by which a loader pairs local types with target types, as a named set. libbpf and the kernel's own
 * resolver compile the same relo_core.c and differ in one number; another loader's rules become another set.
 */
export interface MatchRules {
  readonly name: "libbpf" | "kernel";
  /**
   * How deep type_exists and type_matches follow function parameters and members before they give up with an error.
   * Sources: libbpf.c (32), Linux kernel/bpf/btf.c MAX_TYPES_ARE_COMPAT_DEPTH and MAX_TYPES_MATCH_DEPTH (2).
   */
  readonly typeDepth: number;
}

/** What libbpf does in user space. */
export const LIBBPF_RULES: MatchRules = { name: "libbpf", typeDepth: 32 };
/** What the kernel does with relocations a loader program hands to it (Linux 5.17 and later). */
export const KERNEL_RULES: MatchRules = { name: "kernel", typeDepth: 2 };

/** Every set, by name; a minimized BTF serves both by default. */
export const RULE_SETS: Readonly<Record<MatchRules["name"], MatchRules>> = {
  libbpf: LIBBPF_RULES,
  kernel: KERNEL_RULES,
};
