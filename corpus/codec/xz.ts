import { type CodecOptions, checkSize } from "./codec.ts";
import { decodeWith, loadLiblzma } from "./liblzma.ts";
import { xzStreams } from "./xz-index.ts";

/** Up to this size the output is one piece: a kernel's BTF in its archive. */
const ONE_PIECE_BYTES = 32 << 20;

/**
 * xz: one stream or several. Judged from the end first: how large it is when decoded, and that nothing is missing.
 * @throws FormatError as every decoder; `truncated` for any proper prefix of a file.
 */
export async function* decodeXz(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  const library = await loadLiblzma();
  if (options.trailing === "ignore") {
    if (library !== null) yield* decodeWith(library, "xz", bytes, options);
    else yield* (await import("./wasm.ts")).decodeXzStream(bytes, options);
    return;
  }
  const streams = xzStreams(bytes, options);
  const size = streams.reduce((sum, stream) => sum + stream.size, 0);
  checkSize(size, "xz", options);
  if (library !== null) {
    if (size >= ONE_PIECE_BYTES) yield* decodeWith(library, "xz", bytes, options);
    // One byte more than there is lets the decoder see the end in the same call.
    else yield* decodeWith(library, "xz", bytes, options, size + 1, options.memory);
    return;
  }
  const { decodeXzStream } = await import("./wasm.ts");
  for (const { start, end } of streams) yield* decodeXzStream(bytes.subarray(start, end), options);
}

/** LZMA with its 13-byte header (`.lzma`). The format has no checksum, and its size may be missing. */
export async function* decodeLzma(bytes: Uint8Array, options: CodecOptions): AsyncGenerator<Uint8Array> {
  const library = await loadLiblzma();
  if (library !== null) yield* decodeWith(library, "lzma", bytes, options);
  else yield* (await import("./wasm.ts")).decodeLzmaAlone(bytes, options);
}
