import { compareVersions, splitRelease } from "../../corpus/compat/release-order.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import { compareText } from "../../lib/btf/text-order.ts";

/**
 * The order of a history, as indexes: a distribution and architecture after the other, each from the oldest release to the
 * newest. Where one release is there in several flavours (`amd64`, `rt-amd64`), these are series side by side, and one comes
 * after the other; else a field that only differs between flavours would change with every kernel. Undefined where a
 * release is not known: then nothing but the order given says what came first.
 */
export function historyOrder(kernels: readonly KernelIdentity[]): number[] | undefined {
  const places: Place[] = [];
  for (const [index, { id, versionId, arch, release }] of kernels.entries()) {
    if (release === null) return undefined;
    places.push({ index, line: `${id ?? ""}/${arch ?? ""}`, versionId: versionId ?? "", ...splitRelease(release) });
  }
  const flavoured = linesOfSeveral(places);
  return places
    .sort(
      (a, b) =>
        compareText(a.line, b.line) ||
        (flavoured.has(a.line) ? compareText(a.flavour, b.flavour) : 0) ||
        compareVersions(a.version, b.version) ||
        compareVersions(a.versionId, b.versionId) ||
        compareText(a.flavour, b.flavour) ||
        a.index - b.index,
    )
    .map(({ index }) => index);
}

interface Place {
  readonly index: number;
  /** Distribution and architecture. */
  readonly line: string;
  readonly versionId: string;
  readonly version: string;
  readonly flavour: string;
}

/** Where a release is there in more flavours than one. */
function linesOfSeveral(places: readonly Place[]): ReadonlySet<string> {
  const flavours = new Map<string, string>();
  const several = new Set<string>();
  for (const { line, version, flavour } of places) {
    const key = `${line}\0${version}`;
    const known = flavours.get(key);
    if (known !== undefined && known !== flavour) several.add(line);
    flavours.set(key, flavour);
  }
  return several;
}
