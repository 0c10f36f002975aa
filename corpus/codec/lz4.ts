import { type CodecOptions, checkSize, codecError, trailingBytes, truncated } from "./codec.ts";
import { decodeLz4Block } from "./lz4-block.ts";
import { Xxh32, xxh32 } from "./xxh32.ts";

/** Legacy frames (`lz4 -l`, what kernels use): blocks of 8 MiB when decoded, the last may be less. */
const LEGACY_MAGIC = 0x184c2102;
const LEGACY_BLOCK_BYTES = 8 << 20;
/** LZ4_compressBound of a block. */
const LEGACY_MAX_COMPRESSED = LEGACY_BLOCK_BYTES + Math.ceil(LEGACY_BLOCK_BYTES / 255) + 16;

/** Modern frames (lz4_Frame_format.md). */
const FRAME_MAGIC = 0x184d2204;
const FLAG_VERSION_MASK = 0xc0;
const FLAG_VERSION = 0x40;
const FLAG_INDEPENDENT = 0x20;
const FLAG_BLOCK_SUM = 0x10;
const FLAG_SIZE = 0x08;
const FLAG_SUM = 0x04;
const FLAG_RESERVED = 0x02;
const FLAG_DICTIONARY = 0x01;
const BLOCK_SIZE_SHIFT = 4;
const BLOCK_SIZE_MIN_CODE = 4;
const BLOCK_STORED = 0x8000_0000;
const HISTORY_BYTES = 1 << 16;
/** Blocks of full size that share memory: of what pieces hold on to, less than half is not theirs. */
const BLOCKS_AT_ONCE = 2;

/** LZ4's legacy frame. It has no checksum and no end mark; kernels put the decoded size behind it, which is checked. */
export async function* decodeLz4Legacy(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  const codec = "lz4-legacy";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4;
  let total = 0;
  let size = LEGACY_BLOCK_BYTES;
  const room = new BlockRoom();
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw truncated(codec, options);
    const compressed = view.getUint32(at, true);
    if (compressed === LEGACY_MAGIC) {
      at += 4;
      size = LEGACY_BLOCK_BYTES;
      continue;
    }
    const ends = size < LEGACY_BLOCK_BYTES;
    if (options.trailing === "ignore" && (ends || (total > 0 && compressed === total))) return;
    if (ends) throw trailingBytes(codec, options, at);
    if (compressed > LEGACY_MAX_COMPRESSED) throw codecError("bad-archive", codec, "a block is too long", options, at);
    at += 4;
    if (at + compressed > bytes.length) throw truncated(codec, options);
    const block = room.decode(bytes.subarray(at, at + compressed), LEGACY_BLOCK_BYTES, 0);
    if (block === null) throw codecError("bad-archive", codec, "a block is damaged", options, at);
    at += compressed;
    size = block.length;
    total += size;
    yield block;
  }
  if (total === 0) throw truncated(codec, options);
}

/** LZ4's frames, one or several, with their checksums. */
export async function* decodeLz4(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const room = new BlockRoom();
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length || view.getUint32(at, true) !== FRAME_MAGIC) {
      if (options.trailing === "ignore" && at > 0) return;
      throw at + 4 > bytes.length ? truncated("lz4", options) : trailingBytes("lz4", options, at);
    }
    at = yield* decodeFrame(bytes, view, at + 4, room, options);
  }
}

function* decodeFrame(bytes: Uint8Array, view: DataView, start: number, room: BlockRoom, options: CodecOptions) {
  const { flags, blockBytes, size, end } = readDescriptor(bytes, view, start, options);
  if (size !== null) checkSize(size, "lz4", options);
  const linked = !(flags & FLAG_INDEPENDENT);
  const sum = flags & FLAG_SUM ? new Xxh32() : null;
  let total = 0;
  let at = end;
  for (;;) {
    if (at + 4 > bytes.length) throw truncated("lz4", options);
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) break;
    const length = (word & ~BLOCK_STORED) >>> 0;
    if (length > blockBytes) throw codecError("bad-archive", "lz4", "a block is too long", options, at);
    const sums = flags & FLAG_BLOCK_SUM ? 4 : 0;
    if (at + length + sums > bytes.length) throw truncated("lz4", options);
    const data = bytes.subarray(at, at + length);
    if (sums > 0 && view.getUint32(at + length, true) !== xxh32(data)) {
      throw codecError("bad-archive", "lz4", "a block's checksum does not match", options, at);
    }
    const history = linked ? Math.min(total, HISTORY_BYTES) : 0;
    let block: Uint8Array | null = data;
    if (word < BLOCK_STORED) block = room.decode(data, blockBytes, history);
    // A stored block is taken as it lies there, unless others look back into it.
    else if (linked) block = room.keep(data, blockBytes, history);
    if (block === null) throw codecError("bad-archive", "lz4", "a block is damaged", options, at);
    at += length + sums;
    total += block.length;
    checkSize(total, "lz4", options);
    sum?.update(block);
    yield block;
  }
  if (sum !== null) {
    if (at + 4 > bytes.length) throw truncated("lz4", options);
    if (view.getUint32(at, true) !== sum.digest()) {
      throw codecError("bad-archive", "lz4", "the checksum does not match", options, at);
    }
    at += 4;
  }
  if (size !== null && size !== total) {
    throw codecError("bad-archive", "lz4", `${total} bytes came out, the data says ${size}`, options, start);
  }
  return at;
}

function readDescriptor(bytes: Uint8Array, view: DataView, start: number, options: CodecOptions) {
  const bad = (what: string) => codecError("bad-archive", "lz4", what, options, start);
  if (start + 3 > bytes.length) throw truncated("lz4", options);
  const flags = view.getUint8(start);
  const sizeCode = (view.getUint8(start + 1) >> BLOCK_SIZE_SHIFT) & 7;
  if ((flags & FLAG_VERSION_MASK) !== FLAG_VERSION || flags & FLAG_RESERVED || sizeCode < BLOCK_SIZE_MIN_CODE) {
    throw bad("a frame of no known version");
  }
  if (flags & FLAG_DICTIONARY) throw bad("a frame that needs a dictionary");
  const end = start + 2 + (flags & FLAG_SIZE ? 8 : 0);
  if (end + 1 > bytes.length) throw truncated("lz4", options);
  if (view.getUint8(end) !== ((xxh32(bytes.subarray(start, end)) >> 8) & 0xff)) {
    throw bad("the header's checksum does not match");
  }
  const size = flags & FLAG_SIZE ? Number(view.getBigUint64(start + 2, true)) : null;
  return { flags, blockBytes: 1 << (8 + 2 * sizeCode), size, end: end + 1 };
}

/**
 * Memory that blocks are decoded into, one behind the other: what a block looks back at lies right before it, and small
 * blocks share what a large one would take. What is given out are views, never written to again.
 */
class BlockRoom {
  private buffer: Uint8Array = new Uint8Array();
  private end = 0;

  /** A block of at most `most` bytes that may look back at the last `history` bytes; null where it is damaged. */
  decode(data: Uint8Array, most: number, history: number): Uint8Array | null {
    const start = this.make(most, history);
    const end = decodeLz4Block(data, this.buffer.subarray(0, start + most), start, start - history);
    return end === -1 ? null : this.taken(end);
  }

  /** A block as it is, for others to look back at. */
  keep(data: Uint8Array, most: number, history: number): Uint8Array {
    const start = this.make(most, history);
    this.buffer.set(data, start);
    return this.taken(start + data.length);
  }

  private make(most: number, history: number): number {
    if (this.buffer.length - this.end >= most) return this.end;
    const before = this.buffer.subarray(this.end - history, this.end);
    this.buffer = Buffer.allocUnsafeSlow(HISTORY_BYTES + BLOCKS_AT_ONCE * most);
    this.buffer.set(before);
    this.end = history;
    return history;
  }

  private taken(end: number): Uint8Array {
    const block = this.buffer.subarray(this.end, end);
    this.end = end;
    return block;
  }
}
