import { defineCommand } from "../command.ts";
import { PLAN_OPTIONS } from "./plan-options.ts";

/** `btfgen loader OBJECT -o OUT`. */
export const loader = defineCommand({
  name: "loader",
  summary:
    "Write a loader program: a BPF program that creates an object's maps and loads its programs inside the kernel",
  description:
    "Writes what libbpf would do with an object as a BPF program of type syscall and the data it works on: whoever runs " +
    "it needs neither libbpf nor the object. With --target CO-RE is applied, and the kernel that runs it needs no BTF " +
    "for it; without, the kernel applies it (Linux 5.17 and later). The program is the same on every run: it has no file " +
    "descriptor in it. --emit c, go or ts writes source that embeds it; raw is what run-loader takes. Exits 1 and writes " +
    "nothing where an object cannot be loaded so (struct_ops, freplace).",
  positionals: [
    { name: "object", describe: "BPF object, or a program with one embedded (FILE#NAME for one of several), or -" },
  ],
  options: {
    output: {
      type: "string",
      alias: "o",
      required: true,
      value: "FILE",
      describe: "Where to (- for standard output)",
    },
    emit: { type: "string", choices: ["raw", "c", "go", "ts"], describe: "What to write (raw)" },
    ...PLAN_OPTIONS,
    name: { type: "string", value: "NAME", describe: "The object's name, for its data maps and in source" },
    skip: {
      type: "string",
      list: true,
      value: "PROGRAM",
      describe: "Leave a program out, as one not loaded by default",
    },
    "max-entries": {
      type: "string",
      list: true,
      value: "MAP=COUNT",
      describe: "Number of entries of a map, where the object leaves it open",
    },
    sign: { type: "string", value: "KEY", describe: "Sign it with this private key (openssl), for run-loader" },
    cert: { type: "string", value: "CERT", describe: "The key's certificate" },
    "sign-scheme": {
      type: "string",
      choices: ["hash", "data"],
      describe:
        "What covers the data: its hash in the loader (hash: Linux 6.18), or the signature (data: later kernels)",
    },
  },
  examples: [
    { line: "loader exec.bpf.o -o exec.loader", describe: "for any kernel since 5.17" },
    {
      line: "loader exec.bpf.o -t 5.15.0.btf.tar.xz --emit c -o exec.loader.h",
      describe: "a C header, for one kernel",
    },
  ],
});
