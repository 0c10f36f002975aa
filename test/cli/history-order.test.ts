import { describe, expect, it } from "vitest";
import { historyOrder } from "../../cli/diff/history-order.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";

function identity(key: string): KernelIdentity {
  const [id, versionId, arch, release] = key.split("/").map((part) => (part === "-" ? null : part));
  return { id: id ?? null, versionId: versionId ?? null, arch: arch ?? null, release: release ?? null };
}

/** Each row is in the order that its kernels should get. */
const ORDERED: readonly (readonly [what: string, keys: readonly string[]])[] = [
  [
    "releases, by number, whatever flavour each has",
    [
      "debian/11/x86_64/5.10.0-46-cloud-amd64",
      "debian/12/x86_64/6.1.0-9-amd64",
      "debian/12/x86_64/6.1.0-10-rt-amd64",
      "debian/12/x86_64/6.12.117+deb12-amd64",
    ],
  ],
  [
    "flavours of one release as series side by side",
    [
      "debian/12/x86_64/6.1.0-56-amd64",
      "debian/12/x86_64/6.12.117+deb12-amd64",
      "debian/11/x86_64/5.10.0-46-cloud-amd64",
      "debian/12/x86_64/6.1.0-56-cloud-amd64",
    ],
  ],
  [
    "distributions, then architectures, each with flavours of its own or without",
    [
      "debian/12/arm64/6.1.0-56-cloud-arm64",
      "debian/12/arm64/6.12.1-arm64",
      "debian/12/x86_64/6.1.0-56-amd64",
      "debian/12/x86_64/6.12.1-amd64",
      "debian/12/x86_64/6.1.0-56-rt-amd64",
      "fedora/38/x86_64/5.0.0-1.fc38.x86_64",
    ],
  ],
  [
    "a backport with the releases that it is among",
    [
      "debian/11/x86_64/5.10.0-46-amd64",
      "debian/11/x86_64/6.1.0-0.deb11.52-amd64",
      "debian/12/x86_64/6.1.0-56-amd64",
      "debian/13/x86_64/6.12.107+deb13-amd64",
      "debian/12/x86_64/6.12.117+deb12-amd64",
      "debian/13/x86_64/6.12.117+deb13-amd64",
    ],
  ],
  ["versions of a distribution that have one release", ["a/9/x86_64/5.4.0-1-generic", "a/10/x86_64/5.4.0-1-generic"]],
];

describe("the order of a history", () => {
  it.each(ORDERED)("%s", (_what, keys) => {
    const sorted = (given: readonly string[]) => historyOrder(given.map(identity))?.map((at) => given[at]);
    expect(sorted(keys)).toEqual(keys);
    expect(sorted([...keys].reverse())).toEqual(keys);
    const turned = [...keys.slice(2), ...keys.slice(0, 2)];
    expect(sorted(turned)).toEqual(keys);
  });

  it("leaves kernels that are the same by name as they were given", () => {
    expect(historyOrder([identity("-/-/-/6.1.0"), identity("-/-/-/6.1.0")])).toEqual([0, 1]);
  });

  it("is none where a release is not known", () => {
    expect(historyOrder([identity("debian/12/x86_64/6.1.0-1-amd64"), identity("debian/12/x86_64/-")])).toBeUndefined();
  });
});
