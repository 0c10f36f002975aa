import { FormatError } from "../../lib/btf/error.ts";
import { BTF_MAGIC, BTF_VERSION, HEADER_BYTES } from "../../lib/btf/format.ts";
import { parseHeader } from "../../lib/btf/header.ts";
import { parseBtf } from "../../lib/btf/parse.ts";

/** Smaller ones are not a kernel's: the smallest have a megabyte. */
const LEAST_BYTES = 1 << 10;

/**
 * The BTF inside bytes that have no table of sections, as flat kernel images: every place that looks like a header is
 * judged, the largest first, and the first that is valid in whole is it. A view of the bytes; null where there is none.
 */
export function findBtf(bytes: Uint8Array): Uint8Array | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const candidates = [...headersIn(buffer, true), ...headersIn(buffer, false)];
  candidates.sort((a, b) => b.length - a.length || a.byteOffset - b.byteOffset);
  return candidates.find(isBtf) ?? null;
}

function headersIn(buffer: Buffer, littleEndian: boolean): Uint8Array[] {
  const magic = Buffer.alloc(4);
  if (littleEndian) magic.writeUInt16LE(BTF_MAGIC);
  else magic.writeUInt16BE(BTF_MAGIC);
  magic[2] = BTF_VERSION;
  const found: Uint8Array[] = [];
  for (let at = buffer.indexOf(magic); at !== -1; at = buffer.indexOf(magic, at + 1)) {
    const candidate = candidateAt(buffer.subarray(at));
    if (candidate !== null) found.push(candidate);
  }
  return found;
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
