/** BTF of one INT whose sections are in an order of one's choice, which no writer makes. */
import { HEADER_BYTES } from "../../lib/btf/format.ts";
import { layoutOfKnownKinds } from "../../lib/btf/layout.ts";
import { btf, int } from "./builder.ts";

export type SectionName = "types" | "layout" | "strings";

/** Every order of three sections but that of writers. */
export const LAYOUT_ORDERS: readonly (readonly SectionName[])[] = [
  ["layout", "types", "strings"],
  ["types", "strings", "layout"],
  ["layout", "strings", "types"],
  ["strings", "types", "layout"],
  ["strings", "layout", "types"],
];
/** Of each one's offset in the header; its length is behind that. */
const PLACES = { types: 8, layout: 24, strings: 16 } as const;
const TYPE_BYTES = 16;
const plain = btf([int("int", 4)]);
const CONTENTS: Readonly<Record<SectionName, Uint8Array>> = {
  types: plain.subarray(HEADER_BYTES, HEADER_BYTES + TYPE_BYTES),
  layout: layoutOfKnownKinds(),
  // Whole words, so that what follows is in its place.
  strings: Uint8Array.from([...plain.subarray(HEADER_BYTES + TYPE_BYTES), 0, 0, 0]),
};

/** A header of so many bytes, and the sections behind it. */
export function inOrder(headerBytes: number, ...order: readonly SectionName[]): Uint8Array {
  const bytes = Buffer.concat([new Uint8Array(headerBytes), ...order.map((name) => CONTENTS[name])]);
  bytes.set(plain.subarray(0, 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(4, headerBytes, true);
  let offset = 0;
  for (const name of order) {
    view.setUint32(PLACES[name], offset, true);
    view.setUint32(PLACES[name] + 4, CONTENTS[name].length, true);
    offset += CONTENTS[name].length;
  }
  return new Uint8Array(bytes);
}
