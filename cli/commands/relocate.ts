import { defineCommand } from "../command.ts";
import { OBJECTS } from "./arguments.ts";
import { TARGET_OPTIONS } from "./target-options.ts";

/** `btfgen relocate OBJECT... --target BTF -o OUT`. */
export const relocate = defineCommand({
  name: "relocate",
  summary: "Write BPF objects with their CO-RE relocations already applied, for kernels without BTF",
  description:
    "Applies every CO-RE relocation against one kernel's BTF, as libbpf would, and writes an object that has none left: " +
    "maps, externs, symbols and lines stay, and a loader needs no BTF of the kernel for it. Lists what stays poisoned, " +
    "what in the object wants the kernel's BTF for other reasons (fentry, fexit, tp_btf, lsm, iter, struct_ops, typed " +
    "variables, kfuncs, kptrs), and type ids. Exits 1 and writes nothing where a loader would refuse an object " +
    "(ambiguous or erring relocations), with --strict also where it still wants the kernel's BTF or a target_type_id.",
  positionals: [OBJECTS],
  options: {
    ...TARGET_OPTIONS,
    target: { ...TARGET_OPTIONS.target, required: true },
    output: {
      type: "string",
      alias: "o",
      required: true,
      value: "FILE",
      describe: "Where to (- for standard output); a directory where there are several objects",
    },
    strict: { type: "boolean", describe: "Exit 1 also where kernel BTF is wanted for other reasons" },
  },
  examples: [
    { line: "relocate exec.bpf.o -t 5.4.0.btf.tar.xz -o exec.5.4.o", describe: "for a kernel that has no BTF" },
    {
      line: "relocate build/ -t vmlinux -o out --strict",
      describe: "all objects of a directory; each must do without",
    },
  ],
});
