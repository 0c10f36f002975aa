// How names and sequences are hashed to be found. A BTF may be anybody's: with a hash that is known, thousands of names
// could be made to share one, and to find each would take as long as to compare it with all others. So each process
// has two secret numbers, and eight bytes enter as the product of their halves, each under one of these: which bytes
// make up for a difference in others, nobody knows beforehand (NH of UMAC, RFC 4418, section 5.2, which adds the
// numbers). Nothing that is found depends on them.

/** Makes any bit of a hash change many of the product: 2 to the 64th by the golden ratio. */
const FACTOR: u64 = ((<u64>0x9e37_79b9) << 32) | 0x7f4a_7c15;

let lowSecret: u32 = 0;
let highSecret: u32 = 0;

/** Sets the secret numbers, before anything is hashed. */
export function seedHashes(low: u32, high: u32): void {
  lowSecret = low;
  highSecret = high;
}

/** Adds eight bytes to a hash. */
export function mix(hash: u64, chunk: u64): u64 {
  return hash * FACTOR + <u64>(<u32>chunk ^ lowSecret) * <u64>(<u32>(chunk >>> 32) ^ highSecret);
}

/** What a table keeps of a hash, and takes its lowest bits of. */
export function folded(hash: u64): i32 {
  return <i32>(hash ^ (hash >>> 32));
}
