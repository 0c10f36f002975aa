import { viewMemory } from "../../lib/btf/view-memory.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import type { ObjectTag } from "../batch/object-tag.ts";
import { reasonOf } from "../batch/process-file.ts";
import type { KernelBtf } from "../kernel.ts";
import { isLooseModule, isPassedOver, isProblem, type SourceOptions } from "../source/item.ts";
import { readFileKernels } from "../source/read-kernels.ts";
import type { SourceFile } from "../source/walk.ts";
import { type AssessMemory, assessKernel, type CompatObject, type CompatRules, type KernelOutcome } from "./assess.ts";
import type { Unreadable } from "./matrix.ts";

/** All that a worker needs to know besides the file. Plain data. */
export interface CompatSetup {
  readonly objects: readonly { readonly name: string; readonly bytes: Uint8Array; readonly tag: ObjectTag | null }[];
  readonly rules: CompatRules;
  /** How sources are read. */
  readonly source: SourceOptions;
}

/** What came out of one file. */
export interface FileAssessment {
  readonly kernels: readonly KernelOutcome[];
  readonly problems: readonly Unreadable[];
  /** True for a file of a directory that holds no kernel: nothing is wrong with that. */
  readonly passedOver: boolean;
}

/** A setup whose objects are parsed: made once in each worker. */
export interface ParsedCompat {
  readonly objects: readonly CompatObject[];
  readonly rules: CompatRules;
  readonly source: SourceOptions;
  readonly shared: AssessMemory;
}

/** Parses a setup's objects. @throws FormatError for a damaged one. */
export function parseCompat({ objects, rules, source }: CompatSetup): ParsedCompat {
  return {
    rules,
    source,
    shared: { memo: new Map(), memory: viewMemory() },
    objects: objects.map(({ name, bytes, tag }) => ({ object: parseBpfObject(bytes, name), tag })),
  };
}

/**
 * Assesses every kernel in a file. Whatever is wrong with the file is in the result: nothing is thrown for it. Kernels
 * and problems are named by the file's name in the corpus, which is the same on every machine.
 */
export async function assessFile(file: SourceFile, parsed: ParsedCompat): Promise<FileAssessment> {
  const kernels: KernelOutcome[] = [];
  const problems: Unreadable[] = [];
  let passedOver = false;
  const named = (origin: string) =>
    origin.startsWith(file.path) ? file.name + origin.slice(file.path.length) : origin;
  const problem = (origin: string, error: unknown) => {
    const reason = reasonOf(error);
    const words = reason.startsWith(`${origin}: `) ? reason.slice(origin.length + 2) : reason;
    problems.push({ origin: named(origin), reason: words });
  };
  try {
    for await (const item of readFileKernels(file, parsed.source)) {
      if (isProblem(item)) {
        if (isPassedOver(item, file.isNamed)) passedOver = true;
        else problems.push({ origin: named(item.origin), reason: item.problem });
      } else if (isLooseModule(item)) passedOver = true;
      else assessOne(item, named(item.origin), parsed, kernels, problem);
    }
  } catch (error) {
    problem(file.path, error);
  }
  return { kernels, problems, passedOver };
}

/** One damaged kernel in an archive does not cost the others. */
function assessOne(
  kernel: KernelBtf,
  origin: string,
  { objects, rules, shared }: ParsedCompat,
  kernels: KernelOutcome[],
  problem: (origin: string, error: unknown) => void,
): void {
  try {
    kernels.push({ ...assessKernel(kernel, objects, rules, shared), origin });
  } catch (error) {
    problem(kernel.origin, error);
  }
}
