import { workerData } from "node:worker_threads";
import {
  assessFile,
  type CompatSetup,
  type FileAssessment,
  type ParsedCompat,
  parseCompat,
} from "../compat/assess-file.ts";
import type { SourceFile } from "../source/walk.ts";
import { COLLECT_EVERY, collectAll, collectYoung } from "./collect.ts";
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
export function work(task: FileTask): Promise<FileOutcome> {
  context ??= contextOf(workerData);
  return letGo(processFile(task, context));
}

function contextOf({ setup, cache, known }: WorkerData): FileContext {
  return { parsed: parseSetup(setup), cache, known: new Set(known), buffer: fileBuffer() };
}

let compat: ParsedCompat | undefined;

/** The task of a compatibility matrix's pool, whose data is a CompatSetup. */
export function assess(file: SourceFile): Promise<FileAssessment> {
  compat ??= parseCompat(workerData as CompatSetup);
  return letGo(assessFile(file, compat));
}

let files = 0;

/** What a file took is let go of when it is done. */
async function letGo<T>(file: Promise<T>): Promise<T> {
  try {
    return await file;
  } finally {
    if (++files % COLLECT_EVERY === 0) collectAll();
    else collectYoung();
  }
}
