import { describe, expect, it } from "vitest";
import {
  blobName,
  formatIndex,
  hashOfBlobName,
  kernelsOfIndex,
  parseIndex,
} from "../../../corpus/bundle/store-index.ts";
import { kernelKey } from "../../../corpus/kernel.ts";
import { ENTRIES, entry, joined } from "./kit.ts";

const parse = (text: string) => parseIndex(new TextEncoder().encode(text), "x");

describe("the index of a store", () => {
  it("has what selection needs, and nothing else", () => {
    expect(formatIndex(joined([entry("debian/12/x86_64/6.1", "a"), entry("debian/9/x86_64/4.9", "a")]))).toBe(
      `{"version":1,"blobs":["${entry("d/1/x/1", "a").blobHash}"],` +
        '"kernels":{"debian":{"12":{"x86_64":{"6.1":0}},"9":{"x86_64":{"4.9":0}}}}}\n',
    );
  });

  it("has its keys in the order of bytes, one level at a time", () => {
    const keys = ["opensuse-leap/15/x86_64/5", "opensuse/9/x86_64/5", "opensuse/10/x86_64/5", "opensuse/10/arm64/5"];
    const text = formatIndex(joined(keys.map((key) => entry(key, "a"))));
    expect(text.slice(text.indexOf('"kernels"'))).toBe(
      '"kernels":{"opensuse":{"10":{"arm64":{"5":0},"x86_64":{"5":0}},"9":{"x86_64":{"5":0}}},' +
        '"opensuse-leap":{"15":{"x86_64":{"5":0}}}}}\n',
    );
  });

  it("leads to every kernel's blob", () => {
    const kernels = kernelsOfIndex(parse(formatIndex(joined())));
    const expected = ENTRIES.map(({ identity, blobHash }) => [kernelKey(identity), blobHash]);
    expect(kernels.map(({ identity, blobHash }) => [kernelKey(identity), blobHash]).sort()).toEqual(expected.sort());
  });

  it("keeps what is not known apart from a distribution of that name", () => {
    const [only] = kernelsOfIndex(parse(formatIndex(joined([entry("-/-/x86_64/6.1", "a")]))));
    expect(only?.identity).toEqual({ id: null, versionId: null, arch: "x86_64", release: "6.1" });
  });

  it("costs the names and 67 bytes a blob, not the hashes of all kernels", () => {
    const entries = joined(
      Array.from({ length: 1000 }, (_, i) => entry(`debian/12/x86_64/6.1.0-${i}-amd64`, `x${i % 10}`)),
    );
    const releases = entries.map(({ identity }) => identity.release ?? "").join("").length;
    expect(formatIndex(entries).length).toBeLessThan(releases + 1000 * 5 + 10 * 67 + 80);
  });

  it.each([
    [`btf/${"a".repeat(64)}.btf`, "a".repeat(64)],
    [`btf/${"A".repeat(64)}.btf`, null],
    [`btf/${"a".repeat(63)}.btf`, null],
    [`x/btf/${"a".repeat(64)}.btf`, null],
    ["index.json", null],
  ])("%s is a blob's file: %s", (name, hash) => {
    expect(hashOfBlobName(name)).toBe(hash);
    if (hash !== null) expect(blobName(hash)).toBe(name);
  });
});
