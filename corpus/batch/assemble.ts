import { type BundleEntry, joinEntries } from "../bundle/bundle.ts";
import type { BundleShape } from "../bundle/layout.ts";
import { namingProblem } from "../bundle/naming.ts";
import { PROVENANCE_VERSION, type Provenance, type ProvenanceKernel } from "../bundle/provenance.ts";
import { kernelKey } from "../kernel.ts";
import type { BatchPlan } from "./plan.ts";
import type { FailedPart } from "./result.ts";
import type { BatchSetup } from "./setup.ts";
import type { BatchTally, TalliedKernel } from "./tally.ts";

/** What goes into a bundle, and what cannot. */
export interface Assembled {
  readonly entries: readonly BundleEntry[];
  readonly provenance: Provenance;
  /** Kernels that have no name, or of which there are two different ones. */
  readonly failed: readonly FailedPart[];
}

/** Puts the kernels of a run together: the result depends on the set of them alone, not on shards or order. */
export function assemble(
  { kernels }: Pick<BatchTally, "kernels">,
  setup: BatchSetup,
  version: string,
  shape: BundleShape,
  plan: Pick<BatchPlan, "shard" | "digest">,
): Assembled {
  const unnamed = kernels.flatMap(({ identity, origin }): FailedPart[] => {
    const reason = namingProblem(identity, shape.naming);
    // The kernel itself does not say, nor does its path as paths are read without a pattern.
    const hint = identity.release === null || identity.arch === null ? "; --paths says how paths tell it" : "";
    return reason === null ? [] : [{ state: "failed", origin, reason: reason + hint }];
  });
  const named = kernels.filter(({ identity }) => namingProblem(identity, shape.naming) === null);
  const { entries, conflicts } = joinEntries(
    named.map(({ identity, blobHash, bytes, origin }) => ({ entry: { identity, blobHash, bytes }, origin })),
  );
  const conflicting = conflicts.map(({ kernel, between }): FailedPart => {
    const reason = `two different BTFs are for this kernel, in ${between.join(" and ")}: neither is in the bundle`;
    return { state: "failed", origin: kernel, reason };
  });
  const kept = new Set(entries.map(({ identity }) => kernelKey(identity)));
  return {
    entries,
    provenance: provenanceOf(
      named.filter(({ identity }) => kept.has(kernelKey(identity))),
      setup,
      version,
      shape,
      plan,
    ),
    failed: [...unnamed, ...conflicting],
  };
}

function provenanceOf(
  kernels: readonly TalliedKernel[],
  setup: BatchSetup,
  version: string,
  { layout, naming }: BundleShape,
  { shard, digest }: Pick<BatchPlan, "shard" | "digest">,
): Provenance {
  const { keep, loaders, identity, paths, maxBytes: _, ...options } = setup.options;
  const told = Object.entries({ ...identity, paths }).filter(([, value]) => value !== null);
  return {
    version: PROVENANCE_VERSION,
    tool: { name: "btfgen", version },
    // A directory of one architecture does not show whose names it has; who merges it must know.
    options: {
      ...options,
      ...Object.fromEntries(told),
      keep: [...keep],
      loaders: [...loaders],
      ...(layout === "tree" && { naming }),
    },
    objects: setup.objects.map(({ name, sha256, tag }) => ({ name, sha256, arch: tag?.word ?? null })),
    kernels: kernels.map(
      ({ identity, origin, sourceHash, blobHash, bytes, counts }): ProvenanceKernel => ({
        ...identity,
        source: { name: origin, blake2b: sourceHash },
        blob: blobHash,
        bytes: bytes.length,
        counts: { ...counts },
      }),
    ),
    ...(shard !== null && { shards: [{ plan: digest, of: shard.count, has: [shard.index + 1] }] }),
  };
}
