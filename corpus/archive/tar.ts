import { Readable } from "node:stream";
import { FormatError } from "../../lib/btf/error.ts";
import { joined } from "../codec/decompress.ts";
import { startsWith } from "../codec/detect.ts";
import { type ArchiveOptions, archiveEnds, badArchive, type Member, memberName, memberTooLarge } from "./member.ts";

const BLOCK_BYTES = 512;
const MAGIC_AT = 257;
/** `ustar`, the start of both POSIX's and GNU's magic. */
const MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72];
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const SPACE = 0x20;

/** True when the bytes start with a tar's header; those without a magic number (V7) are known by their checksum. */
export function looksLikeTar(bytes: Uint8Array): boolean {
  if (bytes.length < BLOCK_BYTES) return false;
  if (startsWith(bytes, MAGIC_AT, MAGIC)) return true;
  const text = String.fromCharCode(...bytes.subarray(CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES));
  const said = /^ *([0-7]+)[ \0]*$/.exec(text)?.[1];
  if (said === undefined || bytes[0] === 0) return false;
  let sum = SPACE * CHECKSUM_BYTES;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i < CHECKSUM_AT || i >= CHECKSUM_AT + CHECKSUM_BYTES) sum += bytes[i] as number;
  }
  return sum === Number.parseInt(said, 8);
}

/** What has been seen of a tar's end. */
interface Tail {
  /** Bytes seen in all. */
  total: number;
  /** Zero bytes in a row up to here. */
  zeros: number;
}

/**
 * The wanted regular files of a tar (POSIX, pax, GNU long names), one after the other, in constant memory but for
 * the member at hand.
 * @throws FormatError `truncated` also for a tar that is cut between two members: it has no end mark then.
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>, options: ArchiveOptions): AsyncGenerator<Member> {
  const { extract } = await import("tar-stream");
  const archive = extract();
  const tail: Tail = { total: 0, zeros: 0 };
  let failure: unknown;
  const source = Readable.from(watched(chunks, tail), { objectMode: false });
  source.on("error", (error) => {
    failure = error;
    archive.destroy(error);
  });
  source.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, size = 0, type, linkname } = entry.header;
      const clean = memberName(name);
      if (type !== "file" && type !== "contiguous-file") {
        if (type !== "directory") options.onOther?.(clean, otherKind(type, linkname));
        entry.resume();
      } else if (options.wanted(clean, size)) {
        if (size > options.maxBytes) throw memberTooLarge(clean, size, options);
        yield { name: clean, bytes: await contents(entry as AsyncIterable<Uint8Array>, size, clean, options) };
      } else {
        entry.resume();
      }
    }
  } catch (error) {
    throw tarError(failure ?? error, options);
  } finally {
    source.destroy();
    archive.destroy();
  }
  if (failure !== undefined) throw failure;
  // Two zero blocks end a tar; some writers make one.
  if (tail.total === 0 || tail.zeros < BLOCK_BYTES) throw archiveEnds("tar", options.source);
}

async function* watched(chunks: AsyncIterable<Uint8Array>, tail: Tail): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    tail.total += chunk.length;
    let zeros = 0;
    while (zeros < chunk.length && zeros < 2 * BLOCK_BYTES && chunk[chunk.length - 1 - zeros] === 0) zeros++;
    tail.zeros = zeros === chunk.length ? tail.zeros + zeros : zeros;
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
}

function otherKind(type: string | null, target: string): string {
  const link = (kind: string, option: string) =>
    `${kind} link to ${target}, which is not followed (tar ${option} packs the file itself)`;
  if (type === "link") return link("a hard", "--hard-dereference");
  if (type === "symlink") return link("a symbolic", "--dereference");
  return "of a kind that is not read: no plain file";
}

async function contents(
  entry: AsyncIterable<Uint8Array>,
  size: number,
  name: string,
  options: ArchiveOptions,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const piece of entry) {
    pieces.push(piece);
    total += piece.length;
  }
  if (total !== size) throw archiveEnds("tar", options.source, name);
  return joined(pieces);
}

function tarError(error: unknown, { source }: ArchiveOptions): unknown {
  if (error instanceof FormatError || !(error instanceof Error)) return error;
  if (/[Uu]nexpected end|[Pp]remature|[Ww]ritable stream closed/.test(error.message)) return archiveEnds("tar", source);
  if (/header|checksum|tar|pax|[Ss]ize/i.test(error.message)) return badArchive("tar", "a header is damaged", source);
  return error;
}
