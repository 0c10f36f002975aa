import { compareText } from "../../lib/btf/text-order.ts";
import type { BundleEntry } from "./bundle.ts";
import { aliasesOf, type Naming, nameOf } from "./naming.ts";
import { type BundleContent, blobName, formatIndex, INDEX_NAME } from "./store-index.ts";
import type { BundleFile } from "./tar.ts";

/** How a bundle's files are laid out: a file a kernel under the kernel's name, or an index and each blob once. */
export const LAYOUTS = ["tree", "store"] as const;

/** One of LAYOUTS. */
export type Layout = (typeof LAYOUTS)[number];

/** What shape a bundle is to have. */
export interface BundleShape {
  readonly layout: Layout;
  /** Whose names; a store has names of its own. */
  readonly naming: Naming;
  /** Of a store; small BTF by default. */
  readonly content?: BundleContent;
}

/**
 * The files of a bundle, by name in the order of bytes. A tar gets the names under which consumers with a reader of
 * their own look the same bytes up as well (see aliasesOf).
 */
export function bundleFiles(entries: readonly BundleEntry[], shape: BundleShape, forTar: boolean): BundleFile[] {
  const files =
    shape.layout === "store" ? storeFiles(entries, shape.content ?? "btf") : treeFiles(entries, shape.naming, forTar);
  return files.sort((a, b) => compareText(a.name, b.name));
}

function treeFiles(entries: readonly BundleEntry[], naming: Naming, forTar: boolean): BundleFile[] {
  return entries.flatMap(({ identity, bytes }) => {
    const aliases = forTar ? aliasesOf(identity, naming) : [];
    return [nameOf(identity, naming), ...aliases].map((name) => ({ name, bytes }));
  });
}

function storeFiles(entries: readonly BundleEntry[], content: BundleContent): BundleFile[] {
  const blobs = new Map(entries.map(({ blobHash, bytes }) => [blobHash, bytes]));
  const files = [...blobs].map(([hash, bytes]) => ({ name: blobName(hash, content), bytes }));
  return [{ name: INDEX_NAME, bytes: new TextEncoder().encode(formatIndex(entries, content)) }, ...files];
}
