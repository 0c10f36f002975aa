import { describe, expect, it } from "vitest";
import { parseOsRelease } from "../../../corpus/bundle/os-release.ts";
import { compareDistances, parseRelease, releaseDistance } from "../../../corpus/bundle/release-distance.ts";
import { type KernelQuery, selectKernel } from "../../../corpus/bundle/select.ts";
import { kernelKey } from "../../../corpus/kernel.ts";
import { kernel } from "./kit.ts";

const query = (key: string): KernelQuery => {
  const { id, versionId, arch, release } = kernel(key);
  return { id, versionId, arch: arch ?? "", release: release ?? "" };
};

function select(kernels: readonly string[], wanted: string) {
  const entries = kernels.map((line) => {
    const [key = "", blobHash = null] = line.split(" ");
    return { identity: kernel(key), blobHash };
  });
  const found = selectKernel(entries, query(wanted));
  const keys = (list: readonly { identity: ReturnType<typeof kernel> }[]) => list.map((one) => kernelKey(one.identity));
  if (found.outcome === "exact") return { exact: kernelKey(found.entry.identity), remark: found.remark };
  return found.outcome === "ambiguous"
    ? { ambiguous: keys(found.entries) }
    : { nearest: keys(found.nearest), reason: found.reason };
}

describe("selecting a kernel", () => {
  const two = ["ubuntu/20.04/x86_64/5.15.0-1049-aws a", "ubuntu/22.04/x86_64/5.15.0-1049-aws b"];

  it("finds the very kernel", () => {
    const found = { exact: "ubuntu/22.04/x86_64/5.15.0-1049-aws", remark: null };
    expect(select(two, "ubuntu/22.04/x86_64/5.15.0-1049-aws")).toEqual(found);
    expect(select(two.toReversed(), "ubuntu/22.04/x86_64/5.15.0-1049-aws")).toEqual(found);
  });

  it.each([
    ["aarch64", "arm64"],
    ["arm64", "aarch64"],
    ["amd64", "x86_64"],
    ["x86_64", "amd64"],
  ])("knows that %s is %s", (asked, there) => {
    const key = `debian/12/${there}/6.1.0-47`;
    expect(select([key], `debian/12/${asked}/6.1.0-47`)).toEqual({ exact: key, remark: null });
  });

  it("does not decide between two versions of a distribution that have one release name", () => {
    expect(select(two, "ubuntu/-/x86_64/5.15.0-1049-aws")).toEqual({ ambiguous: two.map((one) => one.slice(0, -2)) });
    expect(select(two, "-/-/x86_64/5.15.0-1049-aws")).toHaveProperty("ambiguous");
  });

  it("needs no decision where both have the same BTF", () => {
    const same = two.map((one) => `${one.slice(0, -1)}a`);
    expect(select(same, "ubuntu/-/x86_64/5.15.0-1049-aws")).toHaveProperty("exact");
    expect(
      select(
        two.map((one) => one.slice(0, -2)),
        "ubuntu/-/x86_64/5.15.0-1049-aws",
      ),
    ).toHaveProperty("ambiguous");
  });

  it.each([
    ["another version", "ubuntu/24.04/x86_64/5.15.0-1049-aws", "is there, but not of ubuntu 24.04"],
    ["another distribution", "debian/12/x86_64/5.15.0-1049-aws", "is there, but not of debian 12"],
    ["another architecture", "ubuntu/22.04/arm64/5.15.0-1049-aws", "no kernel for arm64"],
    ["another release", "ubuntu/22.04/x86_64/5.15.0-1050-aws", "no kernel 5.15.0-1050-aws of ubuntu 22.04"],
    ["the start of a release", "ubuntu/22.04/x86_64/5.15.0-1049", "no kernel 5.15.0-1049 of ubuntu 22.04"],
    ["an unknown distribution", "arch/-/x86_64/6.9.1", "no kernel of arch for x86_64"],
  ])("selects nothing for %s", (_, wanted, reason) => {
    expect(select(two, wanted)).toHaveProperty("reason", expect.stringContaining(reason));
  });

  it("takes a version and its first part for one, after an exact one, and says so", () => {
    const release = "4.18.0-305.el8.x86_64";
    const found = select([`rhel/8/x86_64/${release}`], `rhel/8.4/x86_64/${release}`);
    expect(found).toEqual({ exact: `rhel/8/x86_64/${release}`, remark: "version 8.4 is filed under 8" });
    const both = [`rhel/8/x86_64/${release} a`, `rhel/8.4/x86_64/${release} b`];
    expect(select(both, `rhel/8.4/x86_64/${release}`)).toEqual({ exact: `rhel/8.4/x86_64/${release}`, remark: null });
    expect(select([`rhel/8/x86_64/${release}`], `rhel/80/x86_64/${release}`)).toHaveProperty("nearest");
  });

  it("takes an entry that does not say its distribution last, and says so", () => {
    const found = select(["-/-/x86_64/6.6.0"], "debian/12/x86_64/6.6.0");
    expect(found).toEqual({ exact: "-/-/x86_64/6.6.0", remark: "the entry does not say its distribution" });
    const both = ["-/-/x86_64/6.6.0 a", "debian/12/x86_64/6.6.0 b"];
    expect(select(both, "debian/12/x86_64/6.6.0")).toEqual({ exact: "debian/12/x86_64/6.6.0", remark: null });
  });

  it("names the nearest of the same distribution and architecture, at most five", () => {
    const kernels = [
      "debian/11/x86_64/5.10.0-46-amd64",
      "debian/12/x86_64/6.1.0-47-amd64",
      "debian/12/x86_64/6.1.0-55-amd64",
      "debian/12/x86_64/6.1.0-57-amd64",
      "debian/12/x86_64/6.1.0-56-rt-amd64",
      "debian/12/x86_64/6.12.1-amd64",
      "debian/12/arm64/6.1.0-56-amd64",
      "ubuntu/22.04/x86_64/6.1.0-56-amd64",
    ];
    expect(select(kernels, "debian/12/x86_64/6.1.0-56-amd64")).toHaveProperty("nearest", [
      "debian/12/x86_64/6.1.0-55-amd64",
      "debian/12/x86_64/6.1.0-57-amd64",
      "debian/12/x86_64/6.1.0-47-amd64",
      "debian/12/x86_64/6.1.0-56-rt-amd64",
      "debian/12/x86_64/6.12.1-amd64",
    ]);
    expect(select(kernels, "arch/-/arm64/6.1.0-1")).toHaveProperty("nearest", ["debian/12/arm64/6.1.0-56-amd64"]);
    expect(select([], "debian/12/x86_64/6.1")).toEqual({ nearest: [], reason: "the bundle has no kernels" });
  });
});

describe("releases", () => {
  it.each([
    ["6.1.0-56-cloud-amd64", [6, 1, 0], [56], "cloud-amd64"],
    ["5.15.0-1049-aws", [5, 15, 0], [1049], "aws"],
    ["3.10.0-1160.el7.x86_64", [3, 10, 0], [1160], "el7-x86"],
    ["6.12.117+deb12-amd64", [6, 12, 117], [], "deb12-amd64"],
    ["6.9", [6, 9, 0], [], ""],
    ["linux", [0, 0, 0], [], "linux"],
  ])("takes %s apart", (release, version, build, flavour) => {
    const parsed = parseRelease(release);
    expect(parsed).toEqual({ version, build, flavour });
  });

  it.each([
    ["6.1.0-56-amd64", "6.1.0-55-amd64", "6.1.0-56-rt-amd64"],
    ["6.1.0-56-amd64", "6.1.0-56-rt-amd64", "6.2.0-56-amd64"],
    ["6.1.0-56-amd64", "6.2.0-56-amd64", "5.1.0-56-amd64"],
    ["6.1.0-56-amd64", "6.1.0-1-amd64", "6.1.1-56-amd64"],
    ["6.1.9-1-amd64", "6.1.100-1-amd64", "6.1.9-1-rt-amd64"],
  ])("from %s it is nearer to %s than to %s", (from, near, far) => {
    const distance = (to: string) => releaseDistance(parseRelease(to), parseRelease(from));
    expect(compareDistances(distance(near), distance(far))).toBeLessThan(0);
    expect(compareDistances(distance(far), distance(near))).toBeGreaterThan(0);
    expect(compareDistances(distance(from), [])).toBe(0);
  });
});

describe("os-release", () => {
  it.each([
    ["ID=debian\nVERSION_ID=12\n", "debian", "12"],
    ['ID="centos"\nVERSION_ID="7"\n', "centos", "7"],
    ["ID='ol'\nVERSION_ID='8.9'", "ol", "8.9"],
    ['# ID=no\n\nID=arch\nVERSION="x"\nID_LIKE="a b"\n', "arch", null],
    ["VERSION_ID=1\nVERSION_ID=2\nID=x", "x", "2"],
    ['ID=ubuntu\r\nVERSION_ID="22.04"\r\n', "ubuntu", "22.04"],
    ['NAME="a\\"b"\nID=a\\b\nVERSION_ID=""', "ab", null],
    ["", "linux", null],
    ["VERSION_ID=1", "linux", "1"],
  ])("reads %j", (text, id, versionId) => {
    expect(parseOsRelease(text)).toEqual({ id, versionId });
  });
});
