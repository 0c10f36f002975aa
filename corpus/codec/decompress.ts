import { FormatError } from "../../lib/btf/error.ts";
import { type CodecName, type CodecOptions, checkSize, type Decoder } from "./codec.ts";
import { detectCodec } from "./detect.ts";

/** Each codec's code, loaded when there is something for it. */
const DECODERS: Readonly<Record<CodecName, () => Promise<Decoder>>> = {
  gzip: async () => (await import("./gzip.ts")).decodeGzip,
  zstd: async () => (await import("./zstd.ts")).decodeZstd,
  xz: async () => (await import("./xz.ts")).decodeXz,
  lzma: async () => (await import("./xz.ts")).decodeLzma,
  bzip2: async () => (await import("./bzip2.ts")).decodeBzip2,
  "lz4-legacy": async () => (await import("./lz4.ts")).decodeLz4Legacy,
  lz4: async () => (await import("./lz4.ts")).decodeLz4,
  lzo: async () => (await import("./lzo.ts")).decodeLzo,
};

/**
 * Undoes a compression, piece by piece, so that what comes out need not fit into memory.
 * @throws FormatError `truncated` or `bad-archive` for damaged input (checksums are checked where the format has them;
 * pieces that came before are then worth nothing), `too-large` beyond `maxBytes`, `bad-magic` for an unknown format.
 */
export async function* decompressChunks(
  bytes: Uint8Array,
  options: CodecOptions,
  codec: CodecName | null = detectCodec(bytes),
): AsyncGenerator<Uint8Array, void, undefined> {
  if (codec === null) throw new FormatError("bad-magic", "no known compression", { source: options.source });
  const decode = await DECODERS[codec]();
  let total = 0;
  for await (const chunk of decode(bytes, options)) {
    total += chunk.length;
    checkSize(total, codec, options);
    // Parts of nothing cost no more than four bytes each, and whoever collects pieces counts on their having some.
    if (chunk.length > 0) yield chunk;
  }
}

/** As decompressChunks, all of it at once. */
export async function decompress(
  bytes: Uint8Array,
  options: CodecOptions,
  codec: CodecName | null = detectCodec(bytes),
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompressChunks(bytes, options, codec)) chunks.push(chunk);
  return joined(chunks);
}

/** Pieces as one; a single piece is not copied. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first === undefined) return new Uint8Array();
  return chunks.length === 1 ? first : Buffer.concat(chunks);
}
