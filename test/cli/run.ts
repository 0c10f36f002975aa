import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built command. */
export const COMMAND = fileURLToPath(new URL("../../dist/btfgen.cjs", import.meta.url));
/** A command that hangs; a machine with much else to do makes many take five seconds. */
const DEADLINE_MS = 45_000;

/** What one run of the command left behind. */
export interface Run {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** The exit code; -1 where a signal ended it. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
}

/** How to run it. */
export interface RunOptions {
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command (dist/btfgen.cjs), as a person's shell would, and waits for its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd: options.cwd,
      // Reading extra certificates would double the time of every start.
      env: { ...process.env, NODE_EXTRA_CA_CERTS: "", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: DEADLINE_MS,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), code: code ?? -1, signal });
    });
    // A command that does not read its input closes it; that is its right.
    child.stdin.on("error", () => {});
    child.stdin.end(options.stdin);
  });
}

/** Standard output as text. */
export async function runText(args: readonly string[], options: RunOptions = {}) {
  const { stdout, ...rest } = await run(args, options);
  return { ...rest, stdout: stdout.toString() };
}
