import type { CodecName } from "./codec.ts";

/** What each compressed stream starts with. */
export const MAGICS: readonly (readonly [CodecName, readonly number[]])[] = [
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["lz4-legacy", [0x02, 0x21, 0x4c, 0x18]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["lzo", [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a]],
];
const BZIP2_BLOCK_OR_END: readonly (readonly number[])[] = [
  [0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
  [0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
];
const BZIP2_LEVEL_AT = 3;
const BZIP2_BLOCK_AT = 4;
const ASCII_1 = 0x31;
const ASCII_9 = 0x39;
/** A zstd file may start with frames to be skipped: 0x184d2a50 to 5f. */
const ZSTD_SKIPPABLE = [0x2a, 0x4d, 0x18];

const LZMA_DICTIONARY_AT = 1;
const LZMA_SIZE_AT = 5;
const LZMA_HEADER_BYTES = 13;
/** lc + 9 * (lp + 5 * pb): each below its own bound gives this much at most. */
const LZMA_MAX_PROPERTIES = 224;
/** Encoders write sizes of dictionaries as 2^n or 2^n + 2^(n-1); others are hardly lzma. */
const LZMA_MAX_SIZE_HIGH = 0x100;
const UNKNOWN = 0xffff_ffff;

/** Which compression the bytes start with, by magic number, or null. LZMA has none: its 13-byte header is judged. */
export function detectCodec(bytes: Uint8Array, at = 0): CodecName | null {
  for (const [name, magic] of MAGICS) if (startsWith(bytes, at, magic)) return name;
  const first = bytes[at] ?? 0;
  if (first >> 4 === 5 && startsWith(bytes, at + 1, ZSTD_SKIPPABLE)) return "zstd";
  if (isBzip2(bytes, at)) return "bzip2";
  return isLzma(bytes, at) ? "lzma" : null;
}

/** True where the bytes at a place are those. */
export function startsWith(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  for (let i = 0; i < magic.length; i++) if (bytes[at + i] !== magic[i]) return false;
  return true;
}

function isBzip2(bytes: Uint8Array, at: number): boolean {
  const level = bytes[at + BZIP2_LEVEL_AT] ?? 0;
  if (!startsWith(bytes, at, [0x42, 0x5a, 0x68]) || level < ASCII_1 || level > ASCII_9) return false;
  // A file that is cut inside the block's magic is still bzip2.
  return BZIP2_BLOCK_OR_END.some((magic) =>
    magic.every((byte, i) => (bytes[at + BZIP2_BLOCK_AT + i] ?? byte) === byte),
  );
}

function isLzma(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at <= LZMA_HEADER_BYTES || (bytes[at] as number) > LZMA_MAX_PROPERTIES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, LZMA_HEADER_BYTES + 1);
  const dictionary = view.getUint32(LZMA_DICTIONARY_AT, true);
  const low = view.getUint32(LZMA_SIZE_AT, true);
  const high = view.getUint32(LZMA_SIZE_AT + 4, true);
  // The range coder's first byte is always 0.
  if (view.getUint8(LZMA_HEADER_BYTES) !== 0 || dictionary < 1 << 12) return false;
  const lowest = dictionary & -dictionary;
  const rest = dictionary ^ lowest;
  const isRound = dictionary === UNKNOWN || rest === 0 || rest >>> 0 === (lowest << 1) >>> 0;
  return isRound && ((low === UNKNOWN && high === UNKNOWN) || (high < LZMA_MAX_SIZE_HIGH && (low !== 0 || high !== 0)));
}
