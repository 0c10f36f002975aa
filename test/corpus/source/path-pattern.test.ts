import { describe, expect, it } from "vitest";
import { identityByPattern, parsePathPattern, partsOfPattern } from "../../../corpus/source/path-pattern.ts";

function identity(pattern: string, path: string) {
  const parsed = parsePathPattern(pattern);
  if (typeof parsed === "string") throw new Error(parsed);
  const { id, versionId, arch, release } = identityByPattern(parsed, path);
  return [id, versionId, arch, release].map((part) => part ?? "-").join(" ");
}

describe("a pattern for paths", () => {
  it.each([
    [
      "{release}-{arch}",
      "android/common-android12-5.10/a12-5.10-2021-09-arm64.btf.tar.xz",
      "- - arm64 a12-5.10-2021-09",
    ],
    [
      "common-{version_id}/{release}-{arch}",
      "x/common-android12-5.10/a12-2021-arm64.btf",
      "- android12-5.10 arm64 a12-2021",
    ],
    ["{id}/{release}/vmlinuz", "/srv/debian/6.1.0-9/vmlinuz", "debian - - 6.1.0-9"],
    ["{arch}/{id}_{version_id}/{release}", "AMD64/ubuntu_20.04/5.4.0-1.btf", "ubuntu 20.04 x86_64 5.4.0-1"],
    ["{arch}/*/{release}", "x86_64/anything at all/5.4.btf.tar.zst", "- - x86_64 5.4"],
    ["{release}.btf.tar.xz", "a/5.4.btf.tar.xz", "- - - 5.4"],
    ["{release}.{arch}", "5.10.1-1.x86_64", "- - x86_64 5.10.1-1"],
    ["k({release})+", "k(5.4)+.btf", "- - - 5.4"],
    ["{release}-{arch}", "a\\5.4-arm64.btf", "- - arm64 5.4"],
    // What does not fit says nothing.
    ["{release}-{arch}", "a/5.4-vax.btf", "- - - -"],
    ["{id}/{release}", "5.4.btf", "- - - -"],
    ["b/{release}", "ab/5.4.btf", "- - - -"],
    ["{release}", "a/.btf", "- - - -"],
    ["{release}", "", "- - - -"],
  ])("%s of %s", (pattern, path, expected) => {
    expect(identity(pattern, path)).toBe(expected);
  });

  it.each([
    ["", "none of {id}, {version_id}, {arch}, {release} is in it"],
    ["debian/*", "none of"],
    ["{kernel}", "{kernel} is none of"],
    ["{__proto__}", "{__proto__} is none of"],
    ["{release}/{release}", "{release} is there twice"],
    ["{release", "a { without its }"],
    [`{release}${"x".repeat(300)}`, "more than 256 characters"],
  ])("refuses %j", (pattern, reason) => {
    expect(parsePathPattern(pattern)).toContain(reason);
  });

  it("tells how many parts of a path it looks at", () => {
    expect(partsOfPattern("*/{id}/{release}")).toBe(3);
  });
});
