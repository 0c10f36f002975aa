import type { Btf } from "../../lib/btf/view.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { InputError } from "../errors.ts";

/** Order of the bytes in a word of a file. */
export type ByteOrder = "little" | "big";

/** The byte order of a target: its base's. */
export function byteOrderOf(target: Btf): ByteOrder {
  return target.segments[0]?.header.littleEndian === false ? "big" : "little";
}

/** Throws InputError for an object that is of another byte order than a target. */
export function requireByteOrder({ source, littleEndian }: BpfObject, target: Btf): void {
  const order = byteOrderOf(target);
  if (littleEndian === (order === "little")) return;
  throw new InputError(source, `is of another byte order than the target, which is ${order}-endian`);
}
