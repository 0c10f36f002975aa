import { describe, expect, it } from "vitest";
import { compareIdentities, compareVersions, splitRelease } from "../../../corpus/compat/release-order.ts";
import type { KernelIdentity } from "../../../corpus/kernel.ts";

describe("splitRelease", () => {
  it.each([
    ["6.1.0-56-cloud-amd64", "6.1.0-56", "cloud-amd64"],
    ["6.12.117+deb12-amd64", "6.12.117+deb12", "amd64"],
    ["6.12.117+deb12-cloud-amd64", "6.12.117+deb12", "cloud-amd64"],
    ["5.10.0-0.deb10.16-amd64", "5.10.0-0.deb10.16", "amd64"],
    ["7.2.13+deb14-arm64-16k", "7.2.13+deb14", "arm64-16k"],
    ["6.12.107+deb13-powerpc64le-64k", "6.12.107+deb13", "powerpc64le-64k"],
    ["5.4.0-1024-aws", "5.4.0-1024", "aws"],
    ["5.4.0-42-generic", "5.4.0-42", "generic"],
    ["4.18.0-348.el8.x86_64", "4.18.0-348.el8", ""],
    ["5.14.0-362.8.1.el9_3.x86_64+rt", "5.14.0-362.8.1.el9_3", "rt"],
    ["4.18.0-80.el8.x86_64.debug", "4.18.0-80.el8", "debug"],
    ["4.14.101-91.76.amzn2.x86_64", "4.14.101-91.76.amzn2", ""],
    ["5.3.18-57-default", "5.3.18-57", "default"],
    ["6.2.0-rc3", "6.2.0-rc3", ""],
    ["6.2.0-rc3-amd64", "6.2.0-rc3", "amd64"],
    ["6.6.31", "6.6.31", ""],
    ["linux", "linux", ""],
    ["custom-kernel", "custom", "kernel"],
    ["", "", ""],
  ])("splits %s", (release, version, flavour) => {
    expect(splitRelease(release)).toEqual({ version, flavour });
  });
});

describe("compareVersions", () => {
  it.each([
    ["6.1.0-9", "6.1.0-10"],
    ["6.1", "6.1.1"],
    ["6.2-rc1", "6.2"],
    ["6.2-rc1", "6.2-rc2"],
    ["6.2-rc1", "6.2.1"],
    ["6.2~rc1", "6.2"],
    ["4.18.0-348.el8", "4.18.0-348.2.1.el8"],
    ["9", "10"],
    ["18.04", "20.04"],
    ["5.4.0-99999999999999999998", "5.4.0-99999999999999999999"],
    ["5.4.0-9", "5.4.0-99999999999999999999"],
    ["", "1"],
  ])("has %j before %j, and not the other way round", (low, high) => {
    expect(compareVersions(low, high)).toBeLessThan(0);
    expect(compareVersions(high, low)).toBeGreaterThan(0);
  });

  it.each([
    ["6.1", "6.1"],
    ["6.01", "6.1"],
    ["6-1", "6.1"],
    ["", ""],
  ])("has %j and %j at one place", (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
  });
});

describe("compareIdentities", () => {
  const identity = (key: string): KernelIdentity => {
    const [id = null, versionId = null, arch = null, release = null] = key
      .split("/")
      .map((part) => (part === "-" ? null : part));
    return { id, versionId, arch, release };
  };

  it("sorts by distribution, its version, architecture, flavour and release", () => {
    const sorted = [
      "-/-/-/5.0.0",
      "debian/9/x86_64/4.9.0-13-amd64",
      "debian/10/x86_64/4.19.0-5-amd64",
      "debian/10/x86_64/4.19.0-20-amd64",
      "debian/10/x86_64/4.19.0-4-cloud-amd64",
      "debian/12/arm64/6.1.0-56-arm64",
      "debian/12/x86_64/6.1.0-47-amd64",
      "ubuntu/18.04/x86_64/4.15.0-20-generic",
    ];
    const shuffled = sorted.map((_, i) => sorted[(i * 5 + 3) % sorted.length] as string);
    expect(new Set(shuffled).size).toBe(sorted.length);
    expect(shuffled.sort((a, b) => compareIdentities(identity(a), identity(b)))).toEqual(sorted);
  });

  it("is zero for the same identity alone", () => {
    const one = identity("debian/12/x86_64/6.01.0-47-amd64");
    expect(compareIdentities(one, one)).toBe(0);
    expect(compareIdentities(one, identity("debian/12/x86_64/6.1.0-47-amd64"))).not.toBe(0);
  });
});
