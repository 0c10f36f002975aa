/** Constants of XXH32 (xxhash_spec.md). */
const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;
const STRIPE_BYTES = 16;

/** XXH32 with seed 0, LZ4's checksum, of bytes that come in pieces: nothing but the last few bytes is kept. */
export class Xxh32 {
  private lanes: [number, number, number, number] = [(PRIME_1 + PRIME_2) | 0, PRIME_2 | 0, 0, -PRIME_1 | 0];
  /** Bytes of a stripe that is not whole yet. */
  private readonly rest = new Uint8Array(STRIPE_BYTES);
  private kept = 0;
  private total = 0;

  update(bytes: Uint8Array): this {
    this.total += bytes.length;
    let at = 0;
    if (this.kept > 0) {
      const more = bytes.subarray(0, STRIPE_BYTES - this.kept);
      this.rest.set(more, this.kept);
      this.kept += more.length;
      at = more.length;
      if (this.kept < STRIPE_BYTES) return this;
      this.stripes(this.rest);
    }
    const end = bytes.length - ((bytes.length - at) % STRIPE_BYTES);
    this.stripes(bytes.subarray(at, end));
    this.rest.set(bytes.subarray(end));
    this.kept = bytes.length - end;
    return this;
  }

  /** The checksum of all there was, as an unsigned number. */
  digest(): number {
    const [a, b, c, d] = this.lanes;
    let hash = this.total < STRIPE_BYTES ? PRIME_5 : (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0;
    hash = (hash + this.total) | 0;
    const view = new DataView(this.rest.buffer);
    let at = 0;
    for (; at + 4 <= this.kept; at += 4) {
      hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), PRIME_3)) | 0, 17), PRIME_4);
    }
    for (; at < this.kept; at++) {
      hash = Math.imul(rotate((hash + Math.imul(view.getUint8(at), PRIME_5)) | 0, 11), PRIME_1);
    }
    hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
    hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  private stripes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let [a, b, c, d] = this.lanes;
    for (let at = 0; at < bytes.length; at += STRIPE_BYTES) {
      a = round(a, view.getUint32(at, true));
      b = round(b, view.getUint32(at + 4, true));
      c = round(c, view.getUint32(at + 8, true));
      d = round(d, view.getUint32(at + 12, true));
    }
    this.lanes = [a, b, c, d];
  }
}

/** XXH32 of some bytes. */
export function xxh32(bytes: Uint8Array): number {
  return new Xxh32().update(bytes).digest();
}

function round(lane: number, word: number): number {
  return Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
