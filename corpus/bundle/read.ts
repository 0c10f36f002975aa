import { FormatError } from "../../lib/btf/error.ts";
import { compareText } from "../../lib/btf/text-order.ts";
import { type KernelIdentity, kernelKey } from "../kernel.ts";
import { type BundleEntry, bundleEntry } from "./bundle.ts";
import type { Layout } from "./layout.ts";
import { aliasesOf, identityOfName, looksLikeAlias, NAMINGS, type Naming, namingsOf } from "./naming.ts";
import type { BundleStorage } from "./storage.ts";
import { type BundleContent, blobName, hashOfBlobName, INDEX_NAME, kernelsOfIndex, parseIndex } from "./store-index.ts";

/** A kernel of an opened bundle: its BTF is read when it is asked for. */
export interface OpenEntry {
  readonly identity: KernelIdentity;
  /** kernelKey of the identity. */
  readonly key: string;
  /** The file with its BTF. */
  readonly file: string;
  /** SHA-256 of the BTF where the bundle says so (a store), else null. */
  readonly blobHash: string | null;
}

/** A bundle that can be read. */
export interface OpenBundle {
  readonly storage: BundleStorage;
  readonly layout: Layout;
  /** What the blobs are. */
  readonly content: BundleContent;
  /** Namings that give all of a tree's names: several where they do not differ for its kernels; none for a store. */
  readonly namings: readonly Naming[];
  /** By key, in the order of bytes. */
  readonly entries: readonly OpenEntry[];
  /** Names under which a consumer with a reader of its own looks for a kernel's bytes as well: name and kernel's key. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Files that belong to no bundle. */
  readonly strays: readonly string[];
}

/**
 * Finds a bundle's kernels in its files, by their names or its index.
 * @param mayBeEmpty what has no files at all is a tree without kernels: so a shard may be that has none, and something
 * beside it must say that it is a bundle.
 * @throws FormatError where it is no bundle, its index is wrong, or a kernel is in it twice.
 */
export function openBundle(storage: BundleStorage, mayBeEmpty = false): OpenBundle {
  const indexName = storage.names.find((name) => name === INDEX_NAME || name === `./${INDEX_NAME}`);
  return indexName === undefined ? openTree(storage, mayBeEmpty) : openStore(storage, indexName);
}

/** The BTF of a kernel. @throws FormatError where its bytes have not the hash that the index says. */
export function readEntry(bundle: OpenBundle, entry: OpenEntry): BundleEntry {
  const { storage } = bundle;
  const made = bundleEntry(entry.identity, storage.read(entry.file));
  if (entry.blobHash !== null && entry.blobHash !== made.blobHash) {
    const detail = `${entry.file} has the hash ${made.blobHash}: it was damaged or changed`;
    throw new FormatError("bad-archive", detail, { source: storage.source });
  }
  return made;
}

function openStore(storage: BundleStorage, indexName: string): OpenBundle {
  const start = indexName.slice(0, -INDEX_NAME.length);
  const index = parseIndex(storage.read(indexName), storage.source);
  const content = index.content ?? "btf";
  const entries = kernelsOfIndex(index).map(({ identity, blobHash }) => ({
    identity,
    key: kernelKey(identity),
    file: start + blobName(blobHash, content),
    blobHash,
  }));
  const names = new Set(storage.names);
  const lost = index.blobs.find((hash) => !names.has(start + blobName(hash, content)));
  if (lost !== undefined) {
    throw new FormatError("bad-archive", `${blobName(lost, content)} is missing`, { source: storage.source });
  }
  const strays = storage.names.filter(
    (name) => name !== indexName && hashOfBlobName(name.slice(start.length)) === null,
  );
  return { storage, layout: "store", content, namings: [], entries: sorted(entries), aliases: new Map(), strays };
}

function openTree(storage: BundleStorage, mayBeEmpty: boolean): OpenBundle {
  const entries: OpenEntry[] = [];
  const identities = new Map<string, KernelIdentity>();
  const byKey = new Map<string, string>();
  const unknown: string[] = [];
  for (const name of storage.names) {
    const identity = looksLikeAlias(name) ? null : identityOfName(name);
    if (identity === null) {
      unknown.push(name);
      continue;
    }
    const key = kernelKey(identity);
    const other = byKey.get(key);
    if (other !== undefined) {
      throw new FormatError("bad-archive", `${other} and ${name} are the same kernel`, { source: storage.source });
    }
    byKey.set(key, name);
    identities.set(name, identity);
    entries.push({ identity, key, file: name, blobHash: null });
  }
  if (entries.length === 0 && !(mayBeEmpty && storage.names.length === 0)) {
    const inner = storage.names.find((name) => name.endsWith(`/${INDEX_NAME}`))?.slice(0, -INDEX_NAME.length - 1);
    const detail =
      inner === undefined
        ? "is no bundle: it has neither an index.json nor files named ID/VERSION_ID/ARCH/RELEASE.btf"
        : `is no bundle, but has some below it: name one, like ${storage.source.replace(/\/+$/, "")}/${inner}`;
    throw new FormatError("bad-archive", detail, { source: storage.source });
  }
  const expected = new Map(
    entries.flatMap(({ identity, key }) =>
      NAMINGS.flatMap((naming) => aliasesOf(identity, naming).map((alias) => [alias, key] as const)),
    ),
  );
  const aliases = new Map(unknown.flatMap((name) => withKey(name, expected.get(name))));
  const namings = withAliases(namingsOf(identities, storage.container === "directory"), entries, aliases);
  const strays = unknown.filter((name) => !aliases.has(name));
  return { storage, layout: "tree", content: "btf", namings, entries: sorted(entries), aliases, strays };
}

/** Of namings that give the same names, those whose second names are the ones there; all, where no tar of ours is. */
function withAliases(
  namings: readonly Naming[],
  entries: readonly OpenEntry[],
  aliases: ReadonlyMap<string, string>,
): readonly Naming[] {
  const fitting = namings.filter((naming) => {
    const expected = entries.flatMap(({ identity }) => aliasesOf(identity, naming));
    return expected.length === aliases.size && expected.every((alias) => aliases.has(alias));
  });
  return fitting.length > 0 ? fitting : namings;
}

function withKey(name: string, key: string | undefined): [string, string][] {
  return key === undefined ? [] : [[name, key]];
}

function sorted(entries: OpenEntry[]): OpenEntry[] {
  return entries.sort((a, b) => compareText(a.key, b.key));
}
