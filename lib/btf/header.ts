import { FormatError } from "./error.ts";
import { BTF_MAGIC, BTF_VERSION, HEADER_BYTES, HEADER_WITH_LAYOUT_BYTES } from "./format.ts";
import type { BtfHeader } from "./view.ts";

const SECTION = "BTF header";
/** Byte positions of the header's fields (`struct btf_header`). */
const AT_VERSION = 2;
const AT_FLAGS = 3;
const AT_HEADER_LENGTH = 4;
const AT_TYPE_OFFSET = 8;
const AT_TYPE_LENGTH = 12;
const AT_STRING_OFFSET = 16;
const AT_STRING_LENGTH = 20;
const AT_LAYOUT_OFFSET = 24;
const AT_LAYOUT_LENGTH = 28;

/** True when the bytes start with BTF's magic number in either byte order. */
export function looksLikeBtf(bytes: Uint8Array): boolean {
  const magic = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  return bytes.length >= 4 && (magic === BTF_MAGIC || magic === (((BTF_MAGIC & 0xff) << 8) | (BTF_MAGIC >> 8)));
}

/**
 * Reads and checks the header: the sections lie inside the file, types before strings, the layout (if any) between
 * them (libbpf btf.c, btf_parse_hdr).
 * @throws FormatError when the bytes are no BTF, are cut short, or their sections overlap.
 */
export function parseHeader(bytes: Uint8Array, source: string): BtfHeader {
  const fail = (code: "truncated" | "bad-magic" | "bad-version" | "bad-header", detail: string, offset: number) => {
    throw new FormatError(code, detail, { source, section: SECTION, offset });
  };
  if (bytes.length < HEADER_BYTES) {
    fail("truncated", `${bytes.length} bytes, but a BTF header takes at least ${HEADER_BYTES}`, 0);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = view.getUint16(0, true) === BTF_MAGIC;
  if (!littleEndian && view.getUint16(0, false) !== BTF_MAGIC) {
    fail("bad-magic", `not BTF: magic is 0x${view.getUint16(0, true).toString(16)}, expected 0xeb9f`, 0);
  }
  const version = view.getUint8(AT_VERSION);
  if (version !== BTF_VERSION) fail("bad-version", `version ${version}, this library reads ${BTF_VERSION}`, AT_VERSION);
  const at = (offset: number) => view.getUint32(offset, littleEndian);
  const headerLength = at(AT_HEADER_LENGTH);
  if (headerLength < HEADER_BYTES || headerLength > bytes.length) {
    fail(
      "bad-header",
      `header length ${headerLength}, expected ${HEADER_BYTES} to the file's ${bytes.length} bytes`,
      AT_HEADER_LENGTH,
    );
  }
  const hasLayout = headerLength >= HEADER_WITH_LAYOUT_BYTES;
  const header: BtfHeader = {
    littleEndian,
    flags: view.getUint8(AT_FLAGS),
    headerLength,
    typeOffset: at(AT_TYPE_OFFSET),
    typeLength: at(AT_TYPE_LENGTH),
    stringOffset: at(AT_STRING_OFFSET),
    stringLength: at(AT_STRING_LENGTH),
    layoutOffset: hasLayout ? at(AT_LAYOUT_OFFSET) : 0,
    layoutLength: hasLayout ? at(AT_LAYOUT_LENGTH) : 0,
  };
  const room = bytes.length - headerLength;
  if (header.stringOffset + header.stringLength > room) {
    fail(
      "truncated",
      `strings at ${header.stringOffset} + ${header.stringLength}, but only ${room} bytes follow the header`,
      AT_STRING_OFFSET,
    );
  }
  if (header.typeOffset + header.typeLength > header.stringOffset) {
    fail(
      "bad-header",
      `types at ${header.typeOffset} + ${header.typeLength} overlap the strings at ${header.stringOffset}`,
      AT_TYPE_OFFSET,
    );
  }
  if (header.typeOffset % 4 !== 0)
    fail("bad-header", `types at ${header.typeOffset}, not a multiple of 4`, AT_TYPE_OFFSET);
  if (header.typeLength % 4 !== 0) {
    fail("bad-header", `type section of ${header.typeLength} bytes, not a multiple of 4`, AT_TYPE_LENGTH);
  }
  if (header.layoutLength !== 0) checkLayoutPlace(header, fail);
  return header;
}

function checkLayoutPlace(header: BtfHeader, fail: (code: "bad-header", detail: string, offset: number) => void): void {
  const { layoutOffset, layoutLength, typeOffset, typeLength, stringOffset } = header;
  if (layoutOffset % 4 !== 0 || layoutLength % 4 !== 0) {
    fail("bad-header", `layout at ${layoutOffset} + ${layoutLength}, not multiples of 4`, AT_LAYOUT_OFFSET);
  }
  if (layoutOffset < typeOffset + typeLength || layoutOffset + layoutLength > stringOffset) {
    fail(
      "bad-header",
      `layout at ${layoutOffset} + ${layoutLength} is not between the types and the strings`,
      AT_LAYOUT_OFFSET,
    );
  }
}

/**
 * True for split BTF, a module's: its strings go on where its base's end and so do not begin with an empty one, or it has
 * none of its own.
 * @throws FormatError as parseHeader.
 */
export function isSplitBtf(bytes: Uint8Array, source: string): boolean {
  const { headerLength, stringOffset, stringLength } = parseHeader(bytes, source);
  return stringLength === 0 || bytes[headerLength + stringOffset] !== 0;
}
