import { Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { FormatError } from "../../lib/btf/error.ts";
import { type CodecOptions, checkSize, codecError } from "./codec.ts";
import { type ZstdFrame, zstdFrames } from "./zstd-frames.ts";

const CODEC = "zstd";
/** Bytes of input at a time: a decoder answers with all it makes of them, for a bomb 32,000 times as much. */
const INPUT_BYTES = 1 << 12;

/**
 * zstd frames (RFC 8878), by Node itself from 22.15 on, else by the optional package `@cloudpss/zstd`. No piece of the
 * input reaches into another frame: Node (22.23, 24.21) forgets what stands behind the end of one in the same piece.
 */
export async function* decodeZstd(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  let frames = 0;
  let size: number | null = 0;
  for (const frame of zstdFrames(bytes, options)) {
    frames++;
    size = size === null || frame.size === null ? null : size + frame.size;
  }
  // Node 24 takes no input at all for data that was cut.
  if (frames === 0) return;
  if (size !== null) checkSize(size, CODEC, options);
  const decoder = await openDecoder(options);
  let total = 0;
  const feed = Readable.from(slices(bytes, zstdFrames(bytes, options)));
  feed.pipe(decoder);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      total += chunk.length;
      yield chunk;
    }
  } catch {
    throw codecError("bad-archive", CODEC, "the data is damaged", options);
  } finally {
    feed.destroy();
  }
  if (size !== null && total !== size) {
    throw codecError("bad-archive", CODEC, `${total} bytes came out, the data says ${size}`, options);
  }
}

function* slices(bytes: Uint8Array, frames: Iterable<ZstdFrame>): Generator<Uint8Array> {
  for (const { start, end } of frames) {
    for (let at = start; at < end; at += INPUT_BYTES) yield bytes.subarray(at, Math.min(at + INPUT_BYTES, end));
  }
}

async function openDecoder({ source }: CodecOptions): Promise<Transform> {
  const native = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;
  if (native !== undefined) return native();
  try {
    const { Decompressor } = await import("@cloudpss/zstd/napi");
    return new Decompressor();
  } catch {
    const hint = "zstd data, which this installation cannot read: use Node 22.15 or later, or install @cloudpss/zstd";
    throw new FormatError("bad-archive", hint, { source });
  }
}
