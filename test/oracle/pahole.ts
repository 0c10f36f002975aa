/** pahole as an oracle: does it accept a raw BTF file, and what sizes does it see? */
import { describeFailure, findProgram, runProcess } from "./process.ts";

let command: readonly [path: string, version: string] | null | undefined;

/** pahole's path and version; undefined when it is not installed. */
export function paholeCommand(): readonly [path: string, version: string] | undefined {
  if (command === undefined) command = findProgram(["pahole"], "--version") ?? null;
  return command ?? undefined;
}

/** The structs pahole lists, name to bytes (with two of one name, the last), or why it refused the file. */
export type PaholeResult =
  | { readonly ok: true; readonly sizes: ReadonlyMap<string, number>; readonly stderr: string }
  | { readonly ok: false; readonly error: string };

/** `pahole -F btf --sizes FILE`: "name<TAB>bytes<TAB>holes" a line. `basePath` for split BTF. */
export function paholeSizes(path: string, basePath?: string): PaholeResult {
  const base = basePath === undefined ? [] : ["--btf_base", basePath];
  const result = runProcess([paholeCommand()?.[0] ?? "pahole", ...base, "-F", "btf", "--sizes", path]);
  if (result.code !== 0) return { ok: false, error: describeFailure(result) };
  const sizes = new Map<string, number>();
  for (const line of Buffer.from(result.stdout).toString("latin1").split("\n")) {
    const [name, bytes] = line.split("\t");
    if (name !== undefined && bytes !== undefined) sizes.set(name, Number(bytes));
  }
  return { ok: true, sizes, stderr: result.stderr };
}

/** `pahole -F btf -C NAME FILE`: the struct as pahole prints it; "" when it knows no such struct. */
export function paholeStruct(path: string, name: string): string {
  const result = runProcess([paholeCommand()?.[0] ?? "pahole", "-F", "btf", "-C", name, path]);
  return Buffer.from(result.stdout).toString("latin1");
}
