import { FormatError } from "../../lib/btf/error.ts";
import { lintBtf } from "../../lib/btf/lint.ts";
import { formatFinding } from "../../lib/btf/lint-finding.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { kernelKey } from "../kernel.ts";
import { type BundleEntry, sha256 } from "./bundle.ts";
import { type BundleShape, bundleFiles } from "./layout.ts";
import { namingProblem } from "./naming.ts";
import type { Provenance } from "./provenance.ts";
import { type OpenBundle, type OpenEntry, readEntry } from "./read.ts";
import { hashOfBlobName } from "./store-index.ts";
import { packTar } from "./tar.ts";

/** Something wrong in a bundle. */
export interface BundleFinding {
  /** The file in the bundle, or the kernel, or `provenance`. */
  readonly place: string;
  readonly problem: string;
}

/** What verifyBundle found. */
export interface BundleVerdict {
  readonly findings: readonly BundleFinding[];
  readonly kernels: number;
  readonly blobs: number;
  /** True where the tar is byte for byte the one this program writes for these kernels; null for a directory. */
  readonly reproducible: boolean | null;
}

/**
 * Checks all that can be checked of a bundle by itself: hashes, names, that each blob is BTF which a kernel would load,
 * that nothing else is in it, and that the provenance beside it, if any, speaks of these very bytes. What is wrong with
 * the index or the container as such has come up when it was opened.
 */
export async function verifyBundle(bundle: OpenBundle, provenance: Provenance | null): Promise<BundleVerdict> {
  const findings: BundleFinding[] = bundle.strays.map((place) => ({ place, problem: "belongs to no bundle" }));
  const entries = bundle.entries.flatMap((entry) => checkedEntry(bundle, entry, findings));
  const distinct = new Map(entries.map((entry) => [entry.blobHash, entry]));
  const add = (more: Iterable<BundleFinding>) => {
    for (const one of more) findings.push(one);
  };
  for (const entry of distinct.values()) {
    add(bundle.content === "object" ? objectFindings(entry) : btfFindings(entry));
  }
  add(bundle.layout === "store" ? unlistedBlobs(bundle) : nameFindings(bundle, entries));
  if (provenance !== null) add(provenanceFindings(entries, provenance));
  return {
    findings,
    kernels: bundle.entries.length,
    blobs: distinct.size,
    reproducible: await isOurs(bundle, entries),
  };
}

function checkedEntry(bundle: OpenBundle, entry: OpenEntry, findings: BundleFinding[]): BundleEntry[] {
  // Where the files are named for one consumer, by what that one can look up.
  const problem = namingProblem(entry.identity, bundle.namings.length === 1 ? bundle.namings[0] : undefined);
  if (problem !== null) findings.push({ place: entry.key, problem });
  try {
    return [readEntry(bundle, entry)];
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    findings.push({ place: entry.key, problem: error.detail });
    return [];
  }
}

function btfFindings({ identity, bytes }: BundleEntry): BundleFinding[] {
  const place = kernelKey(identity);
  return lintBtf(bytes, { source: place })
    .filter(({ severity }) => severity === "error")
    .map((finding) => ({ place, problem: formatFinding(finding) }));
}

/** An object that is to need no relocation must be one, and have none. */
function objectFindings({ identity, bytes }: BundleEntry): BundleFinding[] {
  const place = kernelKey(identity);
  try {
    const { relocations } = parseBpfObject(bytes, place);
    return relocations.length === 0 ? [] : [{ place, problem: `has ${relocations.length} relocations left` }];
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return [{ place, problem: error.detail }];
  }
}

function unlistedBlobs({ storage, entries, content }: OpenBundle): BundleFinding[] {
  const listed = new Set(entries.map(({ file }) => file));
  return storage.names
    .filter((name) => hashOfBlobName(name.replace(/^\.\//, "")) !== null && !listed.has(name))
    .map((place) => ({ place, problem: `is the ${content === "btf" ? "BTF" : content} of no kernel in the index` }));
}

function nameFindings(bundle: OpenBundle, entries: readonly BundleEntry[]): BundleFinding[] {
  const findings: BundleFinding[] = [];
  if (bundle.namings.length === 0) {
    findings.push({ place: bundle.storage.source, problem: "the names are not all of one naming" });
  }
  const hashes = new Map(entries.map(({ identity, blobHash }) => [kernelKey(identity), blobHash]));
  for (const [place, key] of bundle.aliases) {
    const differs = sha256(bundle.storage.read(place)) !== hashes.get(key);
    if (differs) findings.push({ place, problem: `has other bytes than ${key}, for which it stands` });
  }
  return findings;
}

function provenanceFindings(entries: readonly BundleEntry[], provenance: Provenance): BundleFinding[] {
  const findings: BundleFinding[] = [];
  const told = new Map(provenance.kernels.map((kernel) => [kernelKey(kernel), kernel]));
  for (const { identity, blobHash, bytes } of entries) {
    const key = kernelKey(identity);
    const kernel = told.get(key);
    told.delete(key);
    if (kernel === undefined) findings.push({ place: key, problem: "the provenance does not know it" });
    else if (kernel.blob !== blobHash || kernel.bytes !== bytes.length) {
      findings.push({ place: key, problem: "the provenance is of other bytes" });
    }
  }
  for (const key of told.keys()) findings.push({ place: key, problem: "only the provenance has it" });
  return findings;
}

/** Packs the same kernels anew and compares. */
async function isOurs(bundle: OpenBundle, entries: readonly BundleEntry[]): Promise<boolean | null> {
  if (bundle.storage.tarSha256 === null) return null;
  const namings = bundle.layout === "store" ? (["btfhub"] as const) : bundle.namings;
  for (const naming of namings) {
    const shape: BundleShape = { layout: bundle.layout, naming, content: bundle.content };
    if (sha256(await packTar(bundleFiles(entries, shape, true))) === bundle.storage.tarSha256) return true;
  }
  return false;
}
