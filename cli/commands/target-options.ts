import { RULE_SET_NAMES } from "../../lib/core/rules.ts";

/** Modules beside a kernel. */
export const MODULE_OPTION = {
  module: {
    type: "string",
    alias: "m",
    list: true,
    value: "FILE",
    describe: "Module of that kernel: split BTF, .ko, or an archive of them",
  },
} as const;

/** The kernel that objects are for. */
export const TARGET_OPTIONS = {
  target: {
    type: "string",
    alias: "t",
    value: "FILE",
    describe: "Kernel to resolve against: BTF, vmlinux, an image, a package or a BTFHub archive",
  },
  ...MODULE_OPTION,
} as const;

/** Whose answer is wanted where there is one. */
export const RESOLVER_OPTION = {
  loader: { type: "string", choices: RULE_SET_NAMES, describe: "Whose resolver to follow (libbpf)" },
} as const;
