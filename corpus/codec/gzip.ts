import { crc32, createInflateRaw } from "node:zlib";
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
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES });
  inflate.end(bytes.subarray(from));
  let crc = 0;
  let size = 0;
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      size = (size + chunk.length) >>> 0;
      yield chunk;
    }
  } catch (error) {
    throw inflateError(error, options);
  }
  const trailer = from + inflate.bytesWritten;
  if (trailer + TRAILER_BYTES > bytes.length) throw truncated(CODEC, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset + trailer, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc || view.getUint32(4, true) !== size) {
    throw codecError("bad-archive", CODEC, "the checksum does not match: the data is damaged", options, trailer);
  }
  return trailer + TRAILER_BYTES;
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
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "Z_BUF_ERROR") return truncated(CODEC, options);
  if (code === "Z_DATA_ERROR" || code === "Z_NEED_DICT") {
    return codecError("bad-archive", CODEC, "the data is damaged", options);
  }
  return error;
}
