import { startsWith } from "../codec/detect.ts";
import { archiveEnds, badArchive } from "./member.ts";

/** `!<arch>\n`. */
const MAGIC = [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e, 0x0a];
const HEADER_BYTES = 60;
const NAME_BYTES = 16;
const AT_SIZE = 48;
const SIZE_BYTES = 10;
const AT_END_MARK = 58;
const END_MARK = [0x60, 0x0a];
const ASCII = new TextDecoder("latin1");

/** A member of an ar archive: a view of the archive's bytes. */
export interface ArMember {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** True when the bytes start as an ar archive, such as a .deb. */
export function looksLikeAr(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, MAGIC);
}

/**
 * The members of an ar archive (deb(5)'s kind: short names, an optional `/` behind them).
 * @throws FormatError `truncated`, `bad-archive`.
 */
export function readAr(bytes: Uint8Array, source: string): ArMember[] {
  const members: ArMember[] = [];
  for (let at = MAGIC.length; at < bytes.length; ) {
    if (at + HEADER_BYTES > bytes.length) throw archiveEnds("ar archive", source);
    const header = bytes.subarray(at, at + HEADER_BYTES);
    const size = ASCII.decode(header.subarray(AT_SIZE, AT_SIZE + SIZE_BYTES)).trimEnd();
    if (!startsWith(header, AT_END_MARK, END_MARK) || !/^\d+$/.test(size)) {
      throw badArchive("ar archive", "a member's header is damaged", source, at);
    }
    const name = ASCII.decode(header.subarray(0, NAME_BYTES)).trimEnd().replace(/\/$/, "");
    const start = at + HEADER_BYTES;
    const end = start + Number(size);
    if (end > bytes.length) throw archiveEnds("ar archive", source, name);
    members.push({ name, bytes: bytes.subarray(start, end) });
    // Members start at even places.
    at = end + (end % 2);
  }
  return members;
}
