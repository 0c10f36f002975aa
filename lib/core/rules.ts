/**
 * The rules by which a loader pairs local types with target types, as a named set. libbpf and the kernel's own
 * resolver compile the same relo_core.c, which matches a relocation with a candidate; they differ in where candidates
 * come from, how long they last, and in one depth. cilium/ebpf has rules of its own.
 */
export interface MatchRules {
  readonly name: "libbpf" | "kernel" | "cilium";
  /** Whose code matches: relo_core.c, or cilium/ebpf's btf/core.go (see cilium-resolve.ts). */
  readonly algorithm: "relo_core" | "cilium";
  /**
   * How deep type_exists and type_matches follow function parameters and members before they give up with an error.
   * Sources: libbpf.c (32), Linux kernel/bpf/btf.c MAX_TYPES_ARE_COMPAT_DEPTH and MAX_TYPES_MATCH_DEPTH (2);
   * cilium/ebpf remembers the pairs it has seen instead and has no bound.
   */
  readonly typeDepth: number;
  /**
   * Whether an ENUM and an ENUM64 are candidates of each other. Sources: libbpf.c bpf_core_add_cands (it asks
   * btf_kind_core_compat), Linux kernel/bpf/btf.c bpf_core_add_cands (the kinds must be equal); for cilium/ebpf types
   * of every kind are.
   */
  readonly enumsAreOne: boolean;
  /**
   * Whether a candidate that did not match a relocation is none for later relocations of that local type, where another
   * matched. libbpf keeps one list a type for the whole object, and relo_core.c bpf_core_calc_relo_insn shortens it; the
   * kernel copies its list for each relocation (kernel/bpf/btf.c bpf_core_apply); cilium/ebpf decides over all
   * relocations of a type at once.
   */
  readonly prunes: boolean;
}

/** What libbpf does in user space. */
export const LIBBPF_RULES: MatchRules = {
  name: "libbpf",
  algorithm: "relo_core",
  typeDepth: 32,
  enumsAreOne: true,
  prunes: true,
};
/**
 * What the kernel does with relocations a loader program hands to it (Linux 5.17 and later). Not modelled: it remembers
 * the candidates of some names, found or not, by name alone, for all programs that are loaded (check_cand_cache). Who asks
 * for `union s` where somebody asked for `struct s` before may get the struct, or none.
 */
export const KERNEL_RULES: MatchRules = {
  name: "kernel",
  algorithm: "relo_core",
  typeDepth: 2,
  enumsAreOne: false,
  prunes: false,
};
/** What Go programs do with cilium/ebpf 0.15 and later, as of July 2026. */
export const CILIUM_RULES: MatchRules = {
  name: "cilium",
  algorithm: "cilium",
  typeDepth: Number.POSITIVE_INFINITY,
  enumsAreOne: true,
  prunes: false,
};

/** Every set, by name; a minimized BTF serves the first two by default. */
export const RULE_SETS: Readonly<Record<MatchRules["name"], MatchRules>> = {
  libbpf: LIBBPF_RULES,
  kernel: KERNEL_RULES,
  cilium: CILIUM_RULES,
};

/** The names of all sets, as commands offer them. */
export const RULE_SET_NAMES: readonly MatchRules["name"][] = Object.values(RULE_SETS).map(({ name }) => name);
