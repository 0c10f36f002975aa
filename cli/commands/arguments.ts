/** Arguments that many commands have. */
export const OBJECTS = {
  name: "object",
  describe: "BPF object, program with embedded objects, directory of these, or -",
  list: true,
} as const;

export const BTF = { name: "btf", describe: "Raw BTF, ELF file with .BTF, BTFHub archive, or -" } as const;
