import type { LibarchiveWasm } from "libarchive-wasm";
import { CHUNK_BYTES, type CodecOptions, checkSize, codecError, trailingBytes, truncated } from "./codec.ts";

/**
 * xz and lzma where the system's liblzma is missing, by libarchive in WebAssembly. That build reads archives only, so
 * the data is given to it as the one member of a ZIP archive, whose methods include both. ZIP wants to know lengths and
 * a checksum beforehand; libarchive's complaint names what it found, so they are learnt by trying: slow, but right.
 */

/** ZIP local file header (APPNOTE 4.3.7) and methods (4.4.5). */
const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_MAGIC = 0x04034b50;
const AT_VERSION = 4;
const AT_FLAGS = 6;
const AT_METHOD = 8;
const AT_CRC = 14;
const AT_COMPRESSED = 18;
const AT_SIZE = 22;
const AT_NAME_LENGTH = 26;
const VERSION = 63;
const FLAG_LZMA_END_MARK = 0x02;
const METHOD_LZMA = 14;
const METHOD_XZ = 95;
const NAME = 0x64;
/** LZMA in ZIP has its own header (5.8): version 9.20, length of the properties, the properties. */
const ZIP_LZMA_HEADER = [9, 20, 5, 0];
const LZMA_PROPERTY_BYTES = 5;
const LZMA_HEADER_BYTES = 13;
const UNKNOWN_SIZE = 0xffff_ffff_ffff_ffffn;
/** What libarchive says at the end of a member that is sound but for what the ZIP header has to say of it. */
const CONSUMED_MESSAGE = /^ZIP compressed data is wrong size \(read (\d+), expected \d+\)/;
const SUM_MESSAGE = /^ZIP bad CRC: 0x([0-9a-f]+) should be/;
const SIZE_MESSAGE = /^ZIP uncompressed data is wrong size \(read (\d+), expected \d+\)/;

let loading: Promise<LibarchiveWasm> | undefined;

/** libarchive's functions over one heap, made at first use (15 ms). */
async function libarchive(): Promise<LibarchiveWasm> {
  loading ??= import("libarchive-wasm").then(({ libarchiveWasm }) => libarchiveWasm());
  return loading;
}

/** One xz stream. */
export function decodeXzStream(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  return decodeMember("xz", METHOD_XZ, bytes, 0, options);
}

/**
 * LZMA with its 13-byte header, where that says how large the data is. Without a size the end is a mark inside the data,
 * and this reader takes a cut for it: such data is refused rather than trusted.
 */
export async function* decodeLzmaAlone(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  if (bytes.length < LZMA_HEADER_BYTES) throw truncated("lzma", options);
  const said = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(LZMA_PROPERTY_BYTES, true);
  if (said === UNKNOWN_SIZE) {
    throw codecError("bad-archive", "lzma", "does not say its size; reading that needs liblzma and koffi", options);
  }
  const wanted = Number(said);
  checkSize(wanted, "lzma", options);
  const properties = bytes.subarray(0, LZMA_PROPERTY_BYTES);
  const member = Buffer.concat([Uint8Array.from(ZIP_LZMA_HEADER), properties, bytes.subarray(LZMA_HEADER_BYTES)]);
  let total = 0;
  for await (const chunk of decodeMember("lzma", METHOD_LZMA, member, wanted, options)) {
    total += chunk.length;
    yield chunk;
  }
  if (total < wanted) throw truncated("lzma", options);
}

/** What ZIP's header says of its member. */
interface Member {
  readonly method: number;
  readonly data: Uint8Array;
  compressed: number;
  size: number;
  crc: number;
}

async function* decodeMember(codec: string, method: number, data: Uint8Array, size: number, options: CodecOptions) {
  const wasm = await libarchive();
  const member: Member = { method, data, compressed: data.length, size, crc: 0 };
  // Each try but the last only learns one of the three.
  while (!learn(wasm, codec, member, options));
  yield* runMember(wasm, codec, member, options);
}

/** True when the member can be read with what the header says now. */
function learn(wasm: LibarchiveWasm, codec: string, member: Member, options: CodecOptions): boolean {
  let total = 0;
  try {
    for (const chunk of runMember(wasm, codec, member, options)) {
      total += chunk.length;
      checkSize(total, codec, options);
    }
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const consumed = CONSUMED_MESSAGE.exec(message);
    if (consumed !== null && Number(consumed[1]) < member.compressed) {
      member.compressed = Number(consumed[1]);
      if (options.trailing !== "ignore") throw trailingBytes(codec, options, member.compressed);
      return false;
    }
    const sum = SUM_MESSAGE.exec(message);
    const size = SIZE_MESSAGE.exec(message);
    if (sum === null && size === null) throw error;
    if (sum !== null) member.crc = Number.parseInt(sum[1] as string, 16);
    if (size !== null) member.size = Number(size[1]);
    return false;
  }
}

function* runMember(wasm: LibarchiveWasm, codec: string, member: Member, options: CodecOptions) {
  const { module } = wasm;
  const header = zipHeader(member);
  const bytes = header.length + member.compressed;
  const input = module._malloc(bytes);
  const output = module._malloc(CHUNK_BYTES);
  let archive = 0;
  try {
    module.HEAP8.set(header, input);
    module.HEAP8.set(member.data.subarray(0, member.compressed), input + header.length);
    archive = wasm.read_new_memory(input, bytes, undefined);
    wasm.read_next_entry(archive);
    for (;;) {
      const size = wasm.read_data(archive, output, CHUNK_BYTES);
      if (size === 0) return;
      yield new Uint8Array(module.HEAP8.buffer, output, size).slice();
    }
  } catch (error) {
    throw memberError(error, codec, options);
  } finally {
    // After a fault inside WebAssembly nothing of it can be trusted; the next user gets a new one.
    if (loading !== undefined) {
      if (archive !== 0) wasm.read_free(archive);
      module._free(input);
      module._free(output);
    }
  }
}

function zipHeader({ method, compressed, size, crc }: Member): Uint8Array {
  const header = new Uint8Array(LOCAL_HEADER_BYTES + 1);
  const view = new DataView(header.buffer);
  view.setUint32(0, LOCAL_HEADER_MAGIC, true);
  view.setUint16(AT_VERSION, VERSION, true);
  view.setUint16(AT_FLAGS, method === METHOD_LZMA ? FLAG_LZMA_END_MARK : 0, true);
  view.setUint16(AT_METHOD, method, true);
  view.setUint32(AT_CRC, crc, true);
  view.setUint32(AT_COMPRESSED, compressed, true);
  view.setUint32(AT_SIZE, size, true);
  view.setUint16(AT_NAME_LENGTH, 1, true);
  header[LOCAL_HEADER_BYTES] = NAME;
  return header;
}

function memberError(error: unknown, codec: string, options: CodecOptions): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === "RuntimeError") loading = undefined;
  else if (
    CONSUMED_MESSAGE.test(error.message) ||
    SUM_MESSAGE.test(error.message) ||
    SIZE_MESSAGE.test(error.message)
  ) {
    return error;
  }
  // lzma_ret 10, LZMA_BUF_ERROR: no more input, and not at the end.
  if (/unknown error 10\b|[Tt]runcated|premature/.test(error.message)) return truncated(codec, options);
  return codecError("bad-archive", codec, "the data is damaged", options);
}
