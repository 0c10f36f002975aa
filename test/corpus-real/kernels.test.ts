import { describe, expect, it } from "vitest";
import { identityOfPath } from "../../corpus/source/identity.ts";
import { isProblem } from "../../corpus/source/item.ts";
import { readFileKernels } from "../../corpus/source/read-kernels.ts";
import { lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { typeCount } from "../../lib/btf/view.ts";
import { KERNEL_NAMES, kernelSample } from "../samples.ts";
import { corpusDirectory, corpusFiles } from "./corpus-files.ts";

const LEAST_KERNELS = 30;
const LEAST_ARCHITECTURES = 5;
/** A kernel of the smallest configuration that distributions build has more than this. */
const LEAST_TYPES = 30_000;

describe.skipIf(corpusDirectory === undefined)("real kernels (BTFGEN_CORPUS, see npm run test:corpus)", () => {
  const files = corpusFiles();

  it(`are ${LEAST_KERNELS} at least, of ${LEAST_ARCHITECTURES} architectures`, () => {
    expect(files.length).toBeGreaterThanOrEqual(LEAST_KERNELS);
    const architectures = new Set(files.map(({ path }) => identityOfPath(path).arch));
    expect(architectures.size).toBeGreaterThanOrEqual(LEAST_ARCHITECTURES);
    expect(architectures).not.toContain(null);
  });

  it.each(files.map((file) => [file.name, file] as const))("%s is whole and sound", async (_, file) => {
    const items = [];
    for await (const item of readFileKernels(file)) items.push(item);
    expect(items.length).toBe(1);
    const [kernel] = items;
    if (kernel === undefined || isProblem(kernel)) throw new Error(kernel?.problem);
    expect(kernel.identity).toEqual(identityOfPath(file.path));
    const btf = parseBtf(kernel.btf.bytes, { source: file.name });
    expect(typeCount(btf)).toBeGreaterThan(LEAST_TYPES);
    const errors = lintBtf(kernel.btf.bytes, { source: file.name }).filter(({ severity }) => severity === "error");
    expect(errors).toEqual([]);
    // s390x is the only big-endian one.
    expect(btf.segments[0]?.header.littleEndian).toBe(kernel.identity.arch !== "s390x");
    const name = KERNEL_NAMES.find((sample) => file.name === `${sample}.btf.tar.xz`);
    if (name === undefined) return;
    const { bytes } = kernelSample(name);
    expect(Buffer.compare(bytes, kernel.btf.bytes), "as committed in corpus/samples").toBe(0);
  });
});
