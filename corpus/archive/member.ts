import { FormatError } from "../../lib/btf/error.ts";

/** A regular file out of an archive. */
export interface Member {
  /**
   * Its name in the archive, as it is there but without leading `./` and `/`. It is for messages and for judging what the
   * member is: it may have `..` in it, and must never become a path to write to.
   */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** How an archive is read. */
export interface ArchiveOptions {
  /** The archive's name, for messages. */
  readonly source: string;
  /** Members that are wanted, by name and size in bytes; others are passed over without being kept. */
  readonly wanted: (name: string, size: number) => boolean;
  /** Told of what promises to be a file but has no contents here, in words: `a hard link to x, which is not followed`. */
  readonly onOther?: (name: string, what: string) => void;
  /** A wanted member with more bytes than this is an error: `too-large`. */
  readonly maxBytes: number;
}

/** Name of a member as Member has it. */
export function memberName(name: string): string {
  return name.replace(/^(?:\.?\/+)+/, "");
}

/** The error of a member above the bound. */
export function memberTooLarge(name: string, size: number, { source, maxBytes }: ArchiveOptions): FormatError {
  const detail = `${size} bytes, more than the ${maxBytes} that are allowed (--max-size)`;
  return new FormatError("too-large", detail, { source: `${source}!${name}` });
}

/** The error of an archive that ends before it should. */
export function archiveEnds(kind: string, source: string, inside?: string): FormatError {
  const where = inside === undefined ? "" : ` inside ${inside}`;
  return new FormatError("truncated", `the ${kind} ends early${where}: the file is cut off`, { source });
}

/** The error of an archive whose structure makes no sense. */
export function badArchive(kind: string, detail: string, source: string, offset?: number): FormatError {
  return new FormatError("bad-archive", `${kind}: ${detail}`, { source, ...(offset === undefined ? {} : { offset }) });
}
