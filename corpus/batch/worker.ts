import { workerData } from "node:worker_threads";
import {
  assessFile,
  type CompatSetup,
  type FileAssessment,
  type ParsedCompat,
  parseCompat,
} from "../compat/assess-file.ts";
import type { SourceFile } from "../source/walk.ts";
import { collectYoung } from "./collect.ts";
import { fileBuffer } from "./file-buffer.ts";
import { type FileContext, type FileOutcome, type FileTask, processFile } from "./process-file.ts";
import { parseSetup } from "./process-kernel.ts";
import type { BatchSetup } from "./setup.ts";

/** What a worker gets when it starts. */
export interface WorkerData {
  readonly setup: BatchSetup;
  readonly cache: string | null;
  readonly known: readonly string[];
}

let context: FileContext | undefined;

/** The pool's task. Objects are parsed at a worker's first one, and never again. */
export async function work(task: FileTask): Promise<FileOutcome> {
  context ??= contextOf(workerData);
  try {
    return await processFile(task, context);
  } finally {
    collectYoung();
  }
}

function contextOf({ setup, cache, known }: WorkerData): FileContext {
  return { parsed: parseSetup(setup), cache, known: new Set(known), buffer: fileBuffer() };
}

let compat: ParsedCompat | undefined;

/** The task of a compatibility matrix's pool, whose data is a CompatSetup. */
export function assess(file: SourceFile): Promise<FileAssessment> {
  compat ??= parseCompat(workerData as CompatSetup);
  return assessFile(file, compat);
}
