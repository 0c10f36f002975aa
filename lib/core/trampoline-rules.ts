/**
 * What a kernel release wants of a function that BPF programs attach to through a trampoline. The rules of
 * kernel/bpf/btf.c (btf_distill_func_proto) are those of every architecture; what an architecture's own code generator
 * adds (arch_prepare_bpf_trampoline) is said only where it is known and checked: on x86_64. A variable number of arguments
 * is refused by all of them: before 5.13 (and 5.10.38) kernels took it, and made trampolines that do not work.
 */

/** Rules as of one mainline release, until the next row. Distributions' kernels may have later ones ported back. */
export interface TrampolineRules {
  /** `6.1`: the first mainline release with these. */
  readonly since: string;
  /** Most arguments, `...` counted as one. */
  readonly maxArguments: number;
  /** Kinds that may be passed by value besides integers, enums and pointers. */
  readonly composites: "none" | "structs" | "structs and unions";
  /** Most bytes of one argument. */
  readonly maxArgumentBytes: number;
  /** Most 8-byte words that all arguments take, by architecture (in the kernel's own words, `uname -m`). */
  readonly maxWords: Readonly<Partial<Record<string, number>>>;
}

/** MAX_BPF_FUNC_ARGS, include/linux/bpf.h: the longest tracepoint of 2019 has as many. */
const MAX_BPF_FUNC_ARGS = 12;
/** Arguments in registers by x86-64's calling convention. */
const X86_64_REGISTERS = 6;
const STRUCT_BYTES = 16;

const FIRST: TrampolineRules = {
  since: "5.5",
  // The comparison was off by one.
  maxArguments: MAX_BPF_FUNC_ARGS - 1,
  composites: "none",
  maxArgumentBytes: Number.POSITIVE_INFINITY,
  maxWords: { x86_64: X86_64_REGISTERS },
};
const TWELVE: TrampolineRules = { ...FIRST, since: "5.19", maxArguments: MAX_BPF_FUNC_ARGS };
const STRUCTS: TrampolineRules = { ...TWELVE, since: "6.1", composites: "structs", maxArgumentBytes: STRUCT_BYTES };
const ON_STACK: TrampolineRules = { ...STRUCTS, since: "6.6", maxWords: { x86_64: MAX_BPF_FUNC_ARGS } };
const UNIONS: TrampolineRules = { ...ON_STACK, since: "6.18", composites: "structs and unions" };

/** All rules, oldest first. */
export const TRAMPOLINE_RULES: readonly TrampolineRules[] = [FIRST, TWELVE, STRUCTS, ON_STACK, UNIONS];

/** The rules of the newest kernels. */
export const NEWEST_TRAMPOLINE_RULES: TrampolineRules = UNIONS;

/**
 * The rules of a kernel release such as `6.1` or `6.1.0-56-cloud-amd64`; undefined for what is no release, or one
 * before 5.5, which has no trampolines.
 */
export function trampolineRules(release: string): TrampolineRules | undefined {
  const wanted = versionOf(release);
  if (wanted === null) return undefined;
  return TRAMPOLINE_RULES.findLast(({ since }) => (versionOf(since) ?? 0) <= wanted);
}

/** Major and minor number as one; null for what does not begin with two. */
function versionOf(release: string): number | null {
  const match = /^v?(\d{1,4})\.(\d{1,4})(?!\d)/.exec(release);
  return match === null ? null : Number(match[1]) * 10_000 + Number(match[2]);
}
