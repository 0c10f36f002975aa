import { defineCommand } from "../command.ts";
import { OBJECTS } from "./arguments.ts";
import { PLAN_OPTIONS } from "./plan-options.ts";

/** `btfgen prepare OBJECT... [--target BTF]`. */
export const prepare = defineCommand({
  name: "prepare",
  summary: "Show what a loader would do with BPF objects: maps, BTF, programs and their final instructions",
  description:
    "Plans what libbpf does with an object, short of doing it: the maps it creates and fills, the BTF it hands over, " +
    "programs with their subprograms behind them, what each attaches to, and which externs are needed. With --target " +
    "CO-RE is applied; maps are indexes, as nothing is created. Exits 1 where a loader would refuse an object, with " +
    "--strict also where an instruction stays poisoned.",
  positionals: [OBJECTS],
  options: {
    ...PLAN_OPTIONS,
    name: { type: "string", value: "NAME", describe: "The object's name, which names of data maps start with" },
    strict: { type: "boolean", describe: "Exit 1 also where an instruction is poisoned" },
  },
  examples: [
    { line: "prepare exec.bpf.o --target /sys/kernel/btf/vmlinux", describe: "what a loader would do here" },
    { line: "prepare exec.bpf.o -t vmlinux --btf-for 5.4 --json", describe: "all of it, with instructions and bytes" },
  ],
});
