import { NAMINGS } from "../../corpus/bundle/naming.ts";
import { defineCommand } from "../command.ts";

/** `btfgen bundle ACTION BUNDLE...`. */
export const bundle = defineCommand({
  name: "bundle",
  summary: "List, show, verify or merge bundles of small BTF or relocated objects",
  description:
    "A bundle has the small BTF of many kernels, or an object relocated for each of them, as a tree of files or as a store with an index, in a directory, .tar, " +
    ".tar.gz, .tar.zst or .tar.xz.\n\n" +
    "list: a line for each kernel. show: the bundle as a whole. verify: hashes, names, that each blob is BTF a kernel " +
    "loads or an object without relocations, and the provenance beside it; exits 1 when something is wrong. merge: all kernels of several bundles in one; " +
    "exits 1 where two have one kernel and not the same for it, or shards of a run are missing.",
  positionals: [
    { name: "action", describe: "What to do", choices: ["list", "show", "verify", "merge"] },
    { name: "bundles", describe: "Bundles; - is a tar on standard input", list: true },
  ],
  options: {
    output: { type: "string", alias: "o", value: "OUT", describe: "merge: write to OUT; its suffix says what it is" },
    naming: { type: "string", choices: NAMINGS, describe: "merge: name a tree's files for this consumer" },
    partial: { type: "boolean", describe: "merge: though shards of a run are missing" },
  },
  examples: [
    { line: "bundle list btfs.tar.xz", describe: "which kernels are in it?" },
    { line: "bundle verify btfs/", describe: "is it whole?" },
    { line: "bundle merge shard-*.tar -o btfs.tar.xz", describe: "join the shards of a run" },
  ],
});
