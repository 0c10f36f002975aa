/** What the commands that read corpora can be told of the kernels in them. */
export const IDENTITY_OPTIONS = {
  paths: {
    type: "string",
    value: "PATTERN",
    describe:
      "How the ends of paths name kernels, such as {id}-{version_id}/{release}-{arch}, where they are not BTFHub's",
  },
  id: { type: "string", value: "ID", describe: "Distribution, as ID of os-release: debian" },
  "version-id": { type: "string", value: "VERSION", describe: "Its version, as VERSION_ID of os-release: 12" },
  arch: { type: "string", value: "ARCH", describe: "Architecture, by any of its names" },
} as const;
