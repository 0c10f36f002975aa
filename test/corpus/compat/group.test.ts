import { describe, expect, it } from "vitest";
import { type GroupedKernel, groupKernels, labelOf, labelText } from "../../../corpus/compat/group.ts";
import { compareIdentities } from "../../../corpus/compat/release-order.ts";

/** Kernels as `ID VERSION ARCH RELEASE ROW`, and their groups as text. */
function grouped(lines: readonly string[]): string[] {
  const kernels = lines
    .map((line): GroupedKernel => {
      const [id = null, versionId = null, arch = null, release = null, row = "0"] = line
        .split(" ")
        .map((part) => (part === "-" ? null : part));
      return { identity: { id, versionId, arch, release }, row: Number(row) };
    })
    .sort((a, b) => compareIdentities(a.identity, b.identity));
  return groupKernels(kernels).map(({ first, count, row }) => {
    const identities = kernels.slice(first, first + count).map(({ identity }) => identity);
    return `${labelText(labelOf(identities), "origin")}: ${count}, row ${row}`;
  });
}

describe("groupKernels", () => {
  it("makes consecutive releases of one flavour a line", () => {
    const releases = ["47", "48", "50", "56"].map((build) => `debian 12 x86_64 6.1.0-${build}-cloud-amd64 3`);
    expect(grouped(releases)).toEqual(["debian 12 x86_64 6.1.0-47 to 6.1.0-56 cloud-amd64: 4, row 3"]);
  });

  it("breaks where the outcome changes, in the order of releases and not of letters", () => {
    expect(
      grouped([
        "debian 12 x86_64 6.1.0-10-amd64 1",
        "debian 12 x86_64 6.1.0-9-amd64 0",
        "debian 12 x86_64 6.1.0-11-amd64 1",
        "debian 12 x86_64 6.1.0-12-amd64 0",
      ]),
    ).toEqual([
      "debian 12 x86_64 6.1.0-9-amd64: 1, row 0",
      "debian 12 x86_64 6.1.0-10 to 6.1.0-11 amd64: 2, row 1",
      "debian 12 x86_64 6.1.0-12-amd64: 1, row 0",
    ]);
  });

  it("joins whole flavours, architectures and versions of the same outcome", () => {
    expect(
      grouped([
        "debian 11 x86_64 5.10.0-1-amd64 0",
        "debian 12 x86_64 6.1.0-1-amd64 0",
        "debian 12 x86_64 6.1.0-2-amd64 0",
        "debian 12 x86_64 6.1.0-2-rt-amd64 0",
        "debian 12 arm64 6.1.0-2-arm64 0",
        "debian 13 arm64 6.12.0-2-arm64 0",
      ]),
    ).toEqual(["debian 11 to 13 x86_64, arm64 5.10.0-1 to 6.12.0-2 (amd64, arm64, rt-amd64): 6, row 0"]);
  });

  it("does not join a part of a flavour with another flavour", () => {
    expect(
      grouped([
        "debian 12 x86_64 6.1.0-1-amd64 0",
        "debian 12 x86_64 6.1.0-2-amd64 1",
        "debian 12 x86_64 6.1.0-1-rt-amd64 1",
        "debian 12 x86_64 6.1.0-1-xen-amd64 1",
      ]),
    ).toEqual([
      "debian 12 x86_64 6.1.0-1-amd64: 1, row 0",
      "debian 12 x86_64 6.1.0-2-amd64: 1, row 1",
      "debian 12 x86_64 6.1.0-1 (rt-amd64, xen-amd64): 2, row 1",
    ]);
  });

  it("never joins distributions", () => {
    expect(grouped(["centos 8 x86_64 4.18.0-80.el8.x86_64 0", "ol 8 x86_64 4.18.0-80.el8.x86_64 0"])).toHaveLength(2);
  });

  it("reads 300 kernels of four distributions, all the same, as four lines", () => {
    const lines = ["centos 8", "debian 12", "fedora 39", "ubuntu 22.04"].flatMap((system) =>
      Array.from({ length: 75 }, (_, i) => `${system} x86_64 5.${i}.0-${i}-generic 0`),
    );
    expect(grouped(lines)).toHaveLength(4);
  });

  it("names a group of which nothing is known by its first file", () => {
    expect(grouped(["- - - - 0"])).toEqual(["origin: 1, row 0"]);
  });

  it("counts flavours where they are many", () => {
    const lines = ["aws", "azure", "gcp", "oracle"].map((flavour) => `ubuntu 22.04 x86_64 5.15.0-1000-${flavour} 0`);
    expect(grouped(lines)).toEqual(["ubuntu 22.04 x86_64 5.15.0-1000 (4 flavours): 4, row 0"]);
  });
});
