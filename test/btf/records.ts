/** BTF for tests, a row of words a type, with names written as strings: `["pid_t", info(KIND_TYPEDEF), 1]`. */
import { assembleBtf } from "../../lib/btf/encode.ts";
import { FormatError } from "../../lib/btf/error.ts";
import {
  INFO_KIND_FLAG_SHIFT,
  INFO_KIND_SHIFT,
  INT_ENCODING_SHIFT,
  KIND_INT,
  KIND_VOID,
} from "../../lib/btf/format.ts";
import type { Btf } from "../../lib/btf/view.ts";

/** The words of one type: name, info, size or type, then what its kind has. A string is a name. */
export type Row = readonly (string | number)[];

/** The info word of a record. */
export function info(kind: number, vlen = 0, kindFlag = 0): number {
  return ((kindFlag << INFO_KIND_FLAG_SHIFT) | (kind << INFO_KIND_SHIFT) | vlen) >>> 0;
}

/** An INT's row. */
export function int(name: string, bytes: number, encoding = 0, bits = bytes * 8): Row {
  return [name, info(KIND_INT), bytes, (encoding << INT_ENCODING_SHIFT) | bits];
}

/** How a blob differs from a little-endian base with a 24-byte header. */
export interface BlobOptions {
  readonly littleEndian?: boolean;
  readonly layout?: Uint8Array;
  /** The base of split BTF: names and ids go on where its own end. */
  readonly base?: Btf;
  /** A string section to use as it is; names are then numbers. */
  readonly strings?: Uint8Array;
}

/** The bytes of a BTF with the given types. */
export function blob(rows: readonly Row[], options: BlobOptions = {}): Uint8Array {
  const start = options.base?.strings.length ?? 0;
  const offsets = new Map<string, number>([["", 0]]);
  const names = options.base === undefined ? [""] : [];
  let end = start + names.length;
  const words = rows.flat().map((word) => {
    if (typeof word === "number") return word;
    let offset = offsets.get(word);
    if (offset === undefined) {
      offset = end;
      offsets.set(word, offset);
      names.push(word);
      end += Buffer.byteLength(word, "utf8") + 1;
    }
    return offset;
  });
  return assembleBtf({
    words: Uint32Array.from(words),
    strings: options.strings ?? Buffer.from(names.map((name) => `${name}\0`).join(""), "utf8"),
    littleEndian: options.littleEndian ?? true,
    ...(options.layout === undefined ? {} : { layout: options.layout }),
  });
}

/** A row of a kind that is none, to put where a bad record is wanted. */
export const NO_TYPE: Row = ["", info(KIND_VOID), 0];

/** What a call throws; fails the test when that is no FormatError, or nothing. */
export function formatErrorOf(call: () => unknown): FormatError {
  try {
    call();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
