/** Arguments that many commands have. */
export const OBJECTS = {
  name: "object",
  describe: "BPF object, program with embedded objects, directory of these, or -",
  list: true,
} as const;

export const BTF = {
  name: "btf",
  describe: "BTF: raw, of an ELF file, image, package, archive or 'BUNDLE!ENTRY', or -",
} as const;
