import { crc32, createInflateRaw, type InflateRaw, inflateRawSync } from "node:zlib";
import { CHUNK_BYTES, type CodecOptions, codecError, trailingBytes, truncated } from "./codec.ts";
import { startsWith } from "./detect.ts";

const CODEC = "gzip";
/** Member header (RFC 1952, 2.3). */
const MAGIC = [0x1f, 0x8b, 0x08];
const AT_FLAGS = 3;
const HEADER_BYTES = 10;
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const FLAGS_RESERVED = 0xe0;
const TRAILER_BYTES = 8;
/** A member that makes no more than this is inflated in one call: a stream takes 20 times as long to make as that. */
const SMALL_BYTES = 1 << 16;

/**
 * gzip, one member or several (RFC 1952). The members' headers and checksums are handled here, because Node's own
 * gunzip does not tell where a member ended and treats what follows it in its own way.
 */
export async function* decodeGzip(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  let at = 0;
  do at = yield* member(bytes, at, options);
  while (startsWith(bytes, at, MAGIC));
  if (options.trailing === "ignore") return;
  // tar and tape tools pad with zeros.
  for (let i = at; i < bytes.length; i++) if (bytes[i] !== 0) throw trailingBytes(CODEC, options, at);
}

async function* member(bytes: Uint8Array, start: number, options: CodecOptions): AsyncGenerator<Uint8Array, number> {
  const from = dataStart(bytes, start, options);
  const data = bytes.subarray(from);
  let crc = 0;
  let size = 0;
  let read: number;
  try {
    const small = inflateSmall(data);
    if (small !== null) {
      crc = crc32(small.content);
      size = small.content.length;
      read = small.read;
      yield small.content;
    } else {
      const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
      inflate.end(data);
      for await (const chunk of inflate as AsyncIterable<Buffer>) {
        crc = crc32(chunk, crc);
        size = (size + chunk.length) >>> 0;
        yield chunk;
      }
      read = inflate.bytesWritten;
    }
  } catch (error) {
    throw inflateError(error, options);
  }
  const trailer = from + read;
  if (trailer + TRAILER_BYTES > bytes.length) throw truncated(CODEC, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset + trailer, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== size) {
    throw codecError("bad-archive", CODEC, "the checksum does not match: the data is damaged", options, trailer);
  }
  return trailer + TRAILER_BYTES;
}

/** A small member's content, and how many bytes of the data are its own; null for a larger member. */
function inflateSmall(data: Uint8Array): { readonly content: Uint8Array; readonly read: number } | null {
  try {
    const result = inflateRawSync(data, { info: true, maxOutputLength: SMALL_BYTES });
    // The types do not know of `info`.
    const { buffer, engine } = result as unknown as { readonly buffer: Buffer; readonly engine: InflateRaw };
    // A copy, since a byte would hold on to all that there was room for; none in Buffer's pool, where Node 24 takes the room.
    return { content: new Uint8Array(buffer), read: engine.bytesWritten };
  } catch (error) {
    if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") return null;
    throw error;
  }
}

/** Where the compressed data starts, behind the optional fields of the header. */
function dataStart(bytes: Uint8Array, start: number, options: CodecOptions): number {
  const flags = bytes[start + AT_FLAGS] ?? 0;
  if (flags & FLAGS_RESERVED) throw codecError("bad-archive", CODEC, "unknown flags", options, start + AT_FLAGS);
  let at = start + HEADER_BYTES;
  if (flags & FLAG_EXTRA) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  for (const flag of [FLAG_NAME, FLAG_COMMENT]) {
    if (!(flags & flag)) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) throw truncated(CODEC, options);
    at = end + 1;
  }
  if (flags & FLAG_HEADER_CRC) at += 2;
  if (at > bytes.length) throw truncated(CODEC, options);
  return at;
}

function inflateError(error: unknown, options: CodecOptions): unknown {
  const code = codeOf(error);
  if (code === "Z_BUF_ERROR") return truncated(CODEC, options);
  if (code === "Z_DATA_ERROR" || code === "Z_NEED_DICT") {
    return codecError("bad-archive", CODEC, "the data is damaged", options);
  }
  return error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
