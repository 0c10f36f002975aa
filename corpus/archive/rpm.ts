import { decompressChunks } from "../codec/decompress.ts";
import { detectCodec, startsWith } from "../codec/detect.ts";
import { readCpio } from "./cpio.ts";
import { type ArchiveOptions, archiveEnds, badArchive, type Member } from "./member.ts";

const KIND = "rpm package";
/** The lead (rpm's docs/manual/format_lead.md): magic, then nothing that still counts. */
const LEAD_MAGIC = [0xed, 0xab, 0xee, 0xdb];
const LEAD_BYTES = 96;
/** A header structure (format_header.md): magic, version, counts, index, data. */
const HEADER_MAGIC = [0x8e, 0xad, 0xe8, 0x01];
const INTRO_BYTES = 16;
const AT_ENTRIES = 8;
const AT_DATA_BYTES = 12;
const ENTRY_BYTES = 16;
const MAX_ENTRIES = 1 << 16;
const MAX_DATA_BYTES = 256 << 20;
const SIGNATURE_ALIGNMENT = 8;
const TYPE_STRING = 6;
const TYPE_STRING_ARRAY = 8;
const TYPE_I18N_STRING = 9;
/** Tags that are read (format_v4: tags.md). */
const TAGS = {
  name: 1000,
  version: 1001,
  release: 1002,
  distribution: 1010,
  vendor: 1011,
  arch: 1022,
  payloadFormat: 1124,
  payloadCompressor: 1125,
  payloadDigest: 5092,
} as const;
const TEXT = new TextDecoder();

/** What a package's header says; an absent tag is an empty string. */
export type RpmTags = { readonly [K in keyof typeof TAGS]: string };

/** A package, opened. */
export interface Rpm {
  readonly tags: RpmTags;
  /** The cpio archive, compressed. */
  readonly payload: Uint8Array;
}

/** True when the bytes start as an rpm package. */
export function looksLikeRpm(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, LEAD_MAGIC);
}

/**
 * Opens an rpm package: lead, signature, header, payload.
 * @throws FormatError `truncated`, `bad-archive`.
 */
export function openRpm(bytes: Uint8Array, source: string): Rpm {
  const signature = headerAt(bytes, LEAD_BYTES, source);
  const padding = (SIGNATURE_ALIGNMENT - (signature.end % SIGNATURE_ALIGNMENT)) % SIGNATURE_ALIGNMENT;
  const header = headerAt(bytes, signature.end + padding, source);
  const tag = (wanted: number) => header.text(wanted);
  const tags = Object.fromEntries(Object.entries(TAGS).map(([name, number]) => [name, tag(number)])) as RpmTags;
  if (header.end >= bytes.length) throw archiveEnds(KIND, source);
  if (tags.payloadFormat !== "" && tags.payloadFormat !== "cpio") {
    throw badArchive(KIND, `a payload of the kind ${tags.payloadFormat}, expected cpio`, source);
  }
  return { tags, payload: bytes.subarray(header.end) };
}

/** The wanted regular files of an opened package. */
export async function* readRpmPayload({ payload }: Rpm, options: ArchiveOptions): AsyncGenerator<Member> {
  const codec = detectCodec(payload);
  const source = `${options.source}!payload`;
  const chunks =
    codec === null ? once(payload) : decompressChunks(payload, { source, maxBytes: Number.MAX_SAFE_INTEGER }, codec);
  yield* readCpio(chunks, options);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function headerAt(bytes: Uint8Array, start: number, source: string) {
  if (start + INTRO_BYTES > bytes.length) throw archiveEnds(KIND, source);
  if (!startsWith(bytes, start, HEADER_MAGIC)) throw badArchive(KIND, "no header where one must be", source, start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = view.getUint32(start + AT_ENTRIES, false);
  const dataBytes = view.getUint32(start + AT_DATA_BYTES, false);
  if (entries > MAX_ENTRIES || dataBytes > MAX_DATA_BYTES) throw badArchive(KIND, "a header too large", source, start);
  const index = start + INTRO_BYTES;
  const data = index + entries * ENTRY_BYTES;
  const end = data + dataBytes;
  if (end > bytes.length) throw archiveEnds(KIND, source);
  const text = (wanted: number): string => {
    for (let at = index; at < data; at += ENTRY_BYTES) {
      if (view.getUint32(at, false) !== wanted) continue;
      const type = view.getUint32(at + 4, false);
      if (type !== TYPE_STRING && type !== TYPE_STRING_ARRAY && type !== TYPE_I18N_STRING) return "";
      const from = data + view.getUint32(at + 8, false);
      const to = bytes.indexOf(0, from);
      if (from >= end || to === -1 || to >= end)
        throw badArchive(KIND, "a header's string is outside of it", source, at);
      return TEXT.decode(bytes.subarray(from, to));
    }
    return "";
  };
  return { end, text };
}
