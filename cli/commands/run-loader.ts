import { defineCommand } from "../command.ts";

/** `btfgen run-loader FILE...`. */
export const runLoader = defineCommand({
  name: "run-loader",
  summary: "Run loader programs here, or in a virtual machine, and show what they create",
  description:
    "Has the kernel run loader programs that `btfgen loader` wrote, one after the other, shows the maps and programs they have made, with ids and " +
    "tags, and lets go of all of them. Where a step fails it says which, with the error and the verifier's log, and exits " +
    "1. Exits 3 where it cannot run: without privilege, or on a kernel that has no loader programs (before 5.14).",
  positionals: [{ name: "file", describe: "What `btfgen loader` wrote, or -", list: true }],
  options: {
    kernel: { type: "string", value: "IMAGE", describe: "Boot that kernel (image, .deb or .rpm) and run it there" },
    cert: {
      type: "string",
      value: "CERT",
      describe: "For a signed loader: put its certificate into the session's keyring",
    },
    "log-level": {
      type: "number",
      value: "LEVEL",
      describe: "Show the verifier's log of each program: 1, 2 (all states) or 4 (statistics)",
    },
    timeout: { type: "number", value: "SECONDS", describe: "How long one may take (60)" },
  },
  examples: [
    { line: "run-loader exec.loader", describe: "here, as root" },
    { line: "run-loader exec.loader --kernel linux-image-6.1.0-56-cloud-amd64.deb", describe: "on that kernel" },
    { line: "run-loader exec.loader --log-level 4", describe: "with the verifier's statistics" },
  ],
});
