import { FormatError } from "../../lib/btf/error.ts";
import { isLooseModule, isPassedOver, isProblem, type SourceItem, type SourceProblem } from "../source/item.ts";
import { kernelsOfBytes } from "../source/kernels-of-bytes.ts";
import { readFileKernels } from "../source/read-kernels.ts";
import { systemCodeOf, systemReason } from "../system-error.ts";
import { readCached, writeCached } from "./cache.ts";
import type { FileBuffer } from "./file-buffer.ts";
import { type LoadedFile, loadFile } from "./load-file.ts";
import { type ParsedSetup, processKernel } from "./process-kernel.ts";
import { type FileResult, isReusable, type PartResult } from "./result.ts";
import { contentKey, fileHint } from "./setup.ts";

/** A file to process. */
export interface FileTask {
  readonly path: string;
  /** Its name in the corpus. */
  readonly name: string;
  /** True where somebody named this file, and not a directory above it: then it must have a kernel. */
  readonly isNamed: boolean;
  /** What the file must hold, as its hash (see fileHash), where somebody has looked at it before. */
  readonly expectedHash?: string;
}

/** What else a worker knows. */
export interface FileContext {
  readonly parsed: ParsedSetup;
  /** Where results are kept; null for nowhere. */
  readonly cache: string | null;
  /** Keys of results that are there already, from an interrupted run. */
  readonly known: ReadonlySet<string>;
  /** What files are read into: one at a time. */
  readonly buffer: FileBuffer;
}

/** A file's result and where it comes from; `known` means that the caller has it, under this key. */
export type FileOutcome =
  | { readonly from: "work" | "cache"; readonly result: FileResult; readonly milliseconds: number }
  | { readonly from: "known"; readonly key: string };

/**
 * Everything that is done for one file: read it, look for results under its key, and only then unpack and minimize
 * what is in it. Whatever is wrong with the file is in the result, with the reason: nothing is thrown for it.
 */
export async function processFile(task: FileTask, { parsed, cache, known, buffer }: FileContext): Promise<FileOutcome> {
  const begin = performance.now();
  const { setup } = parsed;
  const of = (result: FileResult, from: "work" | "cache" = "work"): FileOutcome => {
    return { from, result, milliseconds: performance.now() - begin };
  };
  let file: LoadedFile;
  try {
    file = await loadFile(task.path, buffer);
  } catch (error) {
    return of(failedFile(reasonOf(error)));
  }
  const { sourceHash, size: bytesRead } = file;
  // Before anything is looked up: what is known of this file is no answer about another.
  if (task.expectedHash !== undefined && task.expectedHash !== sourceHash) {
    return of(failedFile("its worker sees another file under this path than the batch, or it has changed since"));
  }
  const key = contentKey(setup, sourceHash, fileHint(task, setup));
  if (known.has(key)) return { from: "known", key };
  const cached = cache === null ? null : readCached(cache, key);
  if (cached !== null) return of(cached, "cache");
  const result: FileResult = { key, sourceHash, bytesRead, parts: await partsOf(file, task, parsed, buffer) };
  if (cache !== null && isReusable(result)) writeCached(cache, result);
  return of(result);
}

/** The result for a file of which nothing can be said but why. */
export function failedFile(reason: string): FileResult {
  return { key: "", sourceHash: "", bytesRead: 0, parts: [{ state: "failed", origin: "", reason }] };
}

async function partsOf(
  { bytes, size }: LoadedFile,
  task: FileTask,
  parsed: ParsedSetup,
  buffer: FileBuffer,
): Promise<PartResult[]> {
  const { path, name, isNamed } = task;
  const { maxBytes, modules, identity } = parsed.setup.options;
  const options = {
    maxBytes,
    modules,
    identity,
    memory: buffer.unpacked,
    ...(parsed.paths && { paths: parsed.paths }),
  };
  const items =
    bytes === null
      ? readFileKernels({ path, name, size, isNamed }, options)
      : kernelsOfBytes(bytes, path, path, options);
  const parts: PartResult[] = [];
  try {
    for await (const item of items) parts.push(withoutFile(partOf(item, task, parsed), path));
  } catch (error) {
    parts.push({ state: "failed", origin: "", reason: withoutName(reasonOf(error), path) });
  }
  return parts;
}

function partOf(item: SourceItem, task: FileTask, parsed: ParsedSetup): PartResult {
  if (isProblem(item)) return problemPart(item, task);
  if (isLooseModule(item)) {
    const reason = "a module without its kernel: only a package has both";
    return { state: "passed-over", origin: item.origin, reason };
  }
  try {
    return processKernel(parsed, item);
  } catch (error) {
    return { state: "failed", origin: item.origin, reason: withoutName(reasonOf(error), item.origin) };
  }
}

function problemPart(problem: SourceProblem, { isNamed }: FileTask): PartResult {
  const state = isPassedOver(problem, isNamed) ? "passed-over" : "failed";
  return { state, origin: problem.origin, reason: problem.problem };
}

/** Results are by content, and the same content may have another name the next time: see FileResult. */
function withoutFile(part: PartResult, path: string): PartResult {
  return part.origin.startsWith(path) ? { ...part, origin: part.origin.slice(path.length) } : part;
}

/** One line for anything thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof FormatError) return firstLine(error.message);
  const reason = systemReason(error);
  return systemCodeOf(error) === undefined ? `internal error: ${reason}` : reason;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** Messages of FormatError begin with their source, which reports name anyway. */
function withoutName(reason: string, name: string): string {
  return reason.startsWith(`${name}: `) ? reason.slice(name.length + 2) : reason;
}
