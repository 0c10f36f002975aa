/**
 * A temporary directory for a whole run, around all others: it goes with whatever tests and killed commands leave there,
 * after a run that was killed itself when the next one starts.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "btfgen-tests-";
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGNAL_EXIT_BASE = 128;
const READABLE = 0o755;

/** Where to keep what takes long to make and serves other runs, too. */
export function cacheDirectory(): string {
  return process.env.BTFGEN_TEST_CACHES ?? tmpdir();
}

/** Moves `tmpdir()` of tests and of what they start (`globalSetup` in vitest.config.ts). */
export function setup(): void {
  // Each project of a run asks, and so does a run inside of another.
  if (process.env.BTFGEN_TEST_CACHES !== undefined) return;
  const outside = tmpdir();
  removeAbandoned(outside);
  const directory = mkdtempSync(join(outside, `${PREFIX}${process.pid}-`));
  // A test is another user for a while.
  chmodSync(directory, READABLE);
  process.env.BTFGEN_TEST_CACHES = outside;
  process.env.TMPDIR = directory;
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  for (const [signal, number] of Object.entries(SIGNALS)) {
    process.once(signal, () => process.exit(SIGNAL_EXIT_BASE + number));
  }
}

/** What runs left that were killed: the process that a name tells is no more. */
function removeAbandoned(outside: string): void {
  for (const name of readdirSync(outside).filter((entry) => entry.startsWith(PREFIX))) {
    if (!isRunning(Number.parseInt(name.slice(PREFIX.length), 10))) {
      rmSync(join(outside, name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
