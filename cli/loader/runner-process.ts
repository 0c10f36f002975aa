/** Runs the runner (checker/loader-protocol.ts) in a child process, with its input in a directory that is gone afterwards. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoaderLine, RunLoaderRequest, RunLoadersRequest } from "../../checker/loader-protocol.ts";
import { inScratch, watchChild } from "../../checker/parent.ts";
import type { AnswerLine } from "../../checker/protocol.ts";
import type { Loader } from "../../lib/loader/loader.ts";
import { RunError } from "../errors.ts";

const RUNNER_FILE = "runner.cjs";

/** A question without the paths of code and data. */
export type RunnerQuestion = Omit<RunLoaderRequest, "instructions" | "data">;

/** A loader, and what is asked about it. */
export interface RunnerTask {
  readonly loader: Loader;
  readonly question: RunnerQuestion;
}

/** Has this machine's kernel run loaders. Throws RunError where the runner does not come to its end. */
export function runnerOnHost(tasks: readonly RunnerTask[], silenceMs: number): Promise<LoaderLine[]> {
  return inScratch("btfgen-run-", async (directory, started) => {
    const request: RunLoadersRequest = {
      loaders: tasks.map(({ loader, question }, i) => {
        const paths = { instructions: join(directory, `${i}.code`), data: join(directory, `${i}.data`) };
        writeFileSync(paths.instructions, loader.instructions);
        writeFileSync(paths.data, loader.data);
        return { ...question, ...paths };
      }),
    };
    const path = join(directory, "request.json");
    writeFileSync(path, JSON.stringify(request));
    const answers: LoaderLine[] = [];
    const ended = await watchChild({
      node: process.execPath,
      file: join(import.meta.dirname, RUNNER_FILE),
      request: path,
      silenceMs,
      onLines: (lines) => {
        for (const line of lines.map((text) => JSON.parse(text) as AnswerLine | LoaderLine)) {
          if (line.type === "loader") answers.push(line);
        }
      },
      started,
    });
    if (answers.length !== tasks.length) throw new RunError(`run-loader: the runner failed: ${ended}`);
    return answers;
  });
}
