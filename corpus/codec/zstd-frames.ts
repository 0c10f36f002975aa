import { type CodecOptions, codecError, trailingBytes, truncated } from "./codec.ts";

const CODEC = "zstd";
const FRAME_MAGIC = 0xfd2fb528;
const MAGIC_BYTES = 4;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
/** Frame header descriptor (RFC 8878, 3.1.1.1.1). */
const SINGLE_SEGMENT = 0x20;
const RESERVED = 0x08;
const HAS_CHECKSUM = 0x04;
const DICTIONARY_MASK = 0x03;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
const CHECKSUM_BYTES = 4;

/** A frame that holds data. */
export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** Bytes it has when decoded, or null where it does not say. */
  readonly size: number | null;
}

/**
 * Walks the frames of zstd data by their blocks' lengths (RFC 8878, 3.1). Decoders differ in what they make of data that
 * is cut, followed by something else or by another frame: some return the shorter data as if all were well. This walk
 * says what there is before any of them is asked.
 * @throws FormatError `truncated`, `bad-archive`.
 */
export function* zstdFrames(bytes: Uint8Array, options: CodecOptions): Generator<ZstdFrame> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const magic = at + 4 <= bytes.length ? view.getUint32(at, true) : 0;
    if (magic === FRAME_MAGIC) {
      const frame = walkFrame(bytes, view, at, options);
      yield frame;
      at = frame.end;
    } else if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      if (at + 8 > bytes.length) throw truncated(CODEC, options);
      at += 8 + view.getUint32(at + 4, true);
      if (at > bytes.length) throw truncated(CODEC, options);
    } else {
      if (options.trailing !== "ignore") throw trailingBytes(CODEC, options, at);
      return;
    }
  }
}

function walkFrame(bytes: Uint8Array, view: DataView, start: number, options: CodecOptions): ZstdFrame {
  const descriptorAt = start + MAGIC_BYTES;
  const need = (end: number): void => {
    if (end > bytes.length) throw truncated(CODEC, options);
  };
  need(descriptorAt + 1);
  const descriptor = view.getUint8(descriptorAt);
  if (descriptor & RESERVED) throw codecError("bad-archive", CODEC, "a reserved bit is set", options, descriptorAt);
  const single = (descriptor & SINGLE_SEGMENT) !== 0;
  const dictionary = DICTIONARY_BYTES[(descriptor & DICTIONARY_MASK) as 0 | 1 | 2 | 3];
  const sizeCode = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeCode === 0 && single ? 1 : SIZE_BYTES[sizeCode];
  const sizeAt = descriptorAt + 1 + (single ? 0 : 1) + dictionary;
  let at = sizeAt + sizeBytes;
  need(at);
  const size = contentSize(view, sizeAt, sizeBytes);
  for (let last = false; !last; ) {
    need(at + BLOCK_HEADER_BYTES);
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) throw codecError("bad-archive", CODEC, "a block of no known type", options, at);
    last = (header & 1) !== 0;
    at += BLOCK_HEADER_BYTES + (type === BLOCK_RLE ? 1 : header >> 3);
    need(at);
  }
  if (descriptor & HAS_CHECKSUM) at += CHECKSUM_BYTES;
  need(at);
  return { start, end: at, size };
}

function contentSize(view: DataView, at: number, bytes: number): number | null {
  if (bytes === 0) return null;
  if (bytes === 1) return view.getUint8(at);
  // Two bytes start counting at 256: smaller sizes take one (RFC 8878, 3.1.1.1.4).
  if (bytes === 2) return view.getUint16(at, true) + 256;
  if (bytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}
