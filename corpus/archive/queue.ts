import { joined } from "../codec/decompress.ts";

const NOTHING = new Uint8Array();

/** Takes runs of bytes off a stream of pieces. */
export class ByteQueue {
  /** Bytes taken so far. */
  position = 0;
  private readonly pieces: AsyncIterator<Uint8Array>;
  private current: Uint8Array = NOTHING;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or null where the stream ends before. A view of a piece where they lie in one. */
  async take(size: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    if (!(await this.run(size, (part) => parts.push(part)))) return null;
    return joined(parts);
  }

  /** Passes over `size` bytes; null where the stream ends before. */
  async skip(size: number): Promise<Uint8Array | null> {
    return (await this.run(size, () => {})) ? NOTHING : null;
  }

  /** Reads to the end, so that what is checked there is checked. */
  async drain(): Promise<void> {
    while (!(await this.pieces.next()).done);
  }

  private async run(size: number, use: (part: Uint8Array) => void): Promise<boolean> {
    for (let left = size; left > 0; ) {
      if (this.current.length === 0) {
        const next = await this.pieces.next();
        if (next.done) return false;
        this.current = next.value;
        continue;
      }
      const part = this.current.subarray(0, left);
      this.current = this.current.subarray(part.length);
      left -= part.length;
      this.position += part.length;
      use(part);
    }
    return true;
  }
}
