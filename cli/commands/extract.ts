import { defineCommand } from "../command.ts";
import { MAX_SIZE_OPTION } from "./corpus-options.ts";
import { IDENTITY_OPTIONS } from "./identity-options.ts";

/** `btfgen extract SOURCE... -o DIR`. */
export const extract = defineCommand({
  name: "extract",
  summary: "Take kernels' BTF out of images, packages and archives",
  description:
    "Finds the BTF in anything that holds some, judged by content: vmlinux, vmlinuz in any compression, .deb and .rpm " +
    "packages, BTFHub's archives, tars of these, directories. Every BTF is checked in whole before it is written. What " +
    "is damaged is named, and the exit code is then 1; files of a directory that hold no kernel are counted only.",
  positionals: [{ name: "source", describe: "Files, directories, or - for standard input", list: true }],
  options: {
    output: { type: "string", alias: "o", value: "DIR", required: true, describe: "Directory to write to" },
    layout: {
      type: "string",
      choices: ["raw", "btfhub"],
      describe: "RELEASE.btf, or ID/VERSION_ID/ARCH/RELEASE.btf.tar.xz (raw)",
    },
    modules: { type: "boolean", describe: "The modules' split BTF, too: RELEASE.modules/NAME.btf" },
    ...MAX_SIZE_OPTION,
    ...IDENTITY_OPTIONS,
    release: { type: "string", value: "RELEASE", describe: "Kernel release, as uname -r" },
  },
  examples: [
    { line: "extract /boot/vmlinuz-6.1.0-13-amd64 -o btf", describe: "an installed kernel's" },
    { line: "extract *.deb -o corpus --layout btfhub", describe: "packages into a tree as BTFHub's" },
    { line: "extract btfhub-archive/ubuntu -o btf", describe: "unpack a part of BTFHub's archive" },
  ],
});
