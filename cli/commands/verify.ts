import { RULE_SET_NAMES } from "../../lib/core/rules.ts";
import { defineCommand } from "../command.ts";
import { OBJECTS } from "./arguments.ts";

/** `btfgen verify SMALL --full BTF OBJECT...`. */
export const verify = defineCommand({
  name: "verify",
  summary: "Check that small BTF stands for a kernel's full BTF, whoever made it",
  description:
    "Level replay resolves every relocation against both and compares each candidate's outcome, and checks that the " +
    "small BTF is well formed; instructions compares the relocated code; btf-load has the kernel take the small BTF; " +
    "libbpf has the system's libbpf relocate the objects with both; kernel has the verifier take every program with " +
    "both. Each level has all before it. Names every difference and exits 1 when there is one; a level asked for that " +
    "cannot run is exit code 3.",
  positionals: [{ name: "small", describe: "The small BTF: raw, or - for standard input" }, OBJECTS],
  options: {
    full: { type: "string", alias: "f", value: "FILE", describe: "The kernel's BTF (IMAGE's own)" },
    "full-module": { type: "string", list: true, value: "FILE", describe: "Module of the kernel" },
    "small-module": { type: "string", list: true, value: "FILE", describe: "Its small split BTF, on SMALL" },
    loader: {
      type: "string",
      list: true,
      choices: RULE_SET_NAMES,
      describe: "Loader whose rules are checked (libbpf and kernel)",
    },
    level: {
      type: "string",
      choices: ["replay", "instructions", "btf-load", "libbpf", "kernel"],
      describe: "How far to go (instructions, with --kernel as far as it lets)",
    },
    kernel: {
      type: "string",
      value: "host|IMAGE",
      describe: "Kernel to ask: the running one, whose BTF FULL must be, or an image, .deb or .rpm to boot",
    },
    verbose: {
      type: "boolean",
      alias: "v",
      describe: "Also list each program that was loaded, as the kernel counts it",
    },
    timeout: { type: "number", value: "SECONDS", describe: "How long libbpf and kernel may take for one step (60)" },
  },
  examples: [
    { line: "verify small.btf --full /sys/kernel/btf/vmlinux exec.bpf.o", describe: "one object" },
    {
      line: "verify small.btf --full /sys/kernel/btf/vmlinux exec.bpf.o --kernel host",
      describe: "ask libbpf and the running kernel, too (as root)",
    },
    {
      line: "verify small.btf exec.bpf.o --kernel linux-image-6.1.0-56-cloud-amd64.deb",
      describe: "boot that kernel and ask it",
    },
    { line: "verify small.btf --full 6.1.0.btf.tar.xz build/ --json", describe: "all objects, as JSON" },
  ],
});
