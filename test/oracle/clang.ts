/** clang as an oracle and as the maker of test objects: C text in, object file out. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailure, findProgram, runProcess } from "./process.ts";

const CANDIDATES = ["clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14"];

const FIRST_WITH_TAGS = 15;

let command: readonly [path: string, version: string] | null | undefined;

/** clang's path and version line; undefined when there is none that knows the BPF target. */
export function clangCommand(): readonly [path: string, version: string] | undefined {
  if (command === undefined) {
    command = findProgram(CANDIDATES, "--version") ?? null;
    if (command !== null && !compileWith(command[0], "int x;", { target: "bpf" }).ok) command = null;
  }
  return command ?? undefined;
}

/** How to compile. `target` as clang's -target: "bpf" (the host's byte order), "bpfel", "bpfeb", or a triple. */
export interface CompileOptions {
  readonly target: string;
  /** More flags, after the default -g -O2. */
  readonly flags?: readonly string[];
  /** Another compiler than the first one found. */
  readonly compiler?: string;
}

/** The object's bytes, or the compiler's own words. */
export type CompileResult =
  | { readonly ok: true; readonly object: Uint8Array; readonly warnings: string }
  | { readonly ok: false; readonly error: string };

/** Compiles C text to an object file with debug information (BTF for a BPF target). */
export function compileC(source: string, options: CompileOptions): CompileResult {
  return compileWith(options.compiler ?? clangCommand()?.[0] ?? "clang", source, options);
}

/** A clang of 15 or later, which writes type tags of pointers to structs into BTF; undefined where there is none. */
export function taggingClang(): readonly [path: string, version: string] | undefined {
  return findProgram(
    CANDIDATES.filter((name) => Number(name.slice("clang-".length)) >= FIRST_WITH_TAGS),
    "--version",
  );
}

/** {@link compileC} for BPF text that must compile: the object's bytes, or an Error with the compiler's words. */
export function compileBpf(
  source: string,
  target: "bpfel" | "bpfeb" = "bpfel",
  flags: readonly string[] = [],
): Uint8Array {
  const result = compileC(source, { target, flags });
  if (!result.ok) throw new Error(result.error);
  return result.object;
}

function compileWith(clang: string, source: string, options: CompileOptions): CompileResult {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-clang-"));
  try {
    const input = join(directory, "input.c");
    const output = join(directory, "output.o");
    writeFileSync(input, source);
    const flags = ["-target", options.target, "-g", "-O2", ...(options.flags ?? [])];
    const result = runProcess([clang, ...flags, "-c", input, "-o", output]);
    if (result.code !== 0) return { ok: false, error: result.stderr === "" ? describeFailure(result) : result.stderr };
    return { ok: true, object: readFileSync(output), warnings: result.stderr };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
