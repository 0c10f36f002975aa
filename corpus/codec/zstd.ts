import { Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { FormatError } from "../../lib/btf/error.ts";
import { type CodecOptions, checkSize, codecError } from "./codec.ts";
import { type ZstdFrame, zstdFrames } from "./zstd-frames.ts";

const CODEC = "zstd";
/** Bytes of input at a time: a decoder answers with all it makes of them, for a bomb 32,000 times as much. */
const INPUT_BYTES = 1 << 12;

/**
 * zstd frames (RFC 8878), by Node itself from 22.15 on, else by the optional package `@cloudpss/zstd`. Each frame has a
 * decoder of its own: Node's (22.23, 24.21) ends with the first one, and says nothing of those that follow.
 */
export async function* decodeZstd(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  let total: number | null = 0;
  for (const { size } of zstdFrames(bytes, options)) total = total === null || size === null ? null : total + size;
  if (total !== null) checkSize(total, CODEC, options);
  for (const frame of zstdFrames(bytes, options)) yield* decodeFrame(bytes, frame, options);
}

async function* decodeFrame(
  bytes: Uint8Array,
  { start, end, size }: ZstdFrame,
  options: CodecOptions,
): AsyncGenerator<Uint8Array> {
  const decoder = await openDecoder(options);
  let total = 0;
  const feed = Readable.from(slices(bytes.subarray(start, end)));
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
    throw codecError("bad-archive", CODEC, `${total} bytes came out, the data says ${size}`, options, start);
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += INPUT_BYTES) yield bytes.subarray(at, at + INPUT_BYTES);
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
