/** Makes libbpf with a fault of fault-libbpf.c. */
import { join } from "node:path";
import { findProgram, runProcess } from "../oracle/process.ts";

/** `LOCKED_MEMORY`: none may be locked; `MEMORY`: none is left from the second object on; `SMALL_REFUSED`: small BTF is. */
export type Fault = "LOCKED_MEMORY" | "MEMORY" | "SMALL_REFUSED";

/** Compiles it into a directory; gives its path, for BTFGEN_LIBBPF. */
export function faultLibrary(directory: string, fault: Fault): string {
  const compiler = findProgram(["gcc", "cc", "clang"], "--version")?.[0] ?? "cc";
  const path = join(directory, `libfault-${fault}.so`);
  const source = join(import.meta.dirname, "fault-libbpf.c");
  const flags = ["-O1", "-shared", "-fPIC", `-DFAULT=${fault}`];
  // Linked by the file's own name, which is there without libbpf's development files.
  const { code, stderr } = runProcess([
    compiler,
    ...flags,
    "-o",
    path,
    source,
    "-Wl,--no-as-needed",
    "-l:libbpf.so.1",
    "-ldl",
  ]);
  if (code !== 0) throw new Error(stderr);
  return path;
}
