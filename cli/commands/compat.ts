import { defineCommand } from "../command.ts";
import { FORMATS } from "../format.ts";
import { OBJECTS } from "./arguments.ts";
import { MAX_SIZE_OPTION } from "./corpus-options.ts";
import { IDENTITY_OPTIONS } from "./identity-options.ts";
import { RESOLVER_OPTION } from "./target-options.ts";

/** `btfgen compat OBJECT... --corpus CORPUS...`. */
export const compat = defineCommand({
  name: "compat",
  summary: "Show on which kernels BPF objects resolve and attach, and what is in their way",
  description:
    "Resolves every CO-RE relocation of BPF objects against every kernel of a corpus, as the loader would, looks up what " +
    "they attach to and call, and shows kernels on which everything is the same as one line. Exits 1 when a loader " +
    "refuses an object somewhere (ambiguous or erring relocations) or a kernel cannot be read, with --strict also for " +
    "poisoned relocations and targets that are not there.",
  positionals: [{ ...OBJECTS, name: "objects", optional: true }],
  options: {
    corpus: {
      type: "string",
      alias: "c",
      list: true,
      required: true,
      value: "FILE",
      describe: "Kernels: directory in BTFHub's layout, or any file that holds BTF",
    },
    object: {
      type: "string",
      list: true,
      value: "[ARCH=]FILE",
      describe: "One more object, for kernels of ARCH alone",
    },
    programs: { type: "boolean", describe: "Tell apart the programs of each object" },
    ...RESOLVER_OPTION,
    modules: { type: "boolean", describe: "Take the modules of kernel packages too" },
    ...IDENTITY_OPTIONS,
    ...MAX_SIZE_OPTION,
    format: {
      type: "string",
      alias: "f",
      choices: FORMATS,
      describe: "How to write it (text): markdown is for a pull request, json is --json",
    },
    html: {
      type: "string",
      value: "FILE",
      describe: "Write a page too, to sort, filter and open, that needs no server",
    },
    strict: {
      type: "boolean",
      describe: "Exit 1 also for poisoned relocations, missing targets and objects without BTF",
    },
    allow: { type: "string", value: "FILE", describe: "What --strict lets pass: see docs/FORMATS.md" },
    jobs: { type: "number", alias: "j", value: "N", describe: "Files at once (as many as there are processors)" },
  },
  examples: [
    { line: "compat exec.bpf.o --corpus btfhub-archive/debian", describe: "on every kernel of a distribution" },
    { line: "compat build/ -c kernels --programs --html compat.html", describe: "a page, program by program" },
    { line: "compat build/ -c kernels --strict --allow known.txt -f markdown", describe: "in CI, for a comment" },
    { line: "compat --object x86=a.o --object arm64=b.o -c kernels", describe: "objects made for one architecture" },
  ],
});
