import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compressTar } from "../../../corpus/bundle/container.ts";
import { openBundle, readEntry } from "../../../corpus/bundle/read.ts";
import { fileStorage } from "../../../corpus/bundle/storage.ts";
import { formatIndex, kernelsOfIndex, parseIndex } from "../../../corpus/bundle/store-index.ts";
import { verifyBundle } from "../../../corpus/bundle/verify.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { property } from "../../property/property.ts";
import { joined, STORE, TREE, tarOf } from "./kit.ts";

const INDEX = new TextEncoder().encode(formatIndex(joined()));
const TREE_TAR = await tarOf(joined(), TREE);
const STORE_TAR = await tarOf(joined(), STORE);
const STORE_GZ = await compressTar(STORE_TAR, "tar.gz");

const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
type Changes = readonly (readonly [number, number])[];

function damaged(bytes: Uint8Array, places: Changes): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of places) copy[at % copy.length] = value;
  return copy;
}

/** Opens, checks and reads everything; only what the format does not allow may come back, as one line. */
async function exercise(bytes: Uint8Array): Promise<"read" | "refused"> {
  try {
    const bundle = openBundle(await fileStorage(bytes, "x", { maxBytes: 1 << 24 }));
    await verifyBundle(bundle, null);
    for (const one of bundle.entries) readEntry(bundle, one);
    return "read";
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).toMatch(/^x: [^\n]+$/);
    return "refused";
  }
}

describe("a damaged bundle is read or refused in one line", () => {
  property("a tree's tar", [changes], { numRuns: 150, seed: 1 }, async (places) => {
    await exercise(damaged(TREE_TAR, places));
  });

  property("a store's tar", [changes], { numRuns: 150, seed: 2 }, async (places) => {
    await exercise(damaged(STORE_TAR, places));
  });

  property("a store's tar in gzip, whose checksum tells", [changes], { numRuns: 100, seed: 3 }, async (places) => {
    const bytes = damaged(STORE_GZ, places);
    // Time, flags and system of gzip's header are not part of what it holds.
    const same = bytes.every((byte, i) => (i >= 3 && i < 10) || byte === STORE_GZ[i]);
    if (!same) expect(await exercise(bytes)).toBe("refused");
  });

  property(
    "a blob of a store, whose hash tells",
    [fc.nat(), fc.nat(255)],
    { numRuns: 200, seed: 4 },
    async (at, value) => {
      const name = `btf/${joined()[0]?.blobHash}.btf`;
      const start = Buffer.from(STORE_TAR).indexOf(name) + 512;
      const place = start + (at % (joined()[0]?.bytes.length ?? 1));
      if (STORE_TAR[place] === value) return;
      expect(await exercise(damaged(STORE_TAR, [[place, value]]))).toBe("refused");
    },
  );

  property("an index", [changes], { numRuns: 300, seed: 5 }, (places) => {
    try {
      expect(parseIndex(damaged(INDEX, places), "x").version).toBe(1);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      expect(error.message).toMatch(/^x: index\.json: [^\n]+$/);
    }
  });

  it.each(["__proto__", "constructor", "toString"])("an index with a kernel of %s", (name) => {
    const hash = "0".repeat(64);
    const text = `{"version":1,"blobs":["${hash}"],"kernels":{"${name}":{"1":{"x86_64":{"6.1":0}}}}}`;
    const index = parseIndex(new TextEncoder().encode(text), "x");
    expect(Object.getPrototypeOf(index.kernels)).toBe(Object.prototype);
    // valibot leaves out what could be taken for an object's own machinery.
    expect([[], [name]]).toContainEqual(kernelsOfIndex(index).map(({ identity }) => identity.id));
  });
});
