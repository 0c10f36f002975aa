/**
 * Where hashes of names begin: another number in each process, so that nobody can make BTF whose names all have one hash,
 * each of which would be compared with all others. What is found by hashes, and its order, does not depend on it.
 */
export const HASH_SEED = randomWord();
/** FNV-1a's factor, for 32 bits. */
export const HASH_PRIME = 0x01000193;

/** A signed 32-bit number that no file can know. */
export function randomWord(): number {
  return (Math.random() * 2 ** 32) | 0;
}

/** FNV-1a over a NUL-terminated name. */
export function hashName(strings: Uint8Array, offset: number): number {
  let hash = HASH_SEED;
  for (let at = offset; strings[at] !== 0; at++) hash = Math.imul(hash ^ (strings[at] as number), HASH_PRIME);
  return hash;
}
