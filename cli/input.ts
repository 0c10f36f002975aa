import { fstatSync, readFileSync, readSync } from "node:fs";
import { InputError, systemCodeOf, systemReason } from "./errors.ts";
import { pause } from "./output.ts";

const STDIN = 0;
const CHUNK_BYTES = 1 << 20;

/** How a message names the input `-`. */
export const STDIN_NAME = "(standard input)";

/**
 * Reads a whole input file; `-` is standard input. Throws InputError with the file's name when that cannot be done.
 * Synchronous: for one file the thread pool and its promises only add time (about 1 ms).
 */
export function readInput(path: string): Uint8Array {
  try {
    return path === "-" ? readStdin() : readFileSync(path);
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw new InputError(path === "-" ? STDIN_NAME : path, systemReason(error));
  }
}

function readStdin(): Uint8Array {
  if (fstatSync(STDIN).isFile()) return readFileSync(STDIN);
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let size: number;
    try {
      size = readSync(STDIN, chunk);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code === "EOF") break;
      if (code !== "EAGAIN") throw error;
      pause();
      continue;
    }
    if (size === 0) break;
    chunks.push(chunk.subarray(0, size));
  }
  return Buffer.concat(chunks);
}
