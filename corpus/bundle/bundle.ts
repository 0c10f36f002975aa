import { createHash } from "node:crypto";
import { compareText } from "../../lib/btf/text-order.ts";
import { type KernelIdentity, kernelKey } from "../kernel.ts";
import { type Naming, namingProblem } from "./naming.ts";

/** One kernel's small BTF in a bundle. */
export interface BundleEntry {
  readonly identity: KernelIdentity;
  /** SHA-256 of `bytes`, 64 hexadecimal digits. */
  readonly blobHash: string;
  /** Raw small BTF. */
  readonly bytes: Uint8Array;
}

/** Two kernels of one identity with different BTF: only one can be in a bundle. */
export interface BundleConflict {
  /** kernelKey of the identity. */
  readonly kernel: string;
  /** Where the two come from, in words for a person, in the order given. */
  readonly between: readonly [string, string];
}

/** An entry and where it comes from, for messages. */
export interface OfferedEntry {
  readonly entry: BundleEntry;
  readonly origin: string;
}

/** What joining entries gives: all of them, each kernel once, in the bundle's order; or what stands against it. */
export interface Joined {
  readonly entries: readonly BundleEntry[];
  readonly conflicts: readonly BundleConflict[];
  /** Entries that cannot be in such a bundle, and why. */
  readonly problems: readonly { readonly origin: string; readonly reason: string }[];
}

/** SHA-256 as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Makes an entry; hashes the bytes. */
export function bundleEntry(identity: KernelIdentity, bytes: Uint8Array): BundleEntry {
  return { identity, blobHash: sha256(bytes), bytes };
}

/**
 * Joins entries in any order: the result depends on the set alone. The same kernel with the same bytes twice is one
 * entry; with other bytes it is a conflict, and the kernel stays out.
 * @param naming that the bundle is to have, in which each kernel must have a name.
 */
export function joinEntries(offered: Iterable<OfferedEntry>, naming: Naming = "btfhub"): Joined {
  const byKernel = new Map<string, OfferedEntry>();
  const conflicts = new Map<string, BundleConflict>();
  const problems: { origin: string; reason: string }[] = [];
  for (const one of offered) {
    const reason = namingProblem(one.entry.identity, naming);
    if (reason !== null) {
      problems.push({ origin: one.origin, reason });
      continue;
    }
    const kernel = kernelKey(one.entry.identity);
    const other = byKernel.get(kernel);
    if (other === undefined) byKernel.set(kernel, one);
    else if (other.entry.blobHash !== one.entry.blobHash && !conflicts.has(kernel)) {
      conflicts.set(kernel, { kernel, between: [other.origin, one.origin] });
    }
  }
  const entries = [...byKernel.values()].map(({ entry }) => entry);
  return {
    entries: entries.filter(({ identity }) => !conflicts.has(kernelKey(identity))).sort(byKey),
    conflicts: [...conflicts.values()].sort((a, b) => compareText(a.kernel, b.kernel)),
    problems,
  };
}

/** The order of a bundle's entries: by the bytes of their keys. */
function byKey(a: BundleEntry, b: BundleEntry): number {
  return compareText(kernelKey(a.identity), kernelKey(b.identity));
}
