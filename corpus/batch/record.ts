import { createHash } from "node:crypto";
import type { DoneKernel, FileResult, PartResult } from "./result.ts";

/**
 * A file's result as bytes, for caches, journals and queues:
 *
 *     "BGR1"  length of the payload, u32 LE  first 16 bytes of its SHA-256  payload
 *
 * The payload is the JSON's length (u32 LE), the JSON, and the kernels' BTF one after the other. What is torn or damaged
 * is not read at all.
 */
const MAGIC = [0x42, 0x47, 0x52, 0x31];
const LENGTH_AT = 4;
const DIGEST_AT = 8;
const DIGEST_BYTES = 16;
const HEADER_BYTES = DIGEST_AT + DIGEST_BYTES;
const WORD = 4;

type StoredPart = Exclude<PartResult, DoneKernel> | (Omit<DoneKernel, "bytes"> & { readonly length: number });
type StoredResult = Omit<FileResult, "parts"> & { readonly parts: readonly StoredPart[] };

/** Encodes a result. */
export function encodeRecord(result: FileResult): Uint8Array {
  const blobs: Uint8Array[] = [];
  const parts = result.parts.map((part): StoredPart => {
    if (part.state !== "done") return part;
    const { bytes, ...rest } = part;
    blobs.push(bytes);
    return { ...rest, length: bytes.length };
  });
  const json = Buffer.from(JSON.stringify({ ...result, parts } satisfies StoredResult));
  const payload = Buffer.concat([u32(json.length), json, ...blobs]);
  return Buffer.concat([Uint8Array.from(MAGIC), u32(payload.length), digest(payload), payload]);
}

/** A record found in bytes. */
export interface FoundRecord {
  readonly result: FileResult;
  /** Where the next record starts. */
  readonly end: number;
}

/** Reads the record at an offset in bytes; null where there is none, or a damaged one. Its BTF is copied out. */
export function readRecord(bytes: Uint8Array, offset = 0): FoundRecord | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length - offset < HEADER_BYTES) return null;
  if (MAGIC.some((byte, i) => bytes[offset + i] !== byte)) return null;
  const start = offset + HEADER_BYTES;
  const end = start + view.getUint32(offset + LENGTH_AT, true);
  if (end > bytes.length || end - start < WORD) return null;
  const payload = bytes.subarray(start, end);
  if (!digest(payload).equals(bytes.subarray(offset + DIGEST_AT, start))) return null;
  const jsonEnd = WORD + view.getUint32(start, true);
  // The digest held, so this is what encodeRecord wrote.
  const stored: StoredResult = JSON.parse(Buffer.from(payload.subarray(WORD, jsonEnd)).toString());
  let at = jsonEnd;
  const parts = stored.parts.map((part): PartResult => {
    if (part.state !== "done") return part;
    const { length, ...rest } = part;
    // `slice` of a Buffer would be a view.
    const blob = new Uint8Array(payload.subarray(at, at + length));
    at += length;
    return { ...rest, bytes: blob };
  });
  return { result: { ...stored, parts }, end };
}

/** Every record from the start of bytes to the first that is torn or damaged, and where that is. */
export function* readRecords(bytes: Uint8Array): Generator<FoundRecord> {
  for (let found = readRecord(bytes); found !== null; found = readRecord(bytes, found.end)) yield found;
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(WORD);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function digest(payload: Uint8Array): Buffer {
  return createHash("sha256").update(payload).digest().subarray(0, DIGEST_BYTES);
}
