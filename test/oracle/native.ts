/**
 * The oracles written in C (test/oracle/native): compiled when first asked for, into a directory of the machine's
 * temporary one named after the sources, so that test files and runs share them.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../scratch.ts";
import { describeFailure, findProgram, runProcess } from "./process.ts";

const SOURCES = join(import.meta.dirname, "native");

/** A way to compile: the compiler with its flags before the sources, and the flags after them. */
export interface Toolchain {
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

let hostToolchain: Toolchain | null | undefined;

/** This machine's C compiler; undefined when it has none. */
function findHostToolchain(): Toolchain | undefined {
  if (hostToolchain === undefined) {
    const found = findProgram(["gcc", "cc", "clang"], "--version");
    hostToolchain = found === undefined ? null : { name: "host", before: [found[0], "-O1"], after: [] };
  }
  return hostToolchain ?? undefined;
}

/** A compiled program's path, or why there is none. */
export type Built = { readonly path: string } | { readonly missing: string };

const built = new Map<string, Built>();

/** Compiles `sources` (file names in test/oracle/native) with the libraries given; remembers the outcome. */
export function buildNative(
  program: string,
  sources: readonly string[],
  libraries: readonly string[],
  toolchain = findHostToolchain(),
): Built {
  if (toolchain === undefined) return { missing: "no C compiler (gcc, cc or clang)" };
  const key = `${toolchain.name}/${program}`;
  const known = built.get(key);
  if (known !== undefined) return known;
  const outcome = compile(program, sources, libraries, toolchain);
  built.set(key, outcome);
  return outcome;
}

function compile(
  program: string,
  sources: readonly string[],
  libraries: readonly string[],
  toolchain: Toolchain,
): Built {
  const directory = join(cacheDirectory(), `btfgen-oracles-${String(process.getuid?.() ?? 0)}-${sourcesDigest()}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, `${toolchain.name}-${program}`);
  if (existsSync(path)) return { path };
  // Test files run in processes of their own: each compiles to a name of its own, the rename is atomic.
  const temporary = `${path}.${String(process.pid)}`;
  const inputs = sources.map((source) => join(SOURCES, source));
  const flags = libraries.map((library) => `-l${library}`);
  const result = runProcess([...toolchain.before, "-o", temporary, ...inputs, ...flags, ...toolchain.after]);
  if (result.code !== 0) {
    rmSync(temporary, { force: true });
    return { missing: `${program} does not compile (${describeFailure(result)})` };
  }
  renameSync(temporary, path);
  return { path };
}

function sourcesDigest(): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(SOURCES).sort()) hash.update(file).update(readFileSync(join(SOURCES, file)));
  return hash.digest("hex").slice(0, 16);
}
