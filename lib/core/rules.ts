/**
 * The rules by which a loader pairs local types with target types, as a named set. libbpf and the kernel's own
 * resolver compile the same relo_core.c and differ in one number; cilium/ebpf has rules of its own.
 */
export interface MatchRules {
  readonly name: "libbpf" | "kernel" | "cilium";
  /** Whose code decides: relo_core.c, or cilium/ebpf's btf/core.go (see cilium-resolve.ts). */
  readonly algorithm: "relo_core" | "cilium";
  /**
   * How deep type_exists and type_matches follow function parameters and members before they give up with an error.
   * Sources: libbpf.c (32), Linux kernel/bpf/btf.c MAX_TYPES_ARE_COMPAT_DEPTH and MAX_TYPES_MATCH_DEPTH (2);
   * cilium/ebpf remembers the pairs it has seen instead and has no bound.
   */
  readonly typeDepth: number;
}

/** What libbpf does in user space. */
export const LIBBPF_RULES: MatchRules = { name: "libbpf", algorithm: "relo_core", typeDepth: 32 };
/** What the kernel does with relocations a loader program hands to it (Linux 5.17 and later). */
export const KERNEL_RULES: MatchRules = { name: "kernel", algorithm: "relo_core", typeDepth: 2 };
/** What Go programs do with cilium/ebpf 0.15 and later, as of July 2026. */
export const CILIUM_RULES: MatchRules = { name: "cilium", algorithm: "cilium", typeDepth: Number.POSITIVE_INFINITY };

/** Every set, by name; a minimized BTF serves the first two by default. */
export const RULE_SETS: Readonly<Record<MatchRules["name"], MatchRules>> = {
  libbpf: LIBBPF_RULES,
  kernel: KERNEL_RULES,
  cilium: CILIUM_RULES,
};

/** The names of all sets, as commands offer them. */
export const RULE_SET_NAMES: readonly MatchRules["name"][] = Object.values(RULE_SETS).map(({ name }) => name);
