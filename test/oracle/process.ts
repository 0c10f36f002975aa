/** Running the oracles' processes: never a shell, always a time limit, output as bytes. */
import { spawnSync } from "node:child_process";

/** What a process left behind. `code` is null when it was killed; `signal` or `timedOut` then say by what. */
export interface ProcessResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1 << 30;

/** Options of {@link runProcess}. */
export interface RunOptions {
  readonly timeoutMs?: number;
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end; throws only when it cannot be started at all. */
export function runProcess(command: readonly string[], options: RunOptions = {}): ProcessResult {
  const [file, ...args] = command;
  if (file === undefined) throw new Error("no command");
  const result = spawnSync(file, args, {
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(options.input === undefined ? {} : { input: options.input }),
    // English messages whatever the machine's language: some oracles are known by what they say.
    env: { ...process.env, LC_ALL: "C", ...options.env },
  });
  const error = result.error as NodeJS.ErrnoException | undefined;
  const timedOut = error?.code === "ETIMEDOUT";
  if (error !== undefined && !timedOut && error.code !== "EPIPE") throw error;
  return {
    code: result.status,
    signal: result.signal,
    timedOut,
    stdout: result.stdout,
    stderr: result.stderr.toString("utf8"),
  };
}

/** The last words of a failed process, for an error message: signal, time limit, or the end of what it said. */
export function describeFailure(result: ProcessResult): string {
  if (result.timedOut) return "time limit passed";
  if (result.signal !== null) return `killed by ${result.signal}`;
  const said = result.stderr.trim().split("\n").slice(-3).join("; ");
  return `exit ${String(result.code)}${said === "" ? "" : `: ${said}`}`;
}

/** The first line a command prints on success (a version, say), or undefined when it cannot be run or fails. */
export function firstLineOf(command: readonly string[]): string | undefined {
  try {
    const result = runProcess(command, { timeoutMs: 20_000 });
    if (result.code !== 0) return undefined;
    const text = `${Buffer.from(result.stdout).toString("utf8")}\n${result.stderr}`;
    return text
      .split("\n")
      .map((line) => line.trim())
      .find((line) => line !== "");
  } catch {
    return undefined;
  }
}

const SYSTEM_DIRECTORIES = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** The first of the given programs that runs, in PATH or where administrators' programs are kept. */
export function findProgram(
  names: readonly string[],
  versionArgument: string,
): [path: string, version: string] | undefined {
  for (const name of names) {
    for (const path of [name, ...SYSTEM_DIRECTORIES.map((directory) => `${directory}/${name}`)]) {
      const version = firstLineOf([path, versionArgument]);
      if (version !== undefined) return [path, version];
    }
  }
  return undefined;
}
