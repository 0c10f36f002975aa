import { describe, expect, it } from "vitest";
import { canonicalArch, goArchOf, knownArch, machineOf } from "../../corpus/arch.ts";

describe("names of architectures", () => {
  it.each([
    ["aarch64", "arm64", "aarch64", "arm64"],
    ["arm64", "arm64", "aarch64", "arm64"],
    ["amd64", "x86_64", "x86_64", "amd64"],
    ["x86_64", "x86_64", "x86_64", "amd64"],
    ["X86-64", "x86_64", "x86_64", "amd64"],
    ["s390x", "s390x", "s390x", "s390x"],
    ["ppc64el", "ppc64le", "ppc64le", "ppc64le"],
    ["ppc64le", "ppc64le", "ppc64le", "ppc64le"],
    ["riscv64", "riscv64", "riscv64", "riscv64"],
    ["i386", "x86", "i686", "386"],
  ])("%s is %s; uname -m says %s and Go %s", (word, name, machine, go) => {
    expect([knownArch(word), machineOf(word), goArchOf(word)]).toEqual([name, machine, go]);
  });

  it("keeps a name that nobody has told of", () => {
    expect([knownArch("vax"), canonicalArch("vax"), machineOf("vax"), goArchOf("vax")]).toEqual([
      null,
      "vax",
      "vax",
      "vax",
    ]);
  });
});
