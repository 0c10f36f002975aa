import type { KernelIdentity } from "../kernel.ts";
import { compareVersions, splitRelease } from "./release-order.ts";

/** Consecutive kernels of a matrix on which everything is the same. */
export interface KernelGroup {
  /** Index of the first kernel. */
  readonly first: number;
  readonly count: number;
  /** Index into the matrix's rows: that of all of them. */
  readonly row: number;
}

/** What grouping needs of a kernel. */
export interface GroupedKernel {
  readonly identity: KernelIdentity;
  readonly row: number;
}

/** A part of an identity by which kernels are sorted. */
type Level = (identity: KernelIdentity) => string | null;

const ID: Level = ({ id }) => id;
const ARCH: Level = ({ arch }) => arch;
const FLAVOUR: Level = ({ release }) => (release === null ? null : splitRelease(release).flavour);

/** The parts by which a matrix is sorted, the outermost first; kernels of one flavour are a leaf. */
const MATRIX_LEVELS: readonly Level[] = [ID, ({ versionId }) => versionId, ARCH, FLAVOUR];
/** Those of a history: a release of one version of a distribution comes before one of the next. */
export const HISTORY_LEVELS: readonly Level[] = [ID, ARCH, FLAVOUR];

/**
 * Groups sorted kernels: runs of one flavour with the same row are a group; and where a whole flavour, architecture or
 * version of a distribution is one group, it joins its neighbour of the same row. So a corpus on which nothing differs
 * is one line a distribution, and a line never speaks for kernels of two distributions.
 */
export function groupKernels(
  kernels: readonly GroupedKernel[],
  levels: readonly Level[] = MATRIX_LEVELS,
): KernelGroup[] {
  const sorted = { kernels, levels };
  return childrenOf(sorted, 0, kernels.length, 0).flatMap((child) => groupsWithin(sorted, child.first, child.end, 1));
}

interface Span {
  readonly first: number;
  readonly end: number;
}

interface Sorted {
  readonly kernels: readonly GroupedKernel[];
  readonly levels: readonly Level[];
}

function childrenOf({ kernels, levels }: Sorted, first: number, end: number, level: number): Span[] {
  const keyOf = levels[level];
  const spans: Span[] = [];
  for (let at = first; at < end; ) {
    const key = keyOf?.((kernels[at] as GroupedKernel).identity);
    let next = at + 1;
    while (next < end && keyOf?.((kernels[next] as GroupedKernel).identity) === key) next++;
    spans.push({ first: at, end: next });
    at = next;
  }
  return spans;
}

function groupsWithin(sorted: Sorted, first: number, end: number, level: number): KernelGroup[] {
  if (level === sorted.levels.length) return runsOf(sorted.kernels, first, end);
  const groups: KernelGroup[] = [];
  /** Whether the last group is of whole children, so that a like neighbour may join it. */
  let open = false;
  for (const child of childrenOf(sorted, first, end, level)) {
    const own = groupsWithin(sorted, child.first, child.end, level + 1);
    const [only] = own;
    const last = groups.at(-1);
    const isWhole = own.length === 1 && only !== undefined;
    if (isWhole && open && last !== undefined && last.row === only.row) {
      groups[groups.length - 1] = { ...last, count: last.count + only.count };
    } else {
      for (const group of own) groups.push(group);
    }
    open = isWhole;
  }
  return groups;
}

function runsOf(kernels: readonly GroupedKernel[], first: number, end: number): KernelGroup[] {
  const groups: KernelGroup[] = [];
  for (let at = first; at < end; ) {
    const { row } = kernels[at] as GroupedKernel;
    let next = at + 1;
    while (next < end && (kernels[next] as GroupedKernel).row === row) next++;
    groups.push({ first: at, count: next - at, row });
    at = next;
  }
  return groups;
}

/** The kernels of a group in a few words' parts. Unknown parts are left out. */
export interface GroupLabel {
  readonly id: string | null;
  /** In the order of versions. */
  readonly versionIds: readonly string[];
  readonly arches: readonly string[];
  /** The lowest and the highest release, without flavour; whole where all have the same; null where none is known. */
  readonly from: string | null;
  readonly to: string | null;
  readonly flavours: readonly string[];
}

/** What the kernels of a group have in common, and between what they lie. */
export function labelOf(identities: readonly KernelIdentity[]): GroupLabel {
  const [release, another] = distinct(identities.map((identity) => identity.release));
  const releases = identities.flatMap(({ release }) => (release === null ? [] : [splitRelease(release)]));
  const versions = releases.map(({ version }) => version);
  if (release !== undefined && another === undefined)
    return { ...partsOf(identities), from: release, to: release, flavours: [] };
  return {
    ...partsOf(identities),
    from: versions.reduce<string | null>((low, v) => (low === null || compareVersions(v, low) < 0 ? v : low), null),
    to: versions.reduce<string | null>((high, v) => (high === null || compareVersions(v, high) > 0 ? v : high), null),
    flavours: distinct(releases.map(({ flavour }) => flavour)),
  };
}

function partsOf(identities: readonly KernelIdentity[]): Pick<GroupLabel, "id" | "versionIds" | "arches"> {
  return {
    id: identities[0]?.id ?? null,
    versionIds: distinct(identities.map(({ versionId }) => versionId)).sort(compareVersions),
    arches: distinct(identities.map(({ arch }) => arch)),
  };
}

const MOST_FLAVOURS = 3;

/** `debian 12 x86_64 6.1.0-47 to 6.1.0-56 cloud-amd64`; the origin of the first kernel where nothing is known. */
export function labelText({ id, versionIds, arches, from, to, flavours }: GroupLabel, origin: string): string {
  const words = [
    id,
    versionIds.length > 2 ? `${versionIds[0]} to ${versionIds.at(-1)}` : versionIds.join(" and "),
    arches.join(", "),
    from === to ? from : `${from} to ${to}`,
    flavours.length > MOST_FLAVOURS
      ? `(${flavours.length} flavours)`
      : flavours.length > 1
        ? `(${flavours.join(", ")})`
        : flavours[0],
  ].filter((word) => word !== null && word !== undefined && word !== "");
  return words.length === 0 ? origin : words.join(" ");
}

function distinct(values: readonly (string | null)[]): string[] {
  return [...new Set(values)].filter((value) => value !== null && value !== "") as string[];
}
