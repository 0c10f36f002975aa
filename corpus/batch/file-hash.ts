import { createHash, type Hash } from "node:crypto";

/**
 * What a file's bytes are known by in keys and in provenance: BLAKE2b-512, as coreutils' `b2sum` prints it. Every raw
 * kernel is hashed whole, 4 MB in 6 ms; SHA-256 takes 15 where the processor has no instructions for it, which is more
 * than minimizing and proving together (11). What is shipped and fetched by its hash, a bundle's blobs, stays SHA-256.
 */
export function fileHash(bytes: Uint8Array): string {
  return startFileHash().update(bytes).digest("hex");
}

/** The same hash, for a file that is read piece by piece. */
export function startFileHash(): Hash {
  return createHash("blake2b512");
}
