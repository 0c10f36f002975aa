/** Small BTF is smaller than bpftool's, though it keeps more: the candidates that bpftool drops. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { KERNEL_BIG_ENDIAN, KERNELS_TO_ASK, kernelPath } from "../samples.ts";
import { fixtureObjects, toolObjects } from "./object-files.ts";
import { describeOracle } from "./requirements.ts";
import { formatSizeTable, hasEnumerators, measureSizes, type SizeRow, sizeRatio } from "./size-table.ts";
import { temporaryDirectory } from "./temporary.ts";

const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);
/** A header and the empty string. */
const NO_TYPES_BYTES = 25;
const MOST_OF_BPFTOOLS = 0.8;
const MOST_WITH_ENUMERATORS = 0.5;

describeOracle("sizes of small BTF for the objects of libbpf-tools", ["bpftool", "libbpf-tools"], () => {
  const directory = temporaryDirectory();

  it.each(KERNELS)(
    "on %s are below bpftool's",
    (kernel) => {
      const path = kernelPath(kernel);
      const files = toolObjects(directory()).filter(({ object }) => object.relocations.length > 0);
      const rows = measureSizes(kernel, path, parseBtf(readFileSync(path), { source: kernel }), files);
      const [all, ...single] = rows as [SizeRow, ...SizeRow[]];
      if (process.env.BTFGEN_PRINT_SIZES === "1") console.log(formatSizeTable(rows));
      expect(single.length).toBe(files.length);
      expect(sizeRatio([all])).toBeLessThanOrEqual(MOST_OF_BPFTOOLS);
      expect(sizeRatio(single)).toBeLessThanOrEqual(MOST_OF_BPFTOOLS);
      // None is larger, but where nothing is kept: bpftool's BTF has no types then, which kernels refuse.
      expect(single.filter(({ ours, bpftool }) => ours > bpftool && bpftool > NO_TYPES_BYTES)).toEqual([]);
    },
    120_000,
  );

  it.each(KERNELS)("on %s are below half of it for objects with enumerators", (kernel) => {
    const path = kernelPath(kernel);
    const files = fixtureObjects().filter(hasEnumerators);
    const rows = measureSizes(kernel, path, parseBtf(readFileSync(path), { source: kernel }), files);
    if (process.env.BTFGEN_PRINT_SIZES === "1") console.log(formatSizeTable(rows));
    // bpftool does not get through all of them.
    expect(rows.length).toBeGreaterThan(2);
    expect(sizeRatio(rows)).toBeLessThanOrEqual(MOST_WITH_ENUMERATORS);
  });
});
