/** What a minimized BTF keeps beyond need: the same options wherever BTF is minimized. */
export const KEEP_OPTIONS = {
  "keep-names": { type: "boolean", describe: "Keep typedefs, qualifiers and names, for people who read the result" },
  "keep-long": { type: "boolean", describe: "Keep the size of long, for a 32-bit loader on a 64-bit kernel" },
  padding: {
    type: "string",
    choices: ["offsets", "explicit"],
    describe: "explicit: name the gaps, so that the types printed as C keep their sizes (offsets)",
  },
  keep: { type: "string", list: true, value: "TYPE[.MEMBER]", describe: "Keep this too, for user space" },
  "keep-attach-targets": {
    type: "boolean",
    describe: "Keep the functions and types that objects attach to, to compare (ids change: not to attach by)",
  },
} as const;
