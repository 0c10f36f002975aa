import { FormatError } from "../../lib/btf/error.ts";
import { BTF_MAGIC, BTF_VERSION, HEADER_BYTES } from "../../lib/btf/format.ts";
import { parseHeader } from "../../lib/btf/header.ts";
import { parseBtf } from "../../lib/btf/parse.ts";

/** Smaller ones are not a kernel's: the smallest have a megabyte. */
const LEAST_BYTES = 1 << 10;
/**
 * How many times the image's own bytes all that looks like BTF may have: what is BTF does not overlap, and chance makes a
 * header once in 2 GB. Judging what was made to look so would take the square of the image.
 */
const MOST_TIMES = 4;

/**
 * The BTF inside bytes that have no table of sections, as flat kernel images: every place that looks like a header is
 * judged, the largest first, and the first that is valid in whole is it. A view of the bytes; null where there is none.
 * @throws FormatError `bad-archive` where too much looks like BTF.
 */
export function findBtf(bytes: Uint8Array, source: string): Uint8Array | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const candidates: Uint8Array[] = [];
  let left = MOST_TIMES * bytes.length;
  for (const at of headersIn(buffer)) {
    const candidate = candidateAt(buffer.subarray(at));
    if (candidate !== null) candidates.push(candidate);
    left -= candidate?.length ?? LEAST_BYTES;
    if (left < 0) {
      throw new FormatError("bad-archive", "what looks like BTF is in too many places to be a kernel's", { source });
    }
  }
  candidates.sort((a, b) => b.length - a.length || a.byteOffset - b.byteOffset);
  return candidates.find(isBtf) ?? null;
}

function* headersIn(buffer: Buffer): Generator<number> {
  for (const order of [
    [BTF_MAGIC & 0xff, BTF_MAGIC >> 8],
    [BTF_MAGIC >> 8, BTF_MAGIC & 0xff],
  ]) {
    const start = Uint8Array.of(...order, BTF_VERSION, 0);
    for (let at = buffer.indexOf(start); at !== -1; at = buffer.indexOf(start, at + 1)) yield at;
  }
}

function candidateAt(bytes: Uint8Array): Uint8Array | null {
  try {
    const header = parseHeader(bytes, "");
    const { headerLength, typeOffset, typeLength, stringOffset, stringLength } = header;
    const size = headerLength + stringOffset + stringLength;
    const isKernels = headerLength >= HEADER_BYTES && typeOffset === 0 && typeLength > 0 && size >= LEAST_BYTES;
    return isKernels ? bytes.subarray(0, size) : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

function isBtf(bytes: Uint8Array): boolean {
  try {
    parseBtf(bytes);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
