import { POISON_HELPER } from "../core/instruction.ts";
import { EACCES, EINVAL, ENOTSUPP, EOPNOTSUPP, EPERM, errnoName } from "./errno.ts";
import type { LoadRun } from "./loader-run.ts";

/**
 * Why a program was not loaded:
 * - `object`: libbpf does not open the object, or the kernel refuses its own BTF.
 * - `extern`: the kernel lacks a kfunc, a variable or a setting that it asks for.
 * - `map`: a map cannot be made here.
 * - `attach-target`: the kernel lacks what it attaches to, or lets nothing attach there.
 * - `program-type`: the kernel, or libbpf, does not know the kind of program.
 * - `privilege`: this user may not.
 * - `relocation`: libbpf refuses a relocation.
 * - `poisoned`: the verifier comes to an instruction whose relocation has no match.
 * - `helper`: the kernel lacks a function that it calls, or does not let such a program call it.
 * - `verifier`: anything else that the verifier says.
 */
export type RefusalKind =
  | "object"
  | "extern"
  | "map"
  | "attach-target"
  | "program-type"
  | "privilege"
  | "relocation"
  | "poisoned"
  | "helper"
  | "verifier";

/** Why a program was not loaded, as text that is equal exactly when the reasons are. */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly text: string;
  /** Index of the instruction at which the verifier stopped, in the program as loaded; null where it says none. */
  readonly instruction: number | null;
}

/** Lines of libbpf's that go with any failure and give no reason. */
const NO_REASON = /^(failed to load object|prog '.*': failed to load|permission error while running as root)/;

/** What libbpf says, by kind; the first that fits. Source: libbpf.c. */
const WARNINGS: readonly (readonly [RegExp, RefusalKind])[] = [
  [/\bextern\b|\bksym\b|kconfig/i, "extern"],
  [/^map '.*'/, "map"],
  [/^relo #\d|CO-RE relocation/, "relocation"],
  [/missing BPF prog type/, "program-type"],
  [/attach|failed to find kernel BTF type|failed to find BTF type/i, "attach-target"],
  [/^struct_ops init_kern|^struct_ops/, "attach-target"],
];

const POISON_TEXTS = ["<invalid CO-RE relocation>", `unknown#${POISON_HELPER}`, `invalid func ${POISON_HELPER}`];
const HELPER = /unknown func|cannot use helper|calling kernel function|kernel function .* (is )?not allowed/;
const ATTACH =
  /attach|fentry|trampoline|is not modifiable|func_model|btf_id \d+ .*not|not a known struct_ops|unsupported member/i;

/**
 * What libbpf says, without the two values of an ambiguous relocation: they may be types' ids, which are others with small
 * BTF, and what other values are has been proved (relo_core.c, bpf_core_calc_relo_insn).
 */
export function withoutValues(text: string): string {
  return text.replace(/(relo #\d+: relocation decision ambiguity): .*/, "$1");
}

/** Why a run came to nothing. */
export function refusalOf(run: LoadRun): Refusal {
  const refusal = reasonOf(run);
  const other = refusedInstead(run);
  return other === null ? refusal : { ...refusal, text: `${other}, which is loaded with it: ${refusal.text}` };
}

/** libbpf 1.4 and later load all programs of a struct_ops map, whichever are asked for: the one that was refused. */
function refusedInstead({ program, warnings }: LoadRun): string | null {
  if (program === null) return null;
  for (const text of warnings) {
    const name = /^prog '(.*)': (BPF program load failed|failed to load)/.exec(text)?.[1];
    if (name !== undefined) return name === program ? null : name;
  }
  return null;
}

function reasonOf({ errno, warnings, verifierLog }: LoadRun): Refusal {
  if (verifierLog !== "") return verifierRefusal(verifierLog);
  // The program's name is known, and the reason is the same for its neighbour.
  const saying = warnings
    .filter((text) => !NO_REASON.test(text))
    .map((text) => withoutValues(text).replace(/^prog '.*?': /, ""));
  const isLoad = saying.some((text) => text.startsWith("BPF program load failed"));
  if (!isLoad) {
    const [text] = saying;
    for (const [pattern, kind] of WARNINGS) {
      const fitting = saying.find((warning) => pattern.test(warning));
      if (fitting !== undefined) return { kind, text: fitting, instruction: null };
    }
    return { kind: "object", text: text ?? `refused with ${errnoName(errno)}`, instruction: null };
  }
  const name = errnoName(errno);
  if (errno === EPERM || errno === EACCES) {
    const text = `the kernel does not let such a program be loaded here (${name}, without a log)`;
    return { kind: "privilege", text, instruction: null };
  }
  if (errno === EINVAL || errno === ENOTSUPP || errno === EOPNOTSUPP) {
    const text = `the kernel has no such kind of program, or not with this attach target (${name}, without a log)`;
    return { kind: "program-type", text, instruction: null };
  }
  return { kind: "verifier", text: `refused with ${name}, without a log`, instruction: null };
}

function verifierRefusal(log: string): Refusal {
  const lines = log.split("\n").filter((line) => !isChatter(line));
  const instruction = lastInstruction(lines);
  const text = lines.at(-1)?.trim() ?? "";
  if (POISON_TEXTS.some((poison) => log.includes(poison))) {
    const which = lines.find((line) => line.includes("failed to resolve CO-RE relocation"));
    return { kind: "poisoned", text: (which ?? text).trim(), instruction };
  }
  if (HELPER.test(text)) return { kind: "helper", text, instruction };
  if (instruction === null && ATTACH.test(text)) return { kind: "attach-target", text, instruction };
  return { kind: "verifier", text, instruction };
}

/** Counts, times and source lines, which differ from load to load or say nothing. */
function isChatter(line: string): boolean {
  return line.trim() === "" || /^(processed \d+ insns|verification time|stack depth|; |arg#|peak_states)/.test(line);
}

/** `12: (79) r1 = *(u64 *)(r1 +8)`: the last such line is where it stopped. */
function lastInstruction(lines: readonly string[]): number | null {
  for (const line of [...lines].reverse()) {
    const match = /^(\d+): [(<]/.exec(line);
    if (match !== null) return Number(match[1]);
  }
  return null;
}
