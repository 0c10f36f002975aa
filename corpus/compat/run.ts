import type { SourceFile } from "../source/walk.ts";
import type { CompatObject, CompatRules } from "./assess.ts";
import type { FileAssessment } from "./assess-file.ts";
import { type CompatMatrix, matrixBuilder, type Unreadable } from "./matrix.ts";

/** Something that assesses files, so many at once. */
export interface Assessor {
  readonly slots: number;
  /** A rejection says why nothing came of a file, and is about this file alone. */
  run(task: SourceFile): Promise<FileAssessment>;
}

/** What to compare. */
export interface CompatQuery {
  readonly objects: readonly CompatObject[];
  readonly rules: CompatRules;
  /** A column for each program, not for each object. */
  readonly byProgram: boolean;
}

/** A matrix, and what is not in it. */
export interface CompatResult {
  readonly matrix: CompatMatrix;
  /** Files of directories that hold no kernel. */
  readonly passedOver: number;
}

/** How a run is watched and judged. */
export interface CompatRunOptions {
  /** Why an assessor gave nothing for a file, in one line. */
  readonly reasonOf: (error: unknown) => string;
  /** A file is finished. */
  readonly onFile?: (task: SourceFile, index: number) => void;
}

/**
 * Assesses files, at most `assessor.slots` at once, and makes the matrix. Files finish in any order; they are put in
 * their own before the matrix is made, so that the result depends on the inputs alone. What stays in memory is what
 * differs: equal outcomes are dropped as they come.
 */
export async function runCompat(
  tasks: readonly SourceFile[],
  assessor: Assessor,
  { objects, rules, byProgram }: CompatQuery,
  { reasonOf, onFile }: CompatRunOptions,
): Promise<CompatResult> {
  const results: (FileAssessment | undefined)[] = new Array(tasks.length);
  const unreadable: Unreadable[] = [];
  const builder = matrixBuilder(objects, rules, byProgram);
  let next = 0;
  let taken = 0;
  let passedOver = 0;
  /** Results in the order of the tasks, as soon as those before are there. */
  const drain = () => {
    for (let result = results[taken]; result !== undefined; result = results[taken]) {
      for (const kernel of result.kernels) builder.add(kernel);
      // Not spread: an archive's damaged members may be more than a call takes arguments.
      for (const problem of result.problems) unreadable.push(problem);
      if (result.passedOver) passedOver++;
      results[taken++] = undefined;
    }
  };
  const lane = async () => {
    while (next < tasks.length) {
      const at = next++;
      const task = tasks[at] as SourceFile;
      results[at] = await attempt(task, assessor, reasonOf);
      drain();
      onFile?.(task, at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(assessor.slots, tasks.length) }, lane));
  return { matrix: builder.finish(unreadable), passedOver };
}

async function attempt(
  task: SourceFile,
  assessor: Assessor,
  reasonOf: (error: unknown) => string,
): Promise<FileAssessment> {
  try {
    return await assessor.run(task);
  } catch (error) {
    return { kernels: [], passedOver: false, problems: [{ origin: task.name, reason: reasonOf(error) }] };
  }
}
