import { crc32 } from "node:zlib";
import { type CodecOptions, codecError, trailingBytes, truncated } from "./codec.ts";
import { decodeLzoBlock } from "./lzo-block.ts";

const CODEC = "lzo";
/** lzop's header, all big-endian: behind the magic version, library version, version needed, method, level, flags. */
const AT_VERSION = 9;
const AT_METHOD = 15;
const VERSION_WITH_LEVEL = 0x0940;
const METHODS = 3;
const FLAG_DATA_ADLER = 0x0000_0001;
const FLAG_PACKED_ADLER = 0x0000_0002;
const FLAG_EXTRA = 0x0000_0040;
const FLAG_DATA_CRC = 0x0000_0100;
const FLAG_PACKED_CRC = 0x0000_0200;
const FLAG_FILTER = 0x0000_0800;
const FLAG_HEADER_CRC = 0x0000_1000;
const MODE_AND_TIMES_BYTES = 12;
/** lzop's own bound for a block. */
const MAX_BLOCK_BYTES = 64 << 20;
const ADLER_MODULUS = 65521;

/** LZO in lzop's container, as kernels are compressed with it: blocks with checksums, and an end mark. */
export async function* decodeLzo(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at: number): number => {
    if (at + 4 > bytes.length) throw truncated(CODEC, options);
    return view.getUint32(at, false);
  };
  const { flags, end } = readHeader(bytes, view, options);
  let at = end;
  for (;;) {
    const size = word(at);
    if (size === 0) break;
    const packed = word(at + 4);
    at += 8;
    if (size > MAX_BLOCK_BYTES || packed > size) {
      throw codecError("bad-archive", CODEC, "a block's length makes no sense", options, at);
    }
    const sums: [number, number][] = [];
    for (const flag of [FLAG_DATA_ADLER, FLAG_DATA_CRC]) {
      if (!(flags & flag)) continue;
      sums.push([flag, word(at)]);
      at += 4;
    }
    for (const flag of [FLAG_PACKED_ADLER, FLAG_PACKED_CRC]) {
      // A block that is stored has no sums of its packed form.
      if (!(flags & flag) || packed === size) continue;
      sums.push([flag, word(at)]);
      at += 4;
    }
    if (at + packed > bytes.length) throw truncated(CODEC, options);
    const data = bytes.subarray(at, at + packed);
    const block = packed === size ? data : decodeLzoBlock(data, size);
    if (block === null) throw codecError("bad-archive", CODEC, "a block is damaged", options, at);
    for (const [flag, sum] of sums) {
      const of = flag === FLAG_DATA_ADLER || flag === FLAG_DATA_CRC ? block : data;
      const found = flag === FLAG_DATA_ADLER || flag === FLAG_PACKED_ADLER ? adler32(of) : crc32(of);
      if (found !== sum) throw codecError("bad-archive", CODEC, "a block's checksum does not match", options, at);
    }
    at += packed;
    yield block;
  }
  if (options.trailing !== "ignore" && at + 4 < bytes.length) throw trailingBytes(CODEC, options, at + 4);
}

function readHeader(bytes: Uint8Array, view: DataView, options: CodecOptions) {
  const need = (end: number): number => {
    if (end > bytes.length) throw truncated(CODEC, options);
    return end;
  };
  need(AT_METHOD + 1);
  const version = view.getUint16(AT_VERSION, false);
  const method = view.getUint8(AT_METHOD);
  if (method < 1 || method > METHODS) throw codecError("bad-archive", CODEC, "not LZO1X", options, AT_METHOD);
  const flagsAt = AT_METHOD + 1 + (version >= VERSION_WITH_LEVEL ? 1 : 0);
  need(flagsAt + 4);
  const flags = view.getUint32(flagsAt, false);
  let at = flagsAt + 4;
  if (flags & FLAG_FILTER)
    throw codecError("bad-archive", CODEC, "filtered data, which nothing reads", options, flagsAt);
  at += MODE_AND_TIMES_BYTES - (version >= VERSION_WITH_LEVEL ? 0 : 4);
  need(at + 1);
  at = need(at + 1 + view.getUint8(at) + 4);
  const sum = view.getUint32(at - 4, false);
  const header = bytes.subarray(AT_VERSION, at - 4);
  if (sum !== (flags & FLAG_HEADER_CRC ? crc32(header) : adler32(header))) {
    throw codecError("bad-archive", CODEC, "the header's checksum does not match", options, at - 4);
  }
  if (flags & FLAG_EXTRA) {
    need(at + 4);
    at = need(at + 4 + view.getUint32(at, false) + 4);
  }
  return { flags, end: at };
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  // Sums of 3,800 bytes stay below 2^32.
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + 3800, bytes.length);
    for (; at < end; at++) {
      a += bytes[at] as number;
      b += a;
    }
    a %= ADLER_MODULUS;
    b %= ADLER_MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
