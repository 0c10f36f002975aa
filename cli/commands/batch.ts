import { RULE_SET_NAMES } from "../../lib/core/rules.ts";
import { defineCommand } from "../command.ts";
import { MAX_SIZE_OPTION, WORK_OPTIONS } from "./corpus-options.ts";
import { IDENTITY_OPTIONS } from "./identity-options.ts";
import { KEEP_OPTIONS } from "./keep-options.ts";

/** `btfgen batch CORPUS... --object OBJ... -o BUNDLE`. */
export const batch = defineCommand({
  name: "batch",
  summary: "Minimize the BTF of a whole corpus of kernels into one bundle",
  description:
    "Minimizes every kernel of a corpus for the objects that are for it, on all cores, proves each result, and writes " +
    "one bundle: the same bytes on any run, with any --jobs, and from shards that are merged. A kernel that cannot be " +
    "minimized is named and left out, and the exit code is 1; so it is where a loader would refuse an object. A run " +
    "that was stopped goes on with --resume.",
  positionals: [
    { name: "corpus", describe: "Directory, or anything that holds kernel BTF: see docs/FORMATS.md", list: true },
  ],
  options: {
    object: {
      type: "string",
      list: true,
      required: true,
      value: "[ARCH=]FILE",
      describe: "BPF object, program with embedded objects, or directory, for kernels of ARCH alone",
    },
    output: {
      type: "string",
      alias: "o",
      value: "BUNDLE",
      describe: "Directory, or .tar, .tar.gz, .tar.zst, .tar.xz",
    },
    layout: {
      type: "string",
      choices: ["tree", "store"],
      describe: "A file a kernel, or an index and each blob once (tree)",
    },
    emit: {
      type: "string",
      choices: ["btf", "objects"],
      describe: "Small BTF, or objects relocated ahead of time, each different one once (btf)",
    },
    naming: {
      type: "string",
      choices: ["btfhub", "bcc", "inspektor-gadget", "inspektor-gadget-image"],
      describe: "Whose names the tree has (btfhub)",
    },
    jobs: { type: "number", alias: "j", value: "N", describe: "Workers (all cores)" },
    ...WORK_OPTIONS,
    plan: { type: "boolean", describe: "Only list what would be done" },
    shard: { type: "string", value: "I/N", describe: "Do the I-th of N parts; bundle merge joins the parts' bundles" },
    resume: { type: "boolean", describe: "Go on with an interrupted run into the same output" },
    "fail-fast": { type: "boolean", describe: "Stop at the first kernel that fails" },
    queue: { type: "string", value: "redis://...", describe: "Let btfgen worker processes on that queue do the work" },
    modules: { type: "boolean", describe: "Take the kernels' modules too, as one BTF with the kernel's" },
    flatten: { type: "boolean", describe: "What --modules does in a bundle, said aloud" },
    ...IDENTITY_OPTIONS,
    ...KEEP_OPTIONS,
    "layout-section": { type: "boolean", describe: "Write the layout section (kernels before 7.1 refuse it)" },
    loader: {
      type: "string",
      list: true,
      choices: RULE_SET_NAMES,
      describe:
        "Loader whose rules are served and proved (libbpf, kernel, and cilium where the naming is inspektor-gadget's)",
    },
    ...MAX_SIZE_OPTION,
    "verify-kernel": {
      type: "string",
      value: "all|N",
      describe:
        "Boot kernels whose images the corpus has, all or N of them, and have their verifiers take each program",
    },
    strict: {
      type: "boolean",
      describe: "Exit 1 also for poisoned relocations, target_type_id, and objects without BTF",
    },
    allow: { type: "string", value: "FILE", describe: "Relocations that --strict lets pass: see docs/FORMATS.md" },
  },
  examples: [
    { line: "batch btfhub-archive/ --object exec.bpf.o -o btf.tar.xz", describe: "all kernels of an archive" },
    { line: "batch kernels/ --object build/ -o btfs --layout store", describe: "for all objects of a directory" },
    { line: "batch kernels/ --object arm64=a.o --object x86_64=b.o -o btfs", describe: "an object an architecture" },
    { line: "batch kernels/ --object exec.bpf.o --emit objects -o exec", describe: "objects that need no BTF" },
    { line: "batch kernels/ --object build/ -o part3.tar --shard 3/20", describe: "one of twenty machines" },
    { line: "batch debs/ --object build/ -o btfs --verify-kernel 3", describe: "ask three of the kernels themselves" },
  ],
});
