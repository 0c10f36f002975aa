import { describe, expect, it } from "vitest";
import { identityOfDeb, identityOfPath, identityOfRpm, missingOptions } from "../../../corpus/source/identity.ts";
import { cpuMilliseconds } from "../../cpu-time.ts";

describe("identityOfPath", () => {
  it.each<[string, (string | null)[]]>([
    ["/a/debian/12/x86_64/6.1.0-9-amd64.btf.tar.xz", ["debian", "12", "x86_64", "6.1.0-9-amd64"]],
    ["ubuntu/20.04/arm64/5.4.0-1.btf", ["ubuntu", "20.04", "arm64", "5.4.0-1"]],
    ["amzn/2/aarch64/4.14.1-2.amzn2.aarch64.btf.tar.zst", ["amzn", "2", "arm64", "4.14.1-2.amzn2.aarch64"]],
    ["opensuse-leap/15.3/x86_64/5.3.18-59.5-default.btf", ["opensuse-leap", "15.3", "x86_64", "5.3.18-59.5-default"]],
    ["android/12/arm64/a12-5.10-2021-09.btf.tar.xz", ["android", "12", "arm64", "a12-5.10-2021-09"]],
    ["debian/12/x86_64/vmlinux.btf", [null, null, null, null]],
    ["12/arm64/a12-5.10-2021-09.btf.tar.xz", [null, null, null, null]],
    ["/boot/vmlinuz-6.1.0-9-amd64", [null, null, null, "6.1.0-9-amd64"]],
    ["boot/vmlinux-6.1.0.gz", [null, null, null, "6.1.0"]],
    ["usr/lib/modules/7.2.1+deb14/vmlinuz", [null, null, null, "7.2.1+deb14"]],
    ["6.1.0.btf", [null, null, null, "6.1.0"]],
    ["vmlinux.btf", [null, null, null, null]],
    ["a/b/notanarch/6.1.0.btf", [null, null, null, "6.1.0"]],
    ["debian/12/x86_64/README", [null, null, null, null]],
    ["", [null, null, null, null]],
  ])("%s", (path, [id, versionId, arch, release]) => {
    expect(identityOfPath(path)).toEqual({ id, versionId, arch, release });
  });

  it("takes no longer for a name that is nearly a release, however long: a tar's may be of any length", () => {
    const start = cpuMilliseconds();
    expect(identityOfPath(`1.${"1".repeat(40_000)} x.btf`).release).toBeNull();
    expect(cpuMilliseconds() - start).toBeLessThan(1000);
  });
});

describe("identityOfDeb", () => {
  const debian = "Debian Kernel Team <debian-kernel@lists.debian.org>";
  it.each<[string, string, string, string, (string | null)[]]>([
    [
      "linux-image-6.1.0-56-cloud-amd64",
      "6.1.192-2",
      "amd64",
      debian,
      ["debian", "12", "x86_64", "6.1.0-56-cloud-amd64"],
    ],
    ["linux-image-5.10.0-46-arm64", "5.10.262-1", "arm64", debian, ["debian", "11", "arm64", "5.10.0-46-arm64"]],
    [
      "linux-image-6.1.0-0.deb11.52-amd64",
      "6.1.180-1~deb11u1",
      "amd64",
      debian,
      ["debian", "11", "x86_64", "6.1.0-0.deb11.52-amd64"],
    ],
    [
      "linux-image-6.12.117+deb12-amd64",
      "6.12.117-1~deb12u1",
      "amd64",
      debian,
      ["debian", "12", "x86_64", "6.12.117+deb12-amd64"],
    ],
    ["linux-binary-7.2.13+deb14-s390x", "7.2.13-1", "s390x", debian, ["debian", "14", "s390x", "7.2.13+deb14-s390x"]],
    [
      "linux-image-6.12.107+deb13-powerpc64le",
      "6.12.107-1",
      "ppc64el",
      debian,
      ["debian", "13", "ppc64le", "6.12.107+deb13-powerpc64le"],
    ],
    ["linux-image-6.7.12-amd64", "6.7.12-1", "amd64", debian, ["debian", null, "x86_64", "6.7.12-amd64"]],
    [
      "linux-image-5.15.0-91-generic",
      "5.15.0-91.101~20.04.1",
      "amd64",
      "Canonical Kernel Team",
      ["ubuntu", "20.04", "x86_64", "5.15.0-91-generic"],
    ],
    [
      "linux-image-unsigned-6.8.0-31-generic",
      "6.8.0-31.31",
      "amd64",
      "Ubuntu Kernel Team",
      ["ubuntu", "24.04", "x86_64", "6.8.0-31-generic"],
    ],
    ["linux-image-6.1-amd64", "6.1.192-2", "amd64", debian, ["debian", "12", "x86_64", null]],
    ["linux-image-6.1.50-mine", "6.1.50-1", "amd64", "me@home", [null, null, "x86_64", "6.1.50-mine"]],
  ])("%s %s", (name, version, arch, maintainer, [id, versionId, known, release]) => {
    const fields = new Map(Object.entries({ package: name, version, architecture: arch, maintainer }));
    expect(identityOfDeb({ fields, sums: new Map() })).toEqual({ id, versionId, arch: known, release });
  });
});

describe("identityOfRpm", () => {
  const none = { name: "", distribution: "", payloadFormat: "", payloadCompressor: "", payloadDigest: "" };
  it.each<[string, string, string, string, (string | null)[]]>([
    ["6.8.5", "301.fc40", "x86_64", "Fedora Project", ["fedora", "40", "x86_64", "6.8.5-301.fc40.x86_64"]],
    ["4.18.0", "477.el8", "aarch64", "CentOS", ["centos", "8", "arm64", "4.18.0-477.el8.aarch64"]],
    ["5.14.0", "427.el9_4", "x86_64", "Red Hat, Inc.", ["rhel", "9.4", "x86_64", "5.14.0-427.el9_4.x86_64"]],
    ["4.14.336", "1.amzn2", "x86_64", "Amazon Linux", ["amzn", "2", "x86_64", "4.14.336-1.amzn2.x86_64"]],
    ["5.3.18", "59.5", "x86_64", "SUSE LLC", ["sles", null, "x86_64", null]],
    ["", "", "", "", [null, null, null, null]],
  ])("%s-%s.%s of %s", (version, release, arch, vendor, [id, versionId, known, name]) => {
    const identity = identityOfRpm({ ...none, version, release, arch, vendor });
    expect(identity).toEqual({ id, versionId, arch: known, release: name });
  });
});

it("names the options for what is not known", () => {
  expect(missingOptions({ id: null, versionId: null, arch: "arm64", release: null })).toEqual([
    "--id",
    "--version-id",
    "--release",
  ]);
});
