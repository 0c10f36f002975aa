import { describe, expect, it } from "vitest";
import { parseObjectArgument, tagFor, tagOfName } from "../../../corpus/batch/object-tag.ts";

describe("parseObjectArgument", () => {
  it.each([
    ["x.o", "x.o", null],
    ["arm64=x.o", "x.o", ["arm64"]],
    ["aarch64=x.o", "x.o", ["arm64"]],
    ["amd64=dir/x.o", "dir/x.o", ["x86_64"]],
    ["x86=x.o", "x.o", ["x86_64", "x86"]],
    ["s390x=a=b.o", "a=b.o", ["s390x"]],
    ["any=x_arm64.o", "x_arm64.o", []],
    ["strange=x.o", "strange=x.o", null],
    ["=x.o", "=x.o", null],
  ])("%s", (argument, path, arches) => {
    const parsed = parseObjectArgument(argument);
    expect(parsed.path).toBe(path);
    expect(parsed.tag?.arches ?? null).toEqual(arches);
  });
});

describe("tagOfName", () => {
  it.each([
    ["prog_x86_bpfel.o", ["x86_64", "x86"]],
    ["dir/prog_arm64_bpfel.o", ["arm64"]],
    ["tool#prog_s390_bpfeb.o", ["s390x"]],
    ["prog_powerpc_bpfel.o", ["ppc64le", "ppc64"]],
    ["prog_riscv.bpf.o", ["riscv64"]],
    ["prog_arm64.o", ["arm64"]],
    // The byte order alone is in the file itself.
    ["prog_bpfel.o", null],
    ["prog_bpfeb.o", null],
    ["exec.bpf.o", null],
    ["x86.o", null],
    ["prog_x86_bpfel.c", null],
    ["arm64_dir/prog.o", null],
  ])("%s", (name, arches) => {
    expect(tagOfName(name)?.arches ?? null).toEqual(arches);
  });
});

describe("tagFor", () => {
  it("prefers what was said to what a name says", () => {
    expect(tagFor(parseObjectArgument("arm64=p_x86.o").tag, "p_x86.o")?.arches).toEqual(["arm64"]);
    expect(tagFor(parseObjectArgument("p_x86.o").tag, "p_x86.o")?.arches).toEqual(["x86_64", "x86"]);
    expect(tagFor(parseObjectArgument("any=p_x86.o").tag, "p_x86.o")).toBeNull();
  });
});
