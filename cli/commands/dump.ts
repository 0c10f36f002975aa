import { defineCommand } from "../command.ts";
import { BTF } from "./arguments.ts";

/** `btfgen dump BTF`. */
export const dump = defineCommand({
  name: "dump",
  summary: "Print the types of BTF, as bpftool does, or as C",
  description:
    "Prints types as `bpftool btf dump file BTF format raw` does, byte for byte, or its JSON. Filters of one option " +
    "add up; a type is printed when it passes each option that is given. `--format c` is a header that compiles to the " +
    "same layout, of all types or of those selected with what they need.",
  positionals: [BTF],
  options: {
    base: { type: "string", alias: "B", value: "FILE", describe: "Base of split BTF (a module's kernel)" },
    format: { type: "string", alias: "f", choices: ["raw", "json", "c"], describe: "raw, c, or json as --json" },
    name: { type: "string", alias: "n", list: true, value: "GLOB", describe: "Only types of that name (*)" },
    kind: {
      type: "string",
      alias: "k",
      list: true,
      value: "KIND",
      describe: "Only types of that kind: struct, int, ...",
    },
    id: { type: "string", alias: "i", list: true, value: "N|N-M", describe: "Only types with these ids" },
  },
  examples: [
    { line: "dump /sys/kernel/btf/vmlinux | less", describe: "all types of this kernel" },
    { line: "dump vmlinux --kind struct --name 'task_*'", describe: "some structs" },
    { line: "dump veth.ko --base vmlinux", describe: "a module's own types" },
    { line: "dump vmlinux --id 1-100 --json", describe: "the first hundred, as JSON" },
    { line: "dump vmlinux --format c > vmlinux.h", describe: "a header for BPF programs" },
    { line: "dump vmlinux -f c -n task_struct", describe: "one struct, and what lies in it" },
  ],
});
