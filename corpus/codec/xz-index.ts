import { crc32 } from "node:zlib";
import { type CodecOptions, codecError, trailingBytes, truncated } from "./codec.ts";

const CODEC = "xz";
/** Stream header and footer (xz-file-format 1.2.1, 2.1.1 and 2.1.2). */
const STREAM_HEADER_BYTES = 12;
const STREAM_FOOTER_BYTES = 12;
const FOOTER_MAGIC = 0x5a59;
const AT_FOOTER_CRC = 0;
const AT_BACKWARD_SIZE = 4;
const AT_FOOTER_FLAGS = 8;
const AT_FOOTER_MAGIC = 10;
/** Stream padding comes in fours. */
const PADDING_BYTES = 4;
const VARINT_MAX_BYTES = 9;

/** One stream of an xz file. */
export interface XzStream {
  readonly start: number;
  readonly end: number;
  /** Bytes it has when decoded. */
  readonly size: number;
}

/**
 * The streams of an xz file, read from its end: every stream closes with an index that says how large it is when decoded.
 * A file that was cut has no footer and is known at once, without decoding anything.
 * @throws FormatError `truncated`, `bad-archive`.
 */
export function xzStreams(bytes: Uint8Array, options: CodecOptions): XzStream[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** The last first. */
  const streams: XzStream[] = [];
  let end = bytes.length;
  while (end > 0) {
    const padded = end;
    while (end >= PADDING_BYTES && view.getUint32(end - PADDING_BYTES, true) === 0) end -= PADDING_BYTES;
    if (end === 0 && streams.length > 0) throw trailingBytes(CODEC, options, 0);
    const stream = streamBefore(bytes, view, end, options);
    if (stream === null) {
      // Behind the last stream: cut off, or something appended. Between two: damaged.
      if (streams.length > 0) throw codecError("bad-archive", CODEC, "a stream has no footer", options, end);
      throw truncated(CODEC, options);
    }
    if (padded - end !== 0 && (padded - end) % PADDING_BYTES !== 0) throw trailingBytes(CODEC, options, end);
    streams.push(stream);
    end = stream.start;
  }
  if (streams.length === 0) throw truncated(CODEC, options);
  return streams.reverse();
}

function streamBefore(bytes: Uint8Array, view: DataView, end: number, options: CodecOptions): XzStream | null {
  const footer = end - STREAM_FOOTER_BYTES;
  if (footer < STREAM_HEADER_BYTES || view.getUint16(footer + AT_FOOTER_MAGIC, true) !== FOOTER_MAGIC) return null;
  const covered = bytes.subarray(footer + AT_BACKWARD_SIZE, footer + AT_FOOTER_MAGIC);
  if (crc32(covered) !== view.getUint32(footer + AT_FOOTER_CRC, true)) {
    throw codecError("bad-archive", CODEC, "the footer's checksum does not match", options, footer);
  }
  const indexSize = (view.getUint32(footer + AT_BACKWARD_SIZE, true) + 1) * 4;
  const index = footer - indexSize;
  if (index < STREAM_HEADER_BYTES) throw codecError("bad-archive", CODEC, "the index does not fit", options, footer);
  const { blocks, size } = readIndex(bytes, index, footer, options);
  const start = index - blocks - STREAM_HEADER_BYTES;
  if (start < 0) throw codecError("bad-archive", CODEC, "its blocks are longer than the file", options, index);
  // Header and footer must agree on the flags; the decoder checks the rest of the header.
  if (view.getUint16(start + 6, true) !== view.getUint16(footer + AT_FOOTER_FLAGS, true)) {
    throw codecError("bad-archive", CODEC, "header and footer do not agree", options, start);
  }
  return { start, end, size };
}

/** The index (4.): sizes of all blocks, padded to four bytes, with a checksum. */
function readIndex(bytes: Uint8Array, start: number, end: number, options: CodecOptions) {
  const bad = () => codecError("bad-archive", CODEC, "the index is damaged", options, start);
  const crcAt = end - 4;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[start] !== 0 || crc32(bytes.subarray(start, crcAt)) !== view.getUint32(crcAt, true)) throw bad();
  let at = start + 1;
  const next = (): number => {
    let value = 0;
    for (let i = 0; i < VARINT_MAX_BYTES && at < crcAt; i++) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw bad();
  };
  let blocks = 0;
  let size = 0;
  for (let count = next(); count > 0; count--) {
    // A block's size is rounded up to four in the file.
    blocks += Math.ceil(next() / 4) * 4;
    size += next();
  }
  if (!Number.isSafeInteger(blocks) || !Number.isSafeInteger(size)) throw bad();
  return { blocks, size };
}
