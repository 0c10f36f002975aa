import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { FormatError } from "../../lib/btf/error.ts";
import { looksLikeTar } from "../archive/tar.ts";
import { readStream } from "../read-stream.ts";
import { isProblem, type SourceItem, type SourceOptions } from "./item.ts";
import { kernelsOfBytes, kernelsOfTar } from "./kernels-of-bytes.ts";
import { maxBytesOf } from "./place.ts";
import { type SourceFile, unreadable, walkFiles } from "./walk.ts";

/** Tars of this size and more are read from the disk as they go. */
const STREAMED_BYTES = 256 << 20;
const HEAD_BYTES = 512;
const PIECE_BYTES = 1 << 20;

/**
 * The kernels of a path: a file of any kind that has some (see kernelsOfBytes), or a directory of such files, in the
 * order of their names. One file is in memory at a time, and large plain tars not even that.
 */
export async function* readKernels(path: string, options: SourceOptions = {}): AsyncGenerator<SourceItem, void> {
  for (const file of walkFiles(path)) {
    if (isProblem(file)) yield file;
    else yield* readFileKernels(file, options);
  }
}

/** The kernels of one file that walkFiles found. */
export async function* readFileKernels(
  file: SourceFile,
  options: SourceOptions = {},
): AsyncGenerator<SourceItem, void> {
  let bytes: Uint8Array;
  try {
    if (file.size >= STREAMED_BYTES && (await startsAsTar(file.path))) {
      const chunks = createReadStream(file.path, { highWaterMark: PIECE_BYTES });
      yield* kernelsOfTar(chunks, file.path, file.path, options);
      return;
    }
    bytes = await (file.size === 0 ? readStream(file.path, maxBytesOf(options)) : readFile(file.path));
  } catch (error) {
    if (error instanceof FormatError) yield { origin: file.path, code: error.code, problem: error.detail };
    else yield unreadable(file.path, error);
    return;
  }
  yield* kernelsOfBytes(bytes, file.path, file.path, options);
}

async function startsAsTar(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return looksLikeTar(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
