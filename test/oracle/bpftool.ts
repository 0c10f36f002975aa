/** bpftool as an oracle: `gen min_core_btf` and `btf dump`. It is known to hang and to crash; both are outcomes here. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailure, findProgram, runProcess } from "./process.ts";

let command: readonly [path: string, version: string] | null | undefined;

/** bpftool's path and version line; undefined when it is not installed. */
export function bpftoolCommand(): readonly [path: string, version: string] | undefined {
  if (command === undefined) command = findProgram(["bpftool"], "version") ?? null;
  return command ?? undefined;
}

/** What bpftool made, or how it failed: its own error, a signal (a crash) or the time limit (a hang). */
export type BpftoolResult<T> =
  | { readonly ok: true; readonly value: T; readonly stderr: string }
  | { readonly ok: false; readonly error: string; readonly crashed: boolean; readonly hung: boolean };

/** Options of every call. `runner` stands before bpftool's path: an emulator, say, with another bpftool. */
export interface BpftoolOptions {
  readonly timeoutMs?: number;
  readonly bpftool?: readonly string[];
}

const DEFAULT_TIMEOUT_MS = 20_000;

function run(args: readonly string[], options: BpftoolOptions): BpftoolResult<Uint8Array> {
  const bpftool = options.bpftool ?? [bpftoolCommand()?.[0] ?? "bpftool"];
  const result = runProcess([...bpftool, ...args], { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS });
  if (result.code === 0) return { ok: true, value: result.stdout, stderr: result.stderr };
  const crashed = result.signal !== null && !result.timedOut;
  return { ok: false, error: describeFailure(result), crashed, hung: result.timedOut };
}

/** `bpftool gen min_core_btf BTF OUT OBJECT...`: the small BTF's bytes. Paths in, bytes out. */
export function minCoreBtf(
  btfPath: string,
  objectPaths: readonly string[],
  options: BpftoolOptions = {},
): BpftoolResult<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-bpftool-"));
  try {
    const out = join(directory, "small.btf");
    const result = run(["gen", "min_core_btf", btfPath, out, ...objectPaths], options);
    return result.ok ? { ...result, value: readFileSync(out) } : result;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `bpftool btf dump file PATH format raw` as text; `basePath` for split BTF. */
export function dumpRaw(path: string, basePath?: string, options: BpftoolOptions = {}): BpftoolResult<string> {
  return dump(path, "raw", basePath, options);
}

/** `bpftool btf dump file PATH format c` as text; `basePath` for split BTF. */
export function dumpC(path: string, basePath?: string, options: BpftoolOptions = {}): BpftoolResult<string> {
  return dump(path, "c", basePath, options);
}

function dump(path: string, format: string, base: string | undefined, options: BpftoolOptions): BpftoolResult<string> {
  const result = run(
    [...(base === undefined ? [] : ["-B", base]), "btf", "dump", "file", path, "format", format],
    options,
  );
  return result.ok ? { ...result, value: Buffer.from(result.value).toString("latin1") } : result;
}

/** Calls `body` with the path of a temporary file that holds `bytes`. */
export function withFile<T>(bytes: Uint8Array, body: (path: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-oracle-"));
  try {
    const path = join(directory, "blob");
    writeFileSync(path, bytes);
    return body(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
