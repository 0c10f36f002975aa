/** In libbpf's own hands nothing differs between the full and the small BTF: no instruction, no candidate's outcome. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type JobOptions, runParsed } from "../../lib/job/job.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNELS_TO_ASK, kernelPath, THOROUGH } from "../samples.ts";
import { type LibbpfOptions, libbpfRelocateMany } from "./libbpf.ts";
import { compareRuns, noPairs, type PairCount } from "./libbpf-pair.ts";
import { fixtureObjects, type ObjectFile, toolObjects } from "./object-files.ts";
import { describeOracle } from "./requirements.ts";
import { withRelocationsReversed } from "./reverse-relocations.ts";
import { s390xLibbpf } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);
/** A program at a time takes libbpf a while on a slow machine. */
const TIMEOUT_MS = 180_000;
const MODES: Readonly<Record<string, JobOptions>> = { "as small as can be": {}, "with names": { keepNames: true } };

describeOracle("full and small BTF in libbpf's hands", ["libbpf"], () => {
  const directory = temporaryDirectory();

  /** Minimizes for all files together, then lets libbpf relocate each on the full BTF and on every mode's small one. */
  function differences(
    files: readonly ObjectFile[],
    kernel: string,
    options: LibbpfOptions,
    count: PairCount,
  ): string[] {
    const path = kernelPath(kernel);
    const target = parseBtf(readFileSync(path), { source: kernel });
    const objects = files.map(({ object }) => object);
    const paths = files.map((file) => file.path);
    // Whatever libbpf looks up beside CO-RE (ksyms, struct_ops) it finds in the full BTF both times.
    const full = libbpfRelocateMany(paths, path, options);
    return Object.entries(MODES).flatMap(([mode, job]) => {
      const result = runParsed(target, objects, job);
      expect(result.proof.holds).toBe(true);
      const small = join(directory(), "small.btf");
      writeFileSync(small, result.blobs[0].bytes);
      const runs = libbpfRelocateMany(paths, small, { ...options, vmlinux: path });
      return compareRuns(full, runs, count).map((text) => `${mode}, ${text}`);
    });
  }

  /** The same files with their relocations backwards. */
  const reversed = (files: readonly ObjectFile[]): ObjectFile[] =>
    files.map(({ name, path, object }) => {
      const copy = join(directory(), `reversed-${name}`);
      writeFileSync(copy, withRelocationsReversed(readFileSync(path)));
      return { name, path: copy, object };
    });

  it.each(KERNELS)(
    "our objects on %s",
    (kernel) => {
      const count = noPairs();
      expect(differences(fixtureObjects(), kernel, { alone: kernel === KERNEL_6_1 }, count)).toEqual([]);
      expect(count.relocations).toBeGreaterThan(600);
      expect(count.patched).toBeGreaterThan(600);
    },
    TIMEOUT_MS,
  );

  it(
    "our objects with their relocations backwards",
    () => {
      const count = noPairs();
      expect(differences(reversed(fixtureObjects()), KERNEL_6_1, { alone: THOROUGH }, count)).toEqual([]);
      expect(count.patched).toBeGreaterThan(600);
    },
    TIMEOUT_MS,
  );

  describeOracle("and the objects of libbpf-tools", ["libbpf-tools"], () => {
    const tools = (): ObjectFile[] => toolObjects(join(directory(), "tools"));

    it.each(KERNELS)(
      "on %s",
      (kernel) => {
        const count = noPairs();
        // Each program alone is asked of our own objects above; of these it takes five times as long.
        expect(differences(tools(), kernel, { alone: THOROUGH && kernel === KERNEL_6_1 }, count)).toEqual([]);
        expect(count.relocations).toBeGreaterThan(700);
        expect(count.patched).toBeGreaterThan(700);
      },
      TIMEOUT_MS,
    );

    // As our own objects above, in five times the time.
    it.runIf(THOROUGH)(
      "with their relocations backwards, each program alone",
      () => {
        const count = noPairs();
        expect(differences(reversed(tools()), KERNEL_6_1, { alone: true }, count)).toEqual([]);
        expect(count.patched).toBeGreaterThan(700);
      },
      TIMEOUT_MS,
    );

    it(
      "each minimized for alone",
      () => {
        const path = kernelPath(KERNEL_6_1);
        const target = parseBtf(readFileSync(path), { source: KERNEL_6_1 });
        const count = noPairs();
        const files = tools();
        const full = libbpfRelocateMany(
          files.map((file) => file.path),
          path,
        );
        const said = files.flatMap((file, i) => {
          const small = join(directory(), "small.btf");
          writeFileSync(small, runParsed(target, [file.object]).blobs[0].bytes);
          const runs = libbpfRelocateMany([file.path], small, { vmlinux: path });
          return compareRuns(full.slice(i, i + 1), runs, count);
        });
        expect(said).toEqual([]);
        expect(count.patched).toBeGreaterThan(400);
      },
      TIMEOUT_MS,
    );
  });

  describeOracle("of the other byte order", ["s390x", "clang"], () => {
    it(
      "our objects on s390x",
      () => {
        const count = noPairs();
        const options = { command: s390xLibbpf(), timeoutMs: TIMEOUT_MS };
        expect(differences(fixtureObjects("objects-be"), KERNEL_BIG_ENDIAN, options, count)).toEqual([]);
        expect(count.patched).toBeGreaterThan(600);
      },
      2 * TIMEOUT_MS,
    );
  });
});
