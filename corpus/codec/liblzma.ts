import { CHUNK_BYTES, type CodecOptions, codecError, type OutputMemory, truncated } from "./codec.ts";

/** The system's library by its names: glibc and musl, then macOS. */
const LIBRARIES = ["liblzma.so.5", "liblzma.5.dylib"] as const;
/** `lzma_ret`, `lzma_action` and flags (lzma/base.h, lzma/container.h). */
const LZMA_OK = 0;
const LZMA_STREAM_END = 1;
const LZMA_MEM_ERROR = 5;
const LZMA_MEMLIMIT_ERROR = 6;
const LZMA_BUF_ERROR = 10;
const LZMA_CONCATENATED = 0x08;
const LZMA_CHECK_CRC64 = 4;
const LZMA_RUN = 0;
const LZMA_FINISH = 3;
/** A decoder with the largest dictionary of `xz -9` takes 65 MB. */
const MEMORY_LIMIT = 1 << 30;

/** `lzma_stream` on 64-bit systems (lzma/base.h): bytes and fields' places. */
const STREAM_BYTES = 136;
const AT_NEXT_IN = 0;
const AT_AVAIL_IN = 8;
const AT_TOTAL_IN = 16;
const AT_NEXT_OUT = 24;
const AT_AVAIL_OUT = 32;

/** A spare decoder holds what `xz -9` needs. */
const SPARE_BYTES = 80 << 20;

/** What an .xz may be larger than its content: headers, index, and blocks that do not get smaller. */
const ENCODED_EXTRA = 1 << 16;

/** What the library is asked to read. */
export type LzmaFormat = "xz" | "lzma";

/** The library, loaded. */
export interface Liblzma {
  readonly address: (bytes: Uint8Array) => bigint;
  readonly openXz: (stream: Uint8Array, memoryLimit: number, flags: number) => number;
  readonly openLzma: (stream: Uint8Array, memoryLimit: number) => number;
  readonly openXzEncoder: (stream: Uint8Array, preset: number, check: number) => number;
  readonly code: (stream: Uint8Array, action: number) => number;
  readonly end: (stream: Uint8Array) => void;
  /** Bytes that an open stream holds. */
  readonly memoryOf: (stream: Uint8Array) => number | bigint;
}

/**
 * A decoder that is done, for the next one: the library uses the memory of a stream again that was not ended
 * (lzma/base.h), where a new dictionary for each kernel would have the system clear 8 MB for it.
 */
let spareStream: Uint8Array | null = null;

let library: Promise<Liblzma | null> | undefined;

/** The system's liblzma by way of koffi; null where either is missing. Faster than WebAssembly by half, and it streams. */
export function loadLiblzma(): Promise<Liblzma | null> {
  library ??= open();
  return library;
}

async function open(): Promise<Liblzma | null> {
  // The layout above is that of 64-bit systems of little byte order.
  if (process.arch !== "x64" && process.arch !== "arm64") return null;
  try {
    const { default: koffi } = await import("koffi");
    for (const name of LIBRARIES) {
      try {
        const handle = koffi.load(name);
        return {
          address: (bytes) => BigInt(koffi.address(bytes)),
          openXz: handle.func("int lzma_stream_decoder(_Inout_ uint8_t *stream, uint64_t memlimit, uint32_t flags)"),
          openLzma: handle.func("int lzma_alone_decoder(_Inout_ uint8_t *stream, uint64_t memlimit)"),
          openXzEncoder: handle.func("int lzma_easy_encoder(_Inout_ uint8_t *stream, uint32_t preset, int check)"),
          code: handle.func("int lzma_code(uint8_t *stream, int action)"),
          end: handle.func("void lzma_end(uint8_t *stream)"),
          memoryOf: handle.func("uint64_t lzma_memusage(const uint8_t *stream)"),
        };
      } catch {
        // The next name, or none.
      }
    }
  } catch {
    // koffi is optional.
  }
  return null;
}

/**
 * Decodes with the library, in pieces of at most `pieceBytes` (known sizes come out in one piece, which saves copies).
 * @throws FormatError `truncated`, `bad-archive`.
 */
export function* decodeWith(
  library: Liblzma,
  format: LzmaFormat,
  bytes: Uint8Array,
  options: CodecOptions,
  pieceBytes: number = CHUNK_BYTES,
  memory: OutputMemory = newMemory,
): Generator<Uint8Array> {
  const stream = spareStream ?? new Uint8Array(STREAM_BYTES);
  spareStream = null;
  const view = new DataView(stream.buffer);
  const single = options.trailing === "ignore";
  const opened =
    format === "xz"
      ? library.openXz(stream, MEMORY_LIMIT, single ? 0 : LZMA_CONCATENATED)
      : library.openLzma(stream, MEMORY_LIMIT);
  try {
    if (opened !== LZMA_OK) throw lzmaError(opened, format, options);
    view.setBigUint64(AT_NEXT_IN, library.address(bytes), true);
    view.setBigUint64(AT_AVAIL_IN, BigInt(bytes.length), true);
    for (let result = LZMA_OK; result !== LZMA_STREAM_END; ) {
      const piece = memory(pieceBytes);
      view.setBigUint64(AT_NEXT_OUT, library.address(piece), true);
      view.setBigUint64(AT_AVAIL_OUT, BigInt(pieceBytes), true);
      const before = view.getBigUint64(AT_TOTAL_IN, true);
      result = library.code(stream, format === "xz" && !single ? LZMA_FINISH : LZMA_RUN);
      if (result !== LZMA_OK && result !== LZMA_STREAM_END) throw lzmaError(result, format, options);
      const size = pieceBytes - Number(view.getBigUint64(AT_AVAIL_OUT, true));
      if (size > 0) yield size === pieceBytes ? piece : piece.subarray(0, size);
      else if (result === LZMA_OK && view.getBigUint64(AT_TOTAL_IN, true) === before) throw truncated(format, options);
    }
    const rest = Number(view.getBigUint64(AT_AVAIL_IN, true));
    if (!single && rest > 0) {
      throw codecError(
        "bad-archive",
        format,
        "something else follows the compressed data",
        options,
        bytes.length - rest,
      );
    }
  } finally {
    if (spareStream === null && library.memoryOf(stream) <= SPARE_BYTES) spareStream = stream;
    else library.end(stream);
  }
}

const newMemory: OutputMemory = (bytes) => Buffer.allocUnsafeSlow(bytes);

/**
 * Encodes with the library as `xz -T1 --check=crc64` with this preset does: byte for byte the same, where the program
 * has the same version of the library.
 * @throws Error where the library has no memory for it (preset 9 takes 674 MB of address space).
 */
export function encodeXz(library: Liblzma, bytes: Uint8Array, preset: number): Uint8Array {
  const stream = new Uint8Array(STREAM_BYTES);
  const view = new DataView(stream.buffer);
  const out = Buffer.allocUnsafeSlow(bytes.length + (bytes.length >> 8) + ENCODED_EXTRA);
  try {
    if (library.openXzEncoder(stream, preset, LZMA_CHECK_CRC64) !== LZMA_OK) throw new Error("liblzma has no memory");
    view.setBigUint64(AT_NEXT_IN, library.address(bytes), true);
    view.setBigUint64(AT_AVAIL_IN, BigInt(bytes.length), true);
    view.setBigUint64(AT_NEXT_OUT, library.address(out), true);
    view.setBigUint64(AT_AVAIL_OUT, BigInt(out.length), true);
    // There is room for the worst case, so one call does all.
    if (library.code(stream, LZMA_FINISH) !== LZMA_STREAM_END) throw new Error("liblzma did not finish");
    return out.subarray(0, out.length - Number(view.getBigUint64(AT_AVAIL_OUT, true)));
  } finally {
    library.end(stream);
  }
}

function lzmaError(result: number, format: LzmaFormat, options: CodecOptions) {
  if (result === LZMA_BUF_ERROR) return truncated(format, options);
  if (result === LZMA_MEM_ERROR || result === LZMA_MEMLIMIT_ERROR) {
    return codecError("too-large", format, "its dictionary takes more than 1 GiB of memory", options);
  }
  return codecError("bad-archive", format, "the data is damaged", options);
}
