import { type BundleConflict, type BundleEntry, joinEntries } from "./bundle.ts";
import type { BundleShape } from "./layout.ts";
import type { Naming } from "./naming.ts";
import { mergeProvenance, type NamedProvenance, type Provenance } from "./provenance.ts";
import { type OpenBundle, readEntry } from "./read.ts";
import { missingShards } from "./shards.ts";

/** A bundle to merge. */
export interface MergePart {
  readonly bundle: OpenBundle;
  /** What it comes from, where that is beside it. */
  readonly provenance: NamedProvenance | null;
}

/** How to merge. */
export interface MergeOptions {
  /** For a tree whose names would do for several consumers; else that of the provenance, or of the names. */
  readonly naming?: Naming;
  /** Shards of a run may be missing. */
  readonly partial?: boolean;
}

/** What merging gives: what writeBundle takes, or what stands against it. */
export interface Merged {
  readonly entries: readonly BundleEntry[];
  readonly shape: BundleShape;
  /** That of all parts; null unless every part has one. */
  readonly provenance: Provenance | null;
  /** Kernels that two parts have with different BTF. */
  readonly conflicts: readonly BundleConflict[];
  /** What else makes one bundle of them impossible, a line each. */
  readonly problems: readonly string[];
  /** What is left out or taken for granted, a line each. */
  readonly notes: readonly string[];
}

/**
 * Joins bundles: all their kernels, each once. The order of the parts does not matter, and merged shards of a run are
 * what the run without shards would have written. Nothing of a merge with conflicts or problems may be written.
 * @throws FormatError for a damaged part.
 */
export function mergeBundles(parts: readonly MergePart[], { naming, partial = false }: MergeOptions = {}): Merged {
  const problems: string[] = [];
  const notes: string[] = [];
  const shape = shapeOf(parts, naming, problems);
  const joined = joinEntries(
    parts.flatMap(({ bundle }) =>
      bundle.entries.map((entry) => ({
        entry: readEntry(bundle, entry),
        origin: `${bundle.storage.source}:${entry.file}`,
      })),
    ),
    shape.naming,
  );
  problems.push(...joined.problems.map(({ origin, reason }) => `${origin}: ${reason}`));
  const provenance = provenanceOf(parts, shape, problems, notes);
  (partial ? notes : problems).push(...(provenance?.shards ?? []).map(missingShards));
  return {
    entries: joined.entries,
    shape,
    provenance,
    conflicts: joined.conflicts,
    problems,
    notes,
  };
}

function shapeOf(parts: readonly MergePart[], naming: Naming | undefined, problems: string[]): BundleShape {
  const trees = parts.filter(({ bundle }) => bundle.layout === "tree");
  const [tree] = trees;
  const [first] = parts;
  const content = first?.bundle.content ?? "btf";
  const other = parts.find(({ bundle }) => bundle.content !== content);
  if (first !== undefined && other !== undefined) {
    problems.push(
      `${first.bundle.storage.source} holds ${content}s, ${other.bundle.storage.source} ${other.bundle.content}s`,
    );
  }
  if (tree === undefined) return { layout: "store", naming: "btfhub", ...(content !== "btf" && { content }) };
  const store = parts.find(({ bundle }) => bundle.layout === "store");
  if (store !== undefined) {
    problems.push(`${tree.bundle.storage.source} is a tree and ${store.bundle.storage.source} a store`);
  }
  if (naming !== undefined) return { layout: "tree", naming };
  const said = new Set(trees.map(({ provenance }) => provenance?.provenance.options.naming));
  const common = tree.bundle.namings.filter((one) => trees.every(({ bundle }) => bundle.namings.includes(one)));
  const found = common.find((one) => said.size === 1 && said.has(one)) ?? common[0];
  if (found === undefined) problems.push("the trees are named for different consumers: pass --naming");
  return { layout: "tree", naming: found ?? "btfhub" };
}

function provenanceOf(
  parts: readonly MergePart[],
  shape: BundleShape,
  problems: string[],
  notes: string[],
): Provenance | null {
  const known = parts.flatMap(({ provenance }) => (provenance === null ? [] : [provenance]));
  if (known.length === 0) return null;
  const without = parts.find(({ provenance }) => provenance === null);
  if (without !== undefined) {
    notes.push(`${without.bundle.storage.source} has no provenance beside it, so the merged bundle gets none`);
    return null;
  }
  const merged = mergeProvenance(known);
  if (!("differs" in merged)) {
    const { options } = merged;
    return "naming" in options ? { ...merged, options: { ...options, naming: shape.naming } } : merged;
  }
  problems.push(merged.differs);
  return null;
}
