import { defineCommand } from "../command.ts";
import { OBJECTS } from "./arguments.ts";
import { RESOLVER_OPTION, TARGET_OPTIONS } from "./target-options.ts";

/** `btfgen relocs OBJECT... [--target BTF]`. */
export const relocs = defineCommand({
  name: "relocs",
  summary: "List the CO-RE relocations of BPF objects, and what becomes of them on a kernel",
  description:
    "Lists what BPF objects ask of a kernel's types. With --target each relocation is resolved as a loader would, " +
    "without loading anything, and one that fails says which type failed where and why. Exits 1 when a relocation is " +
    "ambiguous or in error (a loader refuses the object), with --strict also when one is poisoned.",
  positionals: [OBJECTS],
  options: {
    ...TARGET_OPTIONS,
    ...RESOLVER_OPTION,
    failed: { type: "boolean", describe: "List only poisoned, ambiguous and erring ones" },
    program: { type: "string", alias: "p", list: true, value: "GLOB", describe: "List only these programs' (* and ?)" },
    strict: { type: "boolean", describe: "Exit 1 also when a relocation is poisoned" },
  },
  examples: [
    { line: "relocs exec.bpf.o", describe: "what the object relocates" },
    { line: "relocs exec.bpf.o --target /sys/kernel/btf/vmlinux", describe: "what becomes of it on this kernel" },
    { line: "relocs ./build --target 6.1.0-56-cloud-amd64.btf.tar.xz --failed", describe: "what fails, and why" },
    { line: "relocs veth.bpf.o -t vmlinux -m veth.ko --json", describe: "with a module's types, as JSON" },
  ],
});
