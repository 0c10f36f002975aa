import { writeSync } from "node:fs";
import { RunError, systemCodeOf, systemReason } from "./errors.ts";

// process.stdout and process.stderr cost 2 to 4 ms to set up (tty, net and stream modules), which is a good part of
// what a small job takes; writing to the descriptors does not, and keeps the order of lines.
const STDOUT = 1;
const STDERR = 2;
const RETRY_MS = 1;

/** Writes a result to standard output. A reader that went away (EPIPE) is not an error, only false: the rest is dropped. */
export function writeOut(data: string | Uint8Array): boolean {
  try {
    writeAll(STDOUT, data);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EPIPE") return false;
    throw new RunError(`cannot write to standard output: ${systemReason(error)}`);
  }
}

/** Thrown through whoever makes a result that nobody reads any more. */
class ReaderGone extends Error {}

/**
 * Writes a result piece by piece, as it is made. Writing waits for the reader, and where that has gone away (`| head`)
 * the making ends with it, quietly.
 */
export function streamOut(make: (write: (chunk: Uint8Array) => void) => void): void {
  try {
    make((chunk) => {
      if (!writeOut(chunk)) throw new ReaderGone();
    });
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error;
  }
}

/** Writes talk to standard error. If that is closed there is nobody to tell. */
export function writeErr(text: string | Uint8Array): void {
  try {
    writeAll(STDERR, text);
  } catch {
    // Nothing left to say it to.
  }
}

/** Writes every byte to a descriptor, also to a non-blocking pipe (EAGAIN) and where the system takes only a part. */
export function writeAll(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (error) {
      if (systemCodeOf(error) !== "EAGAIN") throw error;
      pause();
    }
  }
}

/** Sleeps a moment without spinning, for a descriptor that is not ready. */
export function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
}
