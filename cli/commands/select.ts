import { defineCommand } from "../command.ts";

/** `btfgen select BUNDLE`. */
export const select = defineCommand({
  name: "select",
  summary: "Take one kernel's BTF, or the object relocated for it, out of a bundle",
  description:
    "Finds the entry of this machine's kernel, or of the one that the options describe. Where it is not in the bundle the " +
    "nearest kernels are named and the exit code is 1; none of them is used unless --nearest asks for it.",
  positionals: [{ name: "bundle", describe: "Bundle; - is a tar on standard input" }],
  options: {
    output: { type: "string", alias: "o", value: "OUT", describe: "Write it to OUT; without it only say which" },
    "os-release": { type: "string", value: "FILE", describe: "os-release(5) of the machine (this one's)" },
    release: { type: "string", alias: "r", value: "R", describe: "Kernel release, as uname -r (this machine's)" },
    arch: { type: "string", alias: "a", value: "A", describe: "Architecture, by any of its names (this machine's)" },
    id: { type: "string", value: "ID", describe: "Distribution, in place of os-release's ID" },
    "version-id": { type: "string", value: "V", describe: "Its version, in place of os-release's VERSION_ID" },
    nearest: { type: "boolean", describe: "Take the nearest kernel where the right one is not there" },
  },
  examples: [
    { line: "select btfs.tar.xz -o /run/vmlinux.btf", describe: "for this machine" },
    {
      line: "select btfs --id ubuntu --version-id 22.04 -a arm64 -r 5.15.0-1049-aws -o x.btf",
      describe: "for another",
    },
  ],
});
