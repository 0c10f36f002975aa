import { KIND_FUNC, KIND_STRUCT } from "../btf/format.ts";
import { memberName } from "../btf/members.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, kindOf, vlenOf } from "../btf/view.ts";
import { typesByName } from "./type-names.ts";

/** MAX_BPF_FUNC_REG_ARGS, include/linux/bpf.h: arguments of a call that are in registers. */
export const REGISTER_ARGUMENTS = 5;

/** What a kernel that knows of arguments on the stack, Linux 7.2 on, asks its code generator; the weak answer is no. */
const QUESTION = "bpf_jit_supports_stack_args";
/** The saved registers, by which an architecture is known. */
const REGISTERS = "pt_regs";
/** Some of them of x86_64 and of arm64, whose code generators say yes. */
const SAYING_YES: readonly (readonly string[])[] = [["orig_ax", "r15"], ["orig_x0"]];

/**
 * Whether programs can pass a kernel's functions more than REGISTER_ARGUMENTS; null where that cannot be told. It rests on
 * the code of Linux 7.2: its x86_64 and arm64 can, no other architecture yet. Types show whether a kernel knows of such
 * calls at all, but not the answer of an architecture that may have learnt them since.
 */
export function passesOnStack(kernel: Btf): boolean | null {
  const found = typesByName(kernel, new Set([QUESTION, REGISTERS]));
  const ofKind = (name: string, kind: number) => found.get(name)?.find((id) => kindOf(kernel, id) === kind);
  if (ofKind(QUESTION, KIND_FUNC) === undefined) return false;
  const registers = ofKind(REGISTERS, KIND_STRUCT);
  if (registers === undefined) return null;
  const names = Array.from({ length: vlenOf(kernel, registers) }, (_, i) =>
    stringAt(kernel.strings, memberName(kernel, registers, i)),
  );
  return SAYING_YES.some((some) => some.every((name) => names.includes(name))) ? true : null;
}
