import { RULE_SET_NAMES } from "../../lib/core/rules.ts";
import { DIFF_KINDS } from "../../lib/diff/change.ts";
import { defineCommand } from "../command.ts";
import { DIFF_WORDS } from "../diff/words.ts";
import { FORMATS } from "../format.ts";

/** `btfgen diff OLD NEW`, `btfgen diff OLD NEW --object OBJECT`, `btfgen diff A B C ... --object OBJECT`. */
export const diff = defineCommand({
  name: "diff",
  summary: "Show what changed between the types of two kernels",
  description:
    "Compares all types of two BTFs by kind and name, whatever their ids and order, and prints what differs like a patch " +
    "of C declarations with offsets in bytes. A change is shown where it is: what only refers to a changed type is not " +
    "changed. A kernel in a bundle or archive is named 'BUNDLE!ENTRY'. With --object, shows instead what the step does to " +
    "each relocation and attach target of BPF objects; of more than two kernels (or a directory of them, or a bundle) " +
    "where each field is on each. Exits 0 unless --exit-code or --strict is given.",
  positionals: [
    { name: "old", describe: "Anything that holds BTF: raw, ELF, image, package, archive, 'BUNDLE!ENTRY', or -" },
    { name: "new", describe: "The same, for the other side", optional: true },
    { name: "more", describe: "With --object: more kernels, also directories and bundles", list: true, optional: true },
  ],
  options: {
    object: {
      type: "string",
      list: true,
      value: "[ARCH=]FILE",
      describe: "BPF object, program with embedded objects, or directory of these: show what the step does to it",
    },
    loader: { type: "string", choices: RULE_SET_NAMES, describe: "With --object: whose resolver to follow (libbpf)" },
    strict: { type: "boolean", describe: "With --object: exit 1 where a program that worked would not" },
    allow: { type: "string", value: "FILE", describe: "What --strict lets pass: see docs/FORMATS.md" },
    html: { type: "string", value: "FILE", describe: "Write a page too, to search, fold and link to" },
    type: {
      type: "string",
      alias: "t",
      list: true,
      value: "NAME[.PATH]",
      describe: "Only types of that name (* and ?), only that member",
    },
    kind: { type: "string", alias: "k", list: true, choices: DIFF_KINDS, describe: "Only types of that kind" },
    only: { type: "string", list: true, choices: DIFF_WORDS, value: "WHAT", describe: "Only such differences" },
    own: { type: "boolean", describe: "Leave out types that differ only because something in them has another size" },
    ignore: { type: "string", value: "FILE", describe: "Rules of what to leave out: see docs/FORMATS.md" },
    stat: { type: "boolean", describe: "Count differences instead of showing them" },
    full: { type: "boolean", describe: "Show bodies of added and removed types, and every member that moved" },
    reached: { type: "boolean", describe: "Say how many types hold each changed one by value" },
    format: { type: "string", alias: "f", choices: FORMATS, describe: "How to write it (text); json is --json" },
    color: { type: "string", choices: ["auto", "always", "never"], describe: "Colours: auto is on a terminal only" },
    "exit-code": { type: "boolean", describe: "Exit 1 where there is a difference" },
    modules: { type: "boolean", describe: "Compare the kernels' modules too, where they come with them" },
    "old-module": {
      type: "string",
      list: true,
      value: "FILE",
      describe: "Module of OLD: split BTF, .ko; or a package, archive or directory of modules",
    },
    "new-module": { type: "string", list: true, value: "FILE", describe: "Module of NEW, or several" },
    "old-base": {
      type: "string",
      value: "FILE",
      describe: "OLD is a module of this kernel; only modules are compared",
    },
    "new-base": { type: "string", value: "FILE", describe: "NEW is a module of this kernel" },
  },
  examples: [
    { line: "diff 6.1.0-47-amd64.btf.tar.xz 6.1.0-56-amd64.btf.tar.xz", describe: "what an update changed" },
    { line: "diff old.btf new.btf --type task_struct --full", describe: "one struct, every member" },
    { line: "diff old.btf new.btf --only removed --exit-code", describe: "fail when something went away" },
    { line: "diff old.btf new.btf --object exec.bpf.o --strict", describe: "does the update touch my programs?" },
    {
      line: "diff kernels/ --object exec.bpf.o --html fields.html",
      describe: "fields over all releases, as a picture",
    },
    { line: "diff vmlinuz-6.1 /sys/kernel/btf/vmlinux --stat", describe: "how much changed" },
    { line: "diff linux-image-6.1*.deb linux-image-6.12*.deb --modules", describe: "kernels with all modules" },
    { line: "diff a/veth.ko b/veth.ko --old-base a/vmlinux --new-base b/vmlinux", describe: "a module" },
  ],
});
