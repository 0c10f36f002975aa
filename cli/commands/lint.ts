import { defineCommand } from "../command.ts";
import { BTF } from "./arguments.ts";

/** `btfgen lint BTF`. */
export const lint = defineCommand({
  name: "lint",
  summary: "Check BTF by the kernel's own rules",
  description:
    "Checks BTF as Linux does when it is loaded, but lists every fault, not only the first. An error means that a " +
    "kernel refuses it, a warning that something is odd or wasteful. Exits 1 when there are errors.",
  positionals: [BTF],
  options: {
    base: { type: "string", alias: "B", value: "FILE", describe: "Base of split BTF (a module's kernel)" },
    strict: { type: "boolean", describe: "Exit 1 also when there are warnings" },
    limit: { type: "number", value: "N", describe: "List at most N findings (1000)" },
  },
  examples: [
    { line: "lint small.btf", describe: "would a kernel take it?" },
    { line: "lint veth.ko --base vmlinux --json", describe: "a module's split BTF, as JSON" },
  ],
});
