import { FormatError } from "../../lib/btf/error.ts";
import type { CodecOptions } from "../codec/codec.ts";
import { decompressChunks } from "../codec/decompress.ts";
import { detectCodec } from "../codec/detect.ts";
import { type ArMember, readAr } from "./ar.ts";
import { type ArchiveOptions, archiveEnds, badArchive, type Member } from "./member.ts";
import { readTar } from "./tar.ts";

/** The control data that is read, with what it may have of bytes: many times what any has. */
const CONTROL_FILES: ReadonlyMap<string, number> = new Map([
  ["control", 1 << 20],
  ["md5sums", 32 << 20],
]);
const TEXT = new TextDecoder();

/** What a Debian package says of itself. */
export interface DebControl {
  /** Fields of its control file, by lower-case name: `package`, `version`, `architecture`, `maintainer`. */
  readonly fields: ReadonlyMap<string, string>;
  /** MD5 of files, hexadecimal, by their names in the package (no leading `./`); empty where it has none. */
  readonly sums: ReadonlyMap<string, string>;
}

/** A package, opened: its parts are found and its control data read. */
export interface Deb {
  readonly control: DebControl;
  /** `data.tar`, compressed in any way or not at all. */
  readonly data: ArMember;
}

/**
 * Opens a .deb (deb(5)): an ar archive with `debian-binary`, `control.tar.*` and `data.tar.*`, in this order.
 * @throws FormatError for anything that is damaged or not there.
 */
export async function openDeb(bytes: Uint8Array, source: string): Promise<Deb> {
  const members = readAr(bytes, source);
  if (members[0]?.name !== "debian-binary") throw badArchive("ar archive", "not a Debian package", source);
  const part = (prefix: string): ArMember => {
    const found = members.find(({ name }) => name === prefix || name.startsWith(`${prefix}.`));
    if (found === undefined) throw archiveEnds("package", source);
    return found;
  };
  const control = part("control.tar");
  const files = new Map<string, string>();
  const inside = `${source}!${control.name}`;
  const wanted = (name: string, size: number) => {
    const most = CONTROL_FILES.get(name);
    if (most !== undefined && size > most) {
      const detail = `${size} bytes, more than the ${most} that a package may say of itself`;
      throw new FormatError("too-large", detail, { source: `${inside}!${name}` });
    }
    return most !== undefined;
  };
  const options = { source: inside, wanted, maxBytes: Number.MAX_SAFE_INTEGER };
  for await (const { name, bytes: file } of readTar(tarChunks(control.bytes, inside), options)) {
    files.set(name, TEXT.decode(file));
  }
  return {
    control: { fields: fieldsOf(files.get("control") ?? ""), sums: sumsOf(files.get("md5sums") ?? "") },
    data: part("data.tar"),
  };
}

/** The wanted regular files of an opened package. */
export async function* readDebData({ data }: Deb, options: ArchiveOptions): AsyncGenerator<Member> {
  yield* readTar(tarChunks(data.bytes, `${options.source}!${data.name}`), options);
}

/** A tar's bytes, whatever it is compressed with. No bound: they are looked at piece by piece and not kept. */
export async function* tarChunks(bytes: Uint8Array, source: string): AsyncGenerator<Uint8Array> {
  const codec = detectCodec(bytes);
  const options: CodecOptions = { source, maxBytes: Number.MAX_SAFE_INTEGER };
  if (codec === null) yield bytes;
  else yield* decompressChunks(bytes, options, codec);
}

function fieldsOf(control: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of control.split("\n")) {
    const name = /^[^\s:]+(?=:)/.exec(line)?.[0];
    if (name !== undefined) fields.set(name.toLowerCase(), line.slice(name.length + 1).trim());
  }
  return fields;
}

function sumsOf(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const entry = /^([0-9a-f]{32}) [ *](.+)$/.exec(line);
    if (entry !== null) sums.set((entry[2] as string).replace(/^\.?\//, ""), entry[1] as string);
  }
  return sums;
}
