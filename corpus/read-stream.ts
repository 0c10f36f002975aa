import { createReadStream } from "node:fs";
import { FormatError } from "../lib/btf/error.ts";

/**
 * All of a pipe or a device: what tells no size and may never end.
 * @throws FormatError `too-large` beyond `maxBytes` bytes; what the system says of the path.
 */
export async function readStream(path: string, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    size += piece.length;
    if (size > maxBytes) throw new FormatError("too-large", `goes on after ${maxBytes} bytes`, { source: path });
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}
