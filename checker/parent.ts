/** What those do who have the checker, the runner or a virtual machine work for them. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGNAL_EXIT_BASE = 128;
/** Characters of a child's complaints that are kept: the last line is what is told. */
const COMPLAINT_LENGTH = 400;

/** Told of each child that was started, one after the other. */
export type Started = (child: ChildProcess) => void;

/**
 * Does something in a temporary directory that is gone afterwards, and so is the last child, whatever happens: SIGHUP,
 * SIGINT and SIGTERM end this process, too, with the code that a shell gives them.
 */
export async function inScratch<T>(
  prefix: string,
  action: (directory: string, started: Started) => Promise<T>,
): Promise<T> {
  let directory: string | null = null;
  let child: ChildProcess | null = null;
  const clean = () => {
    child?.kill("SIGKILL");
    if (directory !== null) rmSync(directory, { recursive: true, force: true });
  };
  const stop = (signal: NodeJS.Signals) => {
    clean();
    process.exit(SIGNAL_EXIT_BASE + SIGNALS[signal as keyof typeof SIGNALS]);
  };
  const signals = Object.keys(SIGNALS) as NodeJS.Signals[];
  // Before the directory is there: a signal in between would leave it.
  for (const signal of signals) process.once(signal, stop);
  try {
    directory = mkdtempSync(join(tmpdir(), prefix));
    return await action(directory, (started) => {
      child = started;
    });
  } finally {
    for (const signal of signals) process.off(signal, stop);
    clean();
  }
}

/** A child to run with Node, and what it may cost. */
export interface Watched {
  readonly node: string;
  readonly file: string;
  /** The path of its request. */
  readonly request: string;
  /** How long it may say nothing, in milliseconds. */
  readonly silenceMs: number;
  /** Its lines, as they come, some at a time. What is thrown here ends the child, and is thrown. */
  readonly onLines: (lines: readonly string[]) => void;
  readonly started?: Started;
}

/**
 * Runs a child to its end and says how that was: `exit 0`, `exit 3: its last complaint`, `killed by SIGSEGV`, `no answer
 * for 60 s`. Libraries may print to standard output, too: what is no line of ours is not an answer.
 */
export function watchChild({ node, file, request, silenceMs, onLines, started }: Watched): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [file, request], { stdio: ["ignore", "pipe", "pipe"] });
    started?.(child);
    let isSilent = false;
    const arm = () =>
      setTimeout(() => {
        isSilent = true;
        child.kill("SIGKILL");
      }, silenceMs);
    let timer = arm();
    let rest = "";
    let complaint = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      clearTimeout(timer);
      timer = arm();
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const answers = lines.filter((line) => line.startsWith('{"type":"'));
      try {
        if (answers.length > 0) onLines(answers);
      } catch (error) {
        child.kill("SIGKILL");
        reject(error);
      }
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      complaint = (complaint + text).slice(-COMPLAINT_LENGTH);
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const words = complaint.trim().split("\n").at(-1) ?? "";
      if (isSilent) resolve(`no answer for ${silenceMs / 1000} s`);
      else resolve(signal === null ? `exit ${code}${words === "" ? "" : `: ${words}`}` : `killed by ${signal}`);
    });
  });
}
