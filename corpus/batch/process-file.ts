import { readFileSync } from "node:fs";
import { FormatError } from "../../lib/btf/error.ts";
import { sha256 } from "../bundle/bundle.ts";
import { readCached, writeCached } from "./cache.ts";
import { type ParsedSetup, processKernel } from "./process-kernel.ts";
import { readKernels } from "./read-kernels.ts";
import { type FileResult, isReusable, type PartResult } from "./result.ts";
import { contentKey, pathHint } from "./setup.ts";

/** A file to process. */
export interface FileTask {
  readonly path: string;
  /** Its name in the corpus, for messages and results. */
  readonly name: string;
  /** For tests: what the file must hold, as its SHA-256; a file that changed since is an error. */
  readonly expectedHash?: string;
}

/** What else a worker knows. */
export interface FileContext {
  readonly parsed: ParsedSetup;
  /** Where results are kept; null for nowhere. */
  readonly cache: string | null;
  /** Keys of results that are there already, from an interrupted run. */
  readonly known: ReadonlySet<string>;
}

/** A file's result and where it comes from; `known` means that the caller has it, under this key. */
export type FileOutcome =
  | { readonly from: "work" | "cache"; readonly result: FileResult; readonly milliseconds: number }
  | { readonly from: "known"; readonly key: string };

/**
 * Everything that is done for one file: read it, look for results under its key, and only then unpack and minimize
 * what is in it. Whatever is wrong with the file is in the result, with the reason: nothing is thrown for it.
 */
export async function processFile(task: FileTask, context: FileContext): Promise<FileOutcome> {
  const begin = performance.now();
  const { setup } = context.parsed;
  const since = () => performance.now() - begin;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(task.path);
  } catch (error) {
    const part: PartResult = { state: "failed", origin: "", reason: reasonOf(error) };
    return { from: "work", result: { key: "", sourceHash: "", bytesRead: 0, parts: [part] }, milliseconds: since() };
  }
  const sourceHash = sha256(bytes);
  const key = contentKey(setup, sourceHash, pathHint(task.path));
  if (context.known.has(key)) return { from: "known", key };
  const cached = context.cache === null ? null : readCached(context.cache, key);
  if (cached !== null) return { from: "cache", result: cached, milliseconds: since() };
  const changed = task.expectedHash !== undefined && task.expectedHash !== sourceHash;
  const parts: PartResult[] = changed
    ? [{ state: "failed", origin: task.name, reason: "the file has changed since the run began" }]
    : await partsOf(bytes, task, context.parsed);
  const result: FileResult = {
    key,
    sourceHash,
    bytesRead: bytes.length,
    parts: parts.map((part) => withoutFile(part, task.name)),
  };
  if (context.cache !== null && isReusable(result)) writeCached(context.cache, result);
  return { from: "work", result, milliseconds: since() };
}

async function partsOf(bytes: Uint8Array, { name, path }: FileTask, parsed: ParsedSetup): Promise<PartResult[]> {
  const parts: PartResult[] = [];
  try {
    for await (const kernel of readKernels(bytes, name, path)) {
      parts.push(attempt(kernel.origin, () => processKernel(parsed, kernel)));
    }
  } catch (error) {
    parts.push({ state: "failed", origin: name, reason: withoutName(reasonOf(error), name) });
  }
  if (parts.length === 0) parts.push({ state: "failed", origin: name, reason: "no kernel's BTF is in it" });
  return parts;
}

function attempt(origin: string, action: () => PartResult): PartResult {
  try {
    return action();
  } catch (error) {
    return { state: "failed", origin, reason: withoutName(reasonOf(error), origin) };
  }
}

/** Results are by content, and the same content may have another name the next time: see FileResult. */
function withoutFile(part: PartResult, name: string): PartResult {
  return part.origin.startsWith(name) ? { ...part, origin: part.origin.slice(name.length) } : part;
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EIO", "input/output error"],
  ["EISDIR", "is a directory"],
  ["ELOOP", "too many symbolic links"],
  ["EMFILE", "too many open files"],
  ["ENOENT", "no such file (any more)"],
  ["EPERM", "operation not permitted"],
  ["ERR_FS_FILE_TOO_LARGE", "the file is too large (2 GiB is the limit)"],
]);

/** One line for anything thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = REASONS.get(code);
  if (known !== undefined) return known;
  const [line = ""] = error.message.split("\n");
  return error instanceof FormatError || code !== "" ? line : `internal error: ${line}`;
}

/** Messages of FormatError begin with their source, which reports name anyway. */
function withoutName(reason: string, name: string): string {
  return reason.startsWith(`${name}: `) ? reason.slice(name.length + 2) : reason;
}
