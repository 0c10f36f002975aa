/** Runs the runner (checker/loader-protocol.ts) in a child process, with its input in a directory that is gone afterwards. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoaderLine, RunLoaderRequest, RunLoadersRequest } from "../checker/loader-protocol.ts";
import type { Loader } from "../lib/loader/loader.ts";
import { RunError } from "./errors.ts";

const RUNNER_FILE = "runner.cjs";
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGNAL_EXIT_BASE = 128;

/** A question without the paths of code and data. */
export type RunnerQuestion = Omit<RunLoaderRequest, "instructions" | "data">;

/** A loader, and what is asked about it. */
export interface RunnerTask {
  readonly loader: Loader;
  readonly question: RunnerQuestion;
}

/** Has this machine's kernel run loaders. Throws RunError where the runner does not come to its end. */
export async function runnerOnHost(tasks: readonly RunnerTask[], silenceMs: number): Promise<LoaderLine[]> {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-run-"));
  const clean = () => rmSync(directory, { recursive: true, force: true });
  let child: ChildProcess | null = null;
  const stop = (signal: NodeJS.Signals) => {
    child?.kill("SIGKILL");
    clean();
    process.exit(SIGNAL_EXIT_BASE + SIGNALS[signal as keyof typeof SIGNALS]);
  };
  const signals = Object.keys(SIGNALS) as NodeJS.Signals[];
  for (const signal of signals) process.once(signal, stop);
  try {
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
    return await runChild(path, tasks.length, silenceMs, (started) => {
      child = started;
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
    clean();
  }
}

function runChild(
  request: string,
  count: number,
  silenceMs: number,
  started: (child: ChildProcess) => void,
): Promise<LoaderLine[]> {
  return new Promise((resolve, reject) => {
    const file = join(import.meta.dirname, RUNNER_FILE);
    const child = spawn(process.execPath, [file, request], { stdio: ["ignore", "pipe", "pipe"] });
    started(child);
    let isSilent = false;
    const arm = () =>
      setTimeout(() => {
        isSilent = true;
        child.kill("SIGKILL");
      }, silenceMs);
    let timer = arm();
    let said = "";
    let complaint = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      clearTimeout(timer);
      timer = arm();
      said += text;
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      complaint = (complaint + text).slice(-400);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const lines = said.split("\n").filter((text) => text.startsWith('{"type":"loader"'));
      if (lines.length === count) {
        resolve(lines.map((line) => JSON.parse(line) as LoaderLine));
        return;
      }
      const ended = signal === null ? `exit ${code}: ${complaint.trim().split("\n").at(-1)}` : `killed by ${signal}`;
      const how = isSilent ? `no answer for ${silenceMs / 1000} s` : ended;
      reject(new RunError(`run-loader: the runner failed: ${how}`));
    });
  });
}
