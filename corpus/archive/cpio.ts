import { type ArchiveOptions, archiveEnds, badArchive, type Member, memberName, memberTooLarge } from "./member.ts";
import { ByteQueue } from "./queue.ts";

/** The "new ASCII" format, without and with checksums (cpio(5)), and rpm's own for files above 4 GiB. */
const MAGIC_NEW = "070701";
const MAGIC_CRC = "070702";
const MAGIC_RPM = "07070X";
const MAGIC_BYTES = 6;
const HEADER_BYTES = 110;
const FIELD_BYTES = 8;
const AT_MODE = 14;
const AT_SIZE = 54;
const AT_NAME_SIZE = 94;
const TYPE_MASK = 0o170000;
const TYPE_REGULAR = 0o100000;
const TYPE_DIRECTORY = 0o040000;
const ALIGNMENT = 4;
const END_NAME = "TRAILER!!!";
const MAX_NAME_BYTES = 1 << 16;
const TEXT = new TextDecoder();

/** True when the bytes start as a cpio archive of the new format. */
export function looksLikeCpio(bytes: Uint8Array): boolean {
  const magic = TEXT.decode(bytes.subarray(0, MAGIC_BYTES));
  return magic === MAGIC_NEW || magic === MAGIC_CRC;
}

/**
 * The wanted regular files of a cpio archive, in constant memory but for the member at hand. Hard-linked files
 * have their contents with the last of their names only, as cpio writes them; the others come out empty.
 * @throws FormatError `truncated` for an archive without its end mark, `bad-archive`, `too-large`.
 */
export async function* readCpio(chunks: AsyncIterable<Uint8Array>, options: ArchiveOptions): AsyncGenerator<Member> {
  const queue = new ByteQueue(chunks);
  const { source } = options;
  for (;;) {
    const at = queue.position;
    const header = await queue.take(HEADER_BYTES);
    if (header === null) throw archiveEnds("cpio archive", source);
    const text = TEXT.decode(header);
    const magic = text.slice(0, MAGIC_BYTES);
    if (magic === MAGIC_RPM) {
      throw badArchive("cpio archive", "rpm's format for files above 4 GiB, which no kernel package needs", source, at);
    }
    if ((magic !== MAGIC_NEW && magic !== MAGIC_CRC) || !/^[0-9a-fA-F]+$/.test(text)) {
      throw badArchive("cpio archive", "a member's header is damaged", source, at);
    }
    const field = (place: number) => Number.parseInt(text.slice(place, place + FIELD_BYTES), 16);
    const size = field(AT_SIZE);
    const nameSize = field(AT_NAME_SIZE);
    if (nameSize > MAX_NAME_BYTES) throw badArchive("cpio archive", "a name is too long", source, at);
    const nameBytes = await queue.take(nameSize + padding(HEADER_BYTES + nameSize));
    if (nameBytes === null) throw archiveEnds("cpio archive", source);
    const name = memberName(TEXT.decode(nameBytes.subarray(0, Math.max(0, nameSize - 1))));
    if (name === END_NAME) break;
    const type = field(AT_MODE) & TYPE_MASK;
    const wanted = type === TYPE_REGULAR && options.wanted(name, size);
    if (type !== TYPE_REGULAR && type !== TYPE_DIRECTORY) options.onOther?.(name, "a link, which is not followed");
    if (wanted && size > options.maxBytes) throw memberTooLarge(name, size, options);
    const bytes = wanted ? await queue.take(size) : await queue.skip(size);
    if (bytes === null || (await queue.skip(padding(size))) === null) throw archiveEnds("cpio archive", source, name);
    if (wanted) yield { name, bytes };
  }
  // What follows is padding, but the compression's checksum comes after it.
  await queue.drain();
}

function padding(size: number): number {
  return (ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT;
}
