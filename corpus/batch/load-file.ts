import { createReadStream, statSync } from "node:fs";
import type { FileBuffer } from "./file-buffer.ts";
import { fileHash, startFileHash } from "./file-hash.ts";

/** Files of this size and more are not read as a whole, where that can be avoided. */
const STREAMED_BYTES = 256 << 20;
const CHUNK_BYTES = 1 << 20;

/** What a file holds. */
export interface LoadedFile {
  /** Null for a large file, which is read again piece by piece. Else in the buffer: until the next file is read. */
  readonly bytes: Uint8Array | null;
  /** In bytes. */
  readonly size: number;
  /** See fileHash. */
  readonly sourceHash: string;
}

/** Reads a file and hashes it. Rejects with what the system says. */
export async function loadFile(path: string, buffer: FileBuffer): Promise<LoadedFile> {
  if (statSync(path).size < STREAMED_BYTES) {
    const bytes = buffer.read(path);
    return { bytes, size: bytes.length, sourceHash: fileHash(bytes) };
  }
  const hash = startFileHash();
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { bytes: null, size, sourceHash: hash.digest("hex") };
}

/** A file's hash, for who waits afterwards: in a function that has ended, nothing holds the bytes. As loadFile. */
export async function hashOfFile(path: string, buffer: FileBuffer): Promise<string> {
  return (await loadFile(path, buffer)).sourceHash;
}
