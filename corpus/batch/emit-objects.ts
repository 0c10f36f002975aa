import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { ownName } from "../../lib/elf/object-name.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import { relocateObject } from "../../lib/prepare/relocate.ts";
import { type BundleEntry, sha256 } from "../bundle/bundle.ts";
import type { Provenance, ProvenanceKernel } from "../bundle/provenance.ts";
import { kernelKey } from "../kernel.ts";
import type { Assembled } from "./assemble.ts";
import { isForKernel } from "./process-kernel.ts";
import type { BatchObject, BatchSetup } from "./setup.ts";

/** One object of a batch, relocated for every kernel that it is for. */
export interface EmittedObject {
  /** The object's file, or `file#object`. */
  readonly object: string;
  /** What its bundle is called where there are several: unique in the batch. */
  readonly name: string;
  /** A kernel each; those with the same instructions share the bytes. */
  readonly entries: readonly BundleEntry[];
  /** Bytes of the different outcomes together. */
  readonly bytes: number;
  readonly distinct: number;
  /** Kernels without an outcome, and why. */
  readonly leftOut: readonly { readonly kernel: string; readonly reason: string }[];
  /** For what the object wants the kernel's BTF all the same. */
  readonly needs: readonly KernelNeed[];
  /** Of its bundle. */
  readonly provenance: Provenance;
}

/** An object made for one small BTF, or why there is none. */
type Outcome = RelocatedBlob | { readonly reason: string };

interface RelocatedBlob {
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly counts: ProvenanceKernel["counts"];
}

/**
 * Relocates the objects of a batch against the small BTFs that came out of it. That each gives the instructions which
 * the kernel's own BTF gives is what the batch has proved for libbpf's rules, so the full BTFs are not needed again.
 */
export function emitObjects(
  { entries: kernels, provenance }: Pick<Assembled, "entries" | "provenance">,
  setup: BatchSetup,
  objects: readonly BpfObject[],
): EmittedObject[] {
  const targets = new Map<string, CandidateIndex>();
  const outcomes = new Map<string, Outcome>();
  const names = uniqueNames(objects);
  return objects.map((object, i): EmittedObject => {
    const entries: BundleEntry[] = [];
    const blobs = new Map<string, RelocatedBlob>();
    const leftOut: { kernel: string; reason: string }[] = [];
    for (const { identity, blobHash, bytes } of kernels) {
      let target = targets.get(blobHash);
      if (target === undefined) {
        target = indexCandidates(parseBtf(bytes, { source: kernelKey(identity) }));
        targets.set(blobHash, target);
      }
      const isLittle = target.btf.segments[0]?.header.littleEndian !== false;
      if (!isForKernel(setup.objects[i] as BatchObject, identity, isLittle)) continue;
      const key = `${i} ${blobHash}`;
      const outcome = outcomes.get(key) ?? relocateFor(object, target);
      outcomes.set(key, outcome);
      const kernel = kernelKey(identity);
      if ("reason" in outcome) leftOut.push({ kernel, reason: outcome.reason });
      else {
        entries.push({ identity, blobHash: outcome.hash, bytes: outcome.bytes });
        blobs.set(kernel, outcome);
      }
    }
    const distinct = new Map(entries.map((entry) => [entry.blobHash, entry.bytes.length]));
    return {
      object: object.source,
      name: names[i] as string,
      entries,
      bytes: [...distinct.values()].reduce((sum, size) => sum + size, 0),
      distinct: distinct.size,
      leftOut,
      needs: kernelNeeds(object),
      provenance: provenanceOf(provenance, i, blobs),
    };
  });
}

/** That of the run, about one object and what it became for each kernel. */
function provenanceOf(run: Provenance, index: number, blobs: ReadonlyMap<string, RelocatedBlob>): Provenance {
  return {
    ...run,
    options: { ...run.options, emit: "objects" },
    objects: run.objects.slice(index, index + 1),
    kernels: run.kernels.flatMap((kernel): ProvenanceKernel[] => {
      const blob = blobs.get(kernelKey(kernel));
      return blob === undefined ? [] : [{ ...kernel, blob: blob.hash, bytes: blob.bytes.length, counts: blob.counts }];
    }),
  };
}

function relocateFor(object: BpfObject, target: CandidateIndex): Outcome {
  const { bytes, failures, targetTypeIds, applied, changed, poisoned, skipped } = relocateObject(
    object,
    resolveObject(object, target),
  );
  const failure = failures.find(({ optional }) => !optional);
  if (bytes === null) return { reason: `a loader refuses it: ${failure?.reason ?? "a relocation fails"}` };
  if (targetTypeIds.length > 0) {
    return { reason: "it asks for target_type_id, a number of each kernel's own BTF: btfgen relocate has that" };
  }
  const counts = { applied, changedInstructions: changed, poisoned: poisoned.length, skipped };
  return { bytes, hash: sha256(bytes), counts };
}

/**
 * `exec` of `build/exec.bpf.o` and of `tool#exec`; a second one is `exec.1`, or the next that nobody has. Names are
 * directories, so they differ by more than case, which some file systems do not mind.
 */
function uniqueNames(objects: readonly BpfObject[]): string[] {
  const given = new Set<string>();
  return objects.map(({ source }) => {
    const stem = ownName(source)
      .replace(/(\.bpf)?\.o$/, "")
      .replaceAll(/[^\w.-]/g, "_");
    const wanted = /^\.{0,2}$/.test(stem) ? "object" : stem;
    let name = wanted;
    for (let n = 1; given.has(name.toLowerCase()); n++) name = `${wanted}.${n}`;
    given.add(name.toLowerCase());
    return name;
  });
}
