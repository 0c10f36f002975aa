/** Changed small BTF that our proof lets pass is the same in libbpf's hands; what the proof catches mostly is not. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runJob } from "../../lib/job/job.ts";
import { KERNEL_6_1, kernelPath } from "../samples.ts";
import { proveMutants, stringMutants, wordMutants } from "../verify/mutants.ts";
import { libbpfRelocateMany } from "./libbpf.ts";
import { compareRuns, noPairs } from "./libbpf-pair.ts";
import { fixtureObjects } from "./object-files.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const NAMES = ["anonymous.o", "zero_length.o", "types.o"];

describeOracle("changed small BTF", ["libbpf"], () => {
  const directory = temporaryDirectory();

  it("that passes the proof is the same to libbpf", () => {
    const files = fixtureObjects().filter(({ name }) => NAMES.includes(name));
    const objects = files.map(({ object }) => object);
    const base = { bytes: readFileSync(kernelPath(KERNEL_6_1)), source: KERNEL_6_1 };
    const { blobs, target, sets } = runJob({ base }, objects);
    const paths = files.map(({ path }) => path);
    const relocate = (bytes: Uint8Array) => {
      const path = join(directory(), "mutant.btf");
      writeFileSync(path, bytes);
      return libbpfRelocateMany(paths, path, { vmlinux: path });
    };
    const right = relocate(blobs[0].bytes);
    const mutants = [...wordMutants(blobs[0].bytes), ...stringMutants(blobs[0].bytes)];
    const passed = proveMutants(objects, { target, sets }, mutants).passed.filter(({ malformed }) => !malformed);
    expect(passed.length).toBeGreaterThan(60);
    const wrong = passed.flatMap(({ mutant: { what, bytes } }) =>
      compareRuns(right, relocate(bytes), noPairs()).map((text) => `${what}: ${text}`),
    );
    expect(wrong).toEqual([]);
  }, 120_000);
});
