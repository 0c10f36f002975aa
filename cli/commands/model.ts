import { defineCommand } from "../command.ts";
import { MODULE_OPTION } from "./target-options.ts";

/** `btfgen model BTF FUNC...`. */
export const model = defineCommand({
  name: "model",
  summary: "Print how functions of a kernel pass their values, and whether programs can attach to them",
  description:
    "Prints the model that the kernel makes of a function for a BPF trampoline (fentry, fexit, fmod_ret, lsm, iter): " +
    "arguments by value or pointer, their sizes and signs, the return value, and why a function can have no " +
    "trampoline. With --object also what the objects attach to or call, looked up in the kernel's BTF (an freplace " +
    "program's target in the other objects), and the pointers and special structs that their maps hold for the kernel. " +
    "Exits 1 when a function, or a target an object needs, is not there or cannot be used.",
  positionals: [
    { name: "btf", describe: "Kernel: BTF, vmlinux, an image, a package or a BTFHub archive" },
    { name: "function", describe: "Names of functions, with * and ?", list: true, optional: true },
  ],
  options: {
    ...MODULE_OPTION,
    object: {
      type: "string",
      list: true,
      value: "FILE",
      describe: "BPF object, or directory: its targets and pointers",
    },
    regex: { type: "boolean", describe: "Functions are regular expressions, found anywhere in a name" },
    impossible: { type: "boolean", describe: "Only functions that can have no trampoline" },
    release: {
      type: "string",
      value: "VERSION",
      describe: "Rules of that kernel release (the running kernel's, that of the file's name, or the newest)",
    },
    arch: {
      type: "string",
      value: "ARCH",
      describe: "Whose code generator's refusals count, by any of its names (what the file's name says); any: none",
    },
    strict: { type: "boolean", describe: "Exit 1 also when a function can have no trampoline" },
  },
  examples: [
    { line: "model /sys/kernel/btf/vmlinux vfs_read", describe: "one function of this kernel" },
    { line: "model 6.1.0-56-cloud-amd64.btf.tar.xz 'tcp_*' --impossible", describe: "what fentry cannot have there" },
    {
      line: "model vmlinux --object exec.bpf.o --module veth.ko",
      describe: "what an object attaches to, and its maps",
    },
    { line: "model vmlinux --regex '^__x64_sys_' --json", describe: "as JSON" },
  ],
});
