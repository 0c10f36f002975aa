import { RULE_SET_NAMES } from "../../lib/core/rules.ts";
import { defineCommand } from "../command.ts";
import { BTF } from "./arguments.ts";
import { KEEP_OPTIONS } from "./keep-options.ts";
import { MODULE_OPTION } from "./target-options.ts";

/** `btfgen minimize BTF OBJECT... -o OUT`. */
export const minimize = defineCommand({
  name: "minimize",
  summary: "Shrink a kernel's BTF to what BPF objects need, and prove the result",
  description:
    "Writes the part of a kernel's BTF that the CO-RE relocations of BPF objects depend on. Every relocation is " +
    "resolved again against the new bytes before anything is written: where an outcome differs, nothing is written. " +
    "With --base the arguments are modules of that kernel instead, the objects come with --object, and -o names a " +
    "directory. Exits 1 when the proof fails or a loader would refuse an object (ambiguous or erring relocations; " +
    "the file is written), with --strict also for poisoned relocations and target_type_id.",
  positionals: [
    { ...BTF, describe: `${BTF.describe}; with --base a module's` },
    {
      name: "objects",
      describe: "BPF object, program with embedded objects, directory of these, or -; with --base further modules",
      list: true,
      optional: true,
    },
  ],
  options: {
    output: {
      type: "string",
      alias: "o",
      required: true,
      value: "FILE",
      describe: "Where to (- for standard output); a directory where modules are written too",
    },
    object: { type: "string", list: true, value: "[ARCH=]FILE", describe: "One more object" },
    base: { type: "string", alias: "B", value: "FILE", describe: "The kernel of the modules that are minimized" },
    ...MODULE_OPTION,
    flatten: { type: "boolean", describe: "Write kernel and modules as one BTF, for loaders that read only one" },
    ...KEEP_OPTIONS,
    "layout-section": { type: "boolean", describe: "Write the layout section (kernels before 7.1 refuse it)" },
    loader: {
      type: "string",
      list: true,
      choices: RULE_SET_NAMES,
      describe: "Loader whose rules are served and proved (libbpf and kernel)",
    },
    strict: {
      type: "boolean",
      describe: "Exit 1 also for poisoned relocations, target_type_id, and objects without BTF",
    },
    allow: { type: "string", value: "FILE", describe: "Relocations that --strict lets pass: see docs/FORMATS.md" },
  },
  examples: [
    { line: "minimize /sys/kernel/btf/vmlinux exec.bpf.o -o small.btf", describe: "for this kernel" },
    { line: "minimize 6.1.0.btf.tar.xz build/ -o 6.1.0.btf --strict", describe: "for all objects of a directory" },
    { line: "minimize vmlinux veth.bpf.o -m veth.ko --flatten -o small.btf", describe: "with a module's types" },
    { line: "minimize --base vmlinux veth.ko --object veth.bpf.o -o out", describe: "base and module, as split BTF" },
  ],
});
