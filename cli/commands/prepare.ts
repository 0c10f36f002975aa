import { defineCommand } from "../command.ts";

/** `btfgen prepare OBJECT... [--target BTF]`. */
export const prepare = defineCommand({
  name: "prepare",
  summary: "Show what a loader would do with BPF objects: maps, BTF, programs and their final instructions",
  description:
    "Plans what libbpf does with an object, short of doing it: the maps it creates and fills, the BTF it hands over, " +
    "programs with their subprograms behind them, what each attaches to, and which externs are needed. With --target " +
    "CO-RE is applied; maps are indexes, as nothing is created. Exits 1 where a loader would refuse an object, with " +
    "--strict also where an instruction stays poisoned.",
  positionals: [
    { name: "object", describe: "BPF object, program with embedded objects, directory of these, or -", list: true },
  ],
  options: {
    target: {
      type: "string",
      alias: "t",
      value: "FILE",
      describe: "Kernel to plan for: BTF, vmlinux, or a BTFHub archive",
    },
    module: {
      type: "string",
      alias: "m",
      list: true,
      value: "FILE",
      describe: "Module of that kernel: split BTF, .ko, or an archive of them",
    },
    kconfig: {
      type: "string",
      value: "FILE",
      describe: "The kernel's config (/proc/config.gz), for externs in .kconfig",
    },
    name: { type: "string", value: "NAME", describe: "The object's name, which names of data maps start with" },
    "btf-for": {
      type: "string",
      value: "X.Y",
      describe: "Release whose kernel takes the BTF: what it lacks is replaced",
    },
    strict: { type: "boolean", describe: "Exit 1 also where an instruction is poisoned" },
  },
  examples: [
    { line: "prepare exec.bpf.o --target /sys/kernel/btf/vmlinux", describe: "what a loader would do here" },
    { line: "prepare exec.bpf.o -t vmlinux --btf-for 5.4 --json", describe: "all of it, with instructions and bytes" },
  ],
});
