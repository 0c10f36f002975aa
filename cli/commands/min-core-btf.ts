import { defineCommand } from "../command.ts";
import { BTF, OBJECTS } from "./arguments.ts";

/** `btfgen min_core_btf BTF OUT OBJECT...`. */
export const minCoreBtf = defineCommand({
  name: "min_core_btf",
  summary: "The same in bpftool's order of arguments, and as silent",
  description:
    "Takes the place of `bpftool gen min_core_btf` in scripts. It prints nothing unless there is a problem. Where " +
    "bpftool stops (types it does not know, an object without relocations, modules' BTF as input) or silently loses " +
    "a second type of one name, this does not; the result is smaller because names that no relocation asks for are " +
    "left out. OUT may be - for standard output.",
  positionals: [BTF, { name: "output", describe: "The file to write" }, OBJECTS],
  options: {},
  examples: [{ line: "min_core_btf vmlinux.btf small.btf exec.bpf.o tcp.bpf.o", describe: "one file for two objects" }],
});
