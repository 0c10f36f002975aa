import { FormatError, type FormatErrorCode } from "../../lib/btf/error.ts";

/** The compressions that kernels, modules, packages and archives come in. */
export type CodecName = "gzip" | "zstd" | "xz" | "lzma" | "bzip2" | "lz4-legacy" | "lz4" | "lzo";

/** What a decoder is told. */
export interface CodecOptions {
  /** The input's name, for messages. */
  readonly source: string;
  /** Bytes of output after which it is a bomb (or not what was expected): `too-large`. */
  readonly maxBytes: number;
  /**
   * What may follow the compressed data: nothing (`refuse`, the default), or anything (`ignore`), as behind the payload
   * of a kernel image.
   */
  readonly trailing?: "refuse" | "ignore";
  /** Memory for an output whose size is known; new memory where absent. */
  readonly memory?: OutputMemory;
}

/** Gives memory for an output of so many bytes. Who gives it knows for how long it is good. */
export type OutputMemory = (bytes: number) => Uint8Array;

/** A codec: pieces of output in order. Throws FormatError `truncated`, `bad-archive` or `too-large`, at any time. */
export type Decoder = (bytes: Uint8Array, options: CodecOptions) => AsyncIterable<Uint8Array>;

/** Bytes of output a decoder hands out at a time where it can choose: more costs memory, less costs calls. */
export const CHUNK_BYTES = 1 << 20;

/** An error of a decoder, in one form for all. */
export function codecError(
  code: FormatErrorCode,
  codec: string,
  detail: string,
  { source }: CodecOptions,
  at?: number,
) {
  return new FormatError(code, `${codec}: ${detail}`, { source, ...(at === undefined ? {} : { offset: at }) });
}

/** The error of an input that ends before its data does. */
export function truncated(codec: string, options: CodecOptions): FormatError {
  return codecError("truncated", codec, "the data ends early: the file is cut off", options);
}

/** The error of bytes behind the end of the compressed data. */
export function trailingBytes(codec: string, options: CodecOptions, at: number): FormatError {
  return codecError("bad-archive", codec, "something else follows the compressed data", options, at);
}

/** Counts output against the bound. */
export function checkSize(total: number, codec: string, options: CodecOptions): void {
  if (total <= options.maxBytes) return;
  throw codecError("too-large", codec, `more than ${options.maxBytes} bytes when unpacked (--max-size)`, options);
}
