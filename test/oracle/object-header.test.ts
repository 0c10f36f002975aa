/** Which ELF files libbpf takes for objects, by their headers, and which we do. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import * as format from "../../lib/elf/format.ts";
import { KERNEL_6_1, kernelPath } from "../samples.ts";
import { libbpfRelocateMany } from "./libbpf.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

describeOracle("an object's header", ["libbpf"], () => {
  const directory = temporaryDirectory();
  it.each<[string, number, number, boolean]>([
    ["BPF's machine", format.AT_MACHINE, format.EM_BPF, true],
    ["no machine", format.AT_MACHINE, 0, true],
    ["x86-64's machine", format.AT_MACHINE, 62, false],
    ["no type", format.AT_TYPE, 0, false],
    ["an executable's type", format.AT_TYPE, 2, false],
    ["a shared object's type", format.AT_TYPE, 3, false],
    ["32 bits", format.EI_CLASS, format.ELFCLASS32, false],
  ])("of %s", (_, at, value, taken) => {
    const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, "../fixtures/objects/exec.o")));
    bytes[at] = value;
    const path = join(directory(), "object.o");
    writeFileSync(path, bytes);
    const [run] = libbpfRelocateMany([path], kernelPath(KERNEL_6_1));
    const parse = () => parseBpfObject(bytes);
    expect(run?.failed).toBe(taken ? undefined : "open");
    if (taken) expect(parse().programs.length).toBeGreaterThan(0);
    else expect(parse).toThrow(FormatError);
  });
});
