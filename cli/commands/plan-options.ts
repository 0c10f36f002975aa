import { TARGET_OPTIONS } from "./target-options.ts";

/** What a plan of an object depends on beside the object. */
export const PLAN_OPTIONS = {
  ...TARGET_OPTIONS,
  kconfig: {
    type: "string",
    value: "FILE",
    describe: "The kernel's config (/proc/config.gz), for externs in .kconfig",
  },
  "btf-for": {
    type: "string",
    value: "X.Y",
    describe: "Release whose kernel takes the BTF: what it lacks is replaced",
  },
} as const;
