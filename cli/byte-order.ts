import type { Btf } from "../lib/btf/view.ts";

/** Order of the bytes in a word of a file. */
export type ByteOrder = "little" | "big";

/** The byte order of a target: its base's. */
export function byteOrderOf(target: Btf): ByteOrder {
  return target.segments[0]?.header.littleEndian === false ? "big" : "little";
}
