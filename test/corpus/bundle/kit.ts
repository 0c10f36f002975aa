/** Small bundles for tests: kernels of several distributions and architectures, some of them with the same BTF. */
import { type BundleEntry, bundleEntry, joinEntries } from "../../../corpus/bundle/bundle.ts";
import { type BundleShape, bundleFiles } from "../../../corpus/bundle/layout.ts";
import { PROVENANCE_VERSION, type Provenance } from "../../../corpus/bundle/provenance.ts";
import { type OpenBundle, openBundle } from "../../../corpus/bundle/read.ts";
import { fileStorage } from "../../../corpus/bundle/storage.ts";
import { packTar } from "../../../corpus/bundle/tar.ts";
import type { KernelIdentity } from "../../../corpus/kernel.ts";
import { btf, int } from "../../btf/builder.ts";

/** `debian/12/x86_64/6.1.0-47-amd64` as an identity; `-` is unknown. */
export function kernel(key: string): KernelIdentity {
  const [id, versionId, arch, release] = key.split("/").map((part) => (part === "-" ? null : part));
  return { id: id ?? null, versionId: versionId ?? null, arch: arch ?? null, release: release ?? null };
}

/** Valid BTF that differs by name. */
export function blob(name: string): Uint8Array {
  return btf([int(name, 4)]);
}

/** An entry whose BTF differs by `content`. */
export function entry(key: string, content: string): BundleEntry {
  return bundleEntry(kernel(key), blob(content));
}

/** Seven kernels with five distinct blobs, in no order. */
export const ENTRIES: readonly BundleEntry[] = [
  entry("ubuntu/22.04/arm64/5.15.0-1049-aws", "a"),
  entry("debian/12/x86_64/6.1.0-47-amd64", "b"),
  entry("debian/12/x86_64/6.1.0-56-cloud-amd64", "c"),
  entry("centos/7/x86_64/3.10.0-1160.el7.x86_64", "d"),
  entry("debian/12/x86_64/6.1.0-56-amd64", "b"),
  entry("fedora/38/x86_64/6.2.9-300.fc38.x86_64", "e"),
  entry("debian/13/arm64/6.12.107+deb13-arm64", "a"),
];

export const TREE: BundleShape = { layout: "tree", naming: "btfhub" };
export const STORE: BundleShape = { layout: "store", naming: "btfhub" };

/** Entries in a bundle's order. */
export function joined(entries: readonly BundleEntry[] = ENTRIES): readonly BundleEntry[] {
  return joinEntries(entries.map((one, i) => ({ entry: one, origin: `input ${i}` }))).entries;
}

/** A bundle as a tar. */
export function tarOf(entries: readonly BundleEntry[], shape: BundleShape): Promise<Uint8Array> {
  return packTar(bundleFiles(entries, shape, true));
}

/** A bundle as it is when it has been written and opened. */
export async function opened(entries: readonly BundleEntry[], shape: BundleShape, source = "x"): Promise<OpenBundle> {
  return openBundle(await fileStorage(await tarOf(joined(entries), shape), source));
}

/** What a run would say of these entries. */
export function provenanceOf(entries: readonly BundleEntry[]): Provenance {
  return {
    version: PROVENANCE_VERSION,
    tool: { name: "btfgen", version: "1.2.3" },
    options: { naming: "btfhub", layout: "tree" },
    objects: [{ name: "exec.o", sha256: "0".repeat(64), arch: null }],
    kernels: entries.map(({ identity, blobHash, bytes }) => ({
      ...identity,
      source: { name: `${identity.release}.btf.tar.xz`, blake2b: "1".repeat(128) },
      blob: blobHash,
      bytes: bytes.length,
      counts: { types: 1, unresolved: 0 },
    })),
  };
}
