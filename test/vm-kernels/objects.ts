/** What kernels and libbpf's versions are asked about. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { libbpfToolsExecutables } from "../oracle/libbpf-tools.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The built command. */
export const COMMAND = join(root, "dist/btfgen.cjs");

/** The repository. */
export const REPOSITORY = root.replace(/\/$/, "");

/** The project's own objects: each kind of relocation, of program and of map. */
export const FIXTURES = [
  ...["exec", "sched_switch", "tcp_connect", "fentry_fexit", "file_open", "iter_task", "lsm_exec", "struct_ops"],
  ...["arrays", "bitfields", "enums", "flavours", "types", "instructions", "kptr", "globals", "externs", "freplace"],
].map((name) => join(root, `test/fixtures/objects/${name}.o`));

/** All programs of Debian's package libbpf-tools. */
export const TOOLS = libbpfToolsExecutables();
