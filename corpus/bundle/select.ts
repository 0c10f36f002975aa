import { canonicalArch } from "../arch.ts";
import type { KernelIdentity } from "../kernel.ts";
import { compareDistances, parseRelease, releaseDistance } from "./release-distance.ts";

/** Which kernel BTF is wanted for. */
export interface KernelQuery {
  /** `ID` of os-release, without quotes; null for any. */
  readonly id: string | null;
  /** `VERSION_ID` of os-release, without quotes; null for any. */
  readonly versionId: string | null;
  /** `uname -m`, or any other name of the architecture: aarch64 and arm64 are one, amd64 and x86_64 are. */
  readonly arch: string;
  /** `uname -r`. */
  readonly release: string;
}

/** What can be selected: a kernel, and its blob's hash where it is known. */
export interface Selectable {
  readonly identity: KernelIdentity;
  readonly blobHash?: string | null;
}

/** The answer of selectKernel. */
export type Selection<E extends Selectable> =
  | {
      /** This very kernel is there. `remark` says what was taken as equal though it is written otherwise, or is null. */
      readonly outcome: "exact";
      readonly entry: E;
      readonly remark: string | null;
    }
  | {
      /** The release is there for several distributions or versions, with different BTF, and the query does not decide. */
      readonly outcome: "ambiguous";
      readonly entries: readonly E[];
    }
  | {
      /** It is not there. `nearest` are the kernels to think about, the nearest first, at most five. */
      readonly outcome: "none";
      readonly nearest: readonly E[];
      /** Why nothing fits, in words. */
      readonly reason: string;
    };

const MOST_NEAREST = 5;

/**
 * Finds a kernel in a bundle. The release and the architecture must always be the same; the distribution and its
 * version, where the query has them, as well. Equal in that sense are also a version and its first part (`8.4`, `8`:
 * BTFHub files RHEL's kernels by the latter), and an entry that does not say its distribution or version; an exact one
 * goes before these. Nothing else is ever selected: the nearest kernels are only named.
 */
export function selectKernel<E extends Selectable>(entries: readonly E[], query: KernelQuery): Selection<E> {
  const arch = canonicalArch(query.arch);
  const ofArch = entries.filter(({ identity }) => identity.arch !== null && canonicalArch(identity.arch) === arch);
  const ofRelease = ofArch.filter(({ identity }) => identity.release === query.release);
  for (const { fits, remark } of DEGREES) {
    const found = ofRelease.filter(
      ({ identity }) => fits(identity.id, query.id, isSame) && fits(identity.versionId, query.versionId, isPartOf),
    );
    const [entry, ...others] = found;
    if (entry === undefined) continue;
    const hash = entry.blobHash ?? null;
    if (others.every((other) => hash !== null && other.blobHash === hash)) {
      return { outcome: "exact", entry, remark: remark(entry.identity, query) };
    }
    return { outcome: "ambiguous", entries: found };
  }
  return {
    outcome: "none",
    nearest: nearestKernels(ofArch, query),
    reason: reasonOf(entries, ofArch, ofRelease, query),
  };
}

type Similar = (part: string, wanted: string) => boolean;

interface Degree {
  readonly fits: (part: string | null, wanted: string | null, similar: Similar) => boolean;
  readonly remark: (identity: KernelIdentity, query: KernelQuery) => string | null;
}

/** How much two identities may differ, from not at all. */
const DEGREES: readonly Degree[] = [
  { fits: (part, wanted) => wanted === null || part === wanted, remark: () => null },
  {
    fits: (part, wanted, similar) => wanted === null || (part !== null && similar(part, wanted)),
    remark: ({ versionId }, query) => `version ${query.versionId} is filed under ${versionId}`,
  },
  {
    fits: (part, wanted, similar) => wanted === null || part === null || similar(part, wanted),
    remark: ({ id }) => `the entry does not say its ${id === null ? "distribution" : "distribution's version"}`,
  },
];

function isSame(part: string, wanted: string): boolean {
  return part === wanted;
}

function isPartOf(part: string, wanted: string): boolean {
  return part === wanted || part.startsWith(`${wanted}.`) || wanted.startsWith(`${part}.`);
}

/**
 * The kernels nearest to a query: those of its distribution where there are any, else all, ordered by releaseDistance,
 * then those of its distribution's version first, then the older before the newer.
 */
function nearestKernels<E extends Selectable>(ofArch: readonly E[], query: KernelQuery): E[] {
  const sameId = ofArch.filter(({ identity }) => identity.id === query.id);
  const wanted = parseRelease(query.release);
  const rated = (sameId.length > 0 ? sameId : ofArch).map((entry) => {
    const release = parseRelease(entry.identity.release ?? "");
    const otherVersion = entry.identity.versionId === query.versionId ? 0 : 1;
    const newer = compareDistances([...release.version, ...release.build], [...wanted.version, ...wanted.build]);
    return { entry, distance: releaseDistance(release, wanted), otherVersion, newer };
  });
  rated.sort(
    (a, b) => compareDistances(a.distance, b.distance) || a.otherVersion - b.otherVersion || a.newer - b.newer,
  );
  return rated.slice(0, MOST_NEAREST).map(({ entry }) => entry);
}

function reasonOf(
  entries: readonly Selectable[],
  ofArch: readonly Selectable[],
  ofRelease: readonly Selectable[],
  { id, versionId, arch, release }: KernelQuery,
): string {
  if (entries.length === 0) return "the bundle has no kernels";
  if (ofArch.length === 0) return `no kernel for ${canonicalArch(arch)}`;
  const where = [id, versionId].filter((part) => part !== null).join(" ");
  if (ofRelease.length > 0) return `${release} is there, but not of ${where}`;
  if (id !== null && !ofArch.some(({ identity }) => identity.id === id))
    return `no kernel of ${id} for ${canonicalArch(arch)}`;
  return `no kernel ${release}${where === "" ? "" : ` of ${where}`}`;
}
