/**
 * A batch over the whole corpus, each kernel's small BTF in libbpf's hands beside the full one, and the bundle's size
 * beside what bpftool makes for the same objects.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type BundleEntry, bundleEntry } from "../../corpus/bundle/bundle.ts";
import { compressTar } from "../../corpus/bundle/container.ts";
import { bundleFiles } from "../../corpus/bundle/layout.ts";
import { type OpenBundle, readEntry } from "../../corpus/bundle/read.ts";
import { INDEX_NAME } from "../../corpus/bundle/store-index.ts";
import { packTar } from "../../corpus/bundle/tar.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import { identityOfPath } from "../../corpus/source/identity.ts";
import { isProblem } from "../../corpus/source/item.ts";
import { readFileKernels } from "../../corpus/source/read-kernels.ts";
import type { SourceFile } from "../../corpus/source/walk.ts";
import { minCoreBtf } from "../oracle/bpftool.ts";
import { type LibbpfOptions, libbpfRelocateMany } from "../oracle/libbpf.ts";
import { compareRuns, noPairs, type PairCount } from "../oracle/libbpf-pair.ts";
import type { ObjectFile } from "../oracle/object-files.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { s390xLibbpf } from "../oracle/s390x.ts";
import { temporaryDirectory } from "../oracle/temporary.ts";
import { corpusDirectory, corpusFiles } from "./corpus-files.ts";
import { btfgen, makeWholeBundle, type WholeBundle } from "./whole-bundle.ts";

const BATCH_TIMEOUT_MS = 600_000;
const KERNEL_TIMEOUT_MS = 120_000;
/** Of libbpf's log on one kernel, so that it is not nothing that was compared. Off x86 pt_regs has other members. */
const LEAST_RELOCATIONS = 500;
const LEAST_PATCHED = 350;
const MOST_OF_BPFTOOLS = 0.85;

const isBigEndian = (file: SourceFile) => identityOfPath(file.path).arch === "s390x";
const named = (files: readonly SourceFile[]) => files.map((file) => [file.name, file] as const);

describe.skipIf(corpusDirectory === undefined)("the bundle of the whole corpus", () => {
  const files = corpusFiles();
  const directory = temporaryDirectory();
  let bundle: WholeBundle;

  describeOracle("made for the objects of libbpf-tools", ["libbpf-tools"], () => {
    beforeAll(async () => {
      bundle = await makeWholeBundle(corpusDirectory ?? "", directory());
    }, BATCH_TIMEOUT_MS);

    it("has every kernel, in both layouts the same, and is sound", () => {
      const keys = files.map((file) => kernelKey(identityOfPath(file.path)));
      expect(bundle.summary.kernels).toMatchObject({ done: files.length, skipped: 0, failed: 0 });
      expect(bundle.tools.length).toBeGreaterThan(30);
      expect(bundle.bigEndian.length).toBeGreaterThan(20);
      expect(new Set(bundle.tree.entries.map(({ key }) => key))).toEqual(new Set(keys));
      const [tree, store] = [bundle.tree, bundle.store].map((one) => hashes(one));
      expect(tree).toEqual(store);
      for (const path of bundle.paths) btfgen("bundle", "verify", path);
    });

    describeOracle("in libbpf's hands", ["libbpf"], () => {
      it.each(named(files.filter((file) => !isBigEndian(file))))(
        "%s",
        (_, file) => expectSameInLibbpf(file, bundle.tools, {}),
        KERNEL_TIMEOUT_MS,
      );

      it("is not taken for another kernel's", async () => {
        const [first, last] = [files[0], files.findLast((file) => !isBigEndian(file))];
        if (first === undefined || last === undefined) throw new Error("no kernels");
        expect((await differences(first, last, bundle.tools, {}, noPairs())).length).toBeGreaterThan(0);
      });
    });

    describeOracle("in a big-endian libbpf's hands", ["s390x", "clang"], () => {
      it.each(named(files.filter(isBigEndian)))(
        "%s",
        (_, file) => {
          const options = { command: s390xLibbpf(), timeoutMs: KERNEL_TIMEOUT_MS };
          return expectSameInLibbpf(file, bundle.bigEndian, options);
        },
        2 * KERNEL_TIMEOUT_MS,
      );
    });

    describeOracle("beside bpftool's files", ["bpftool"], () => {
      it(
        `is at most ${MOST_OF_BPFTOOLS} of their size`,
        async () => {
          const [ours, theirs] = await bothEntries();
          const [ourTree, theirTree] = await Promise.all([treeBytes(ours), treeBytes(theirs)]);
          console.log(await sizeTable(ours, theirs, ourTree, theirTree));
          expect(ours.length).toBe(theirs.length);
          expect(ourTree / theirTree).toBeLessThanOrEqual(MOST_OF_BPFTOOLS);
          expect(sum(distinct(ours)) / sum(ours)).toBeLessThan(1);
          expect(sum(distinct(ours)) / sum(theirs)).toBeLessThanOrEqual(MOST_OF_BPFTOOLS);
        },
        BATCH_TIMEOUT_MS,
      );
    });
  });

  /** No instruction and no outcome differs between a kernel's own BTF and the bundle's. */
  async function expectSameInLibbpf(file: SourceFile, objects: readonly ObjectFile[], options: LibbpfOptions) {
    const count = noPairs();
    expect(await differences(file, file, objects, options, count)).toEqual([]);
    expect(count.relocations).toBeGreaterThan(LEAST_RELOCATIONS);
    expect(count.patched).toBeGreaterThan(LEAST_PATCHED);
  }

  /** Lets libbpf relocate all objects at once on a kernel's own BTF, then on what the bundle has for `other`. */
  async function differences(
    file: SourceFile,
    other: SourceFile,
    objects: readonly ObjectFile[],
    options: LibbpfOptions,
    count: PairCount,
  ): Promise<string[]> {
    const [full, small] = [join(directory(), "full.btf"), join(directory(), "small.btf")];
    writeFileSync(full, await kernelBytes(file));
    writeFileSync(small, entryOf(bundle.tree, other).bytes);
    const paths = objects.map(({ path }) => path);
    const before = libbpfRelocateMany(paths, full, options);
    // Whatever libbpf looks up beside CO-RE (ksyms, struct_ops) it finds in the full BTF both times.
    const after = libbpfRelocateMany(paths, small, { ...options, vmlinux: full });
    expect(before.length).toBe(objects.length);
    expect(before.filter(({ failed }) => failed === "crash" || failed === "open")).toEqual([]);
    return compareRuns(before, after, count);
  }

  /** The little-endian kernels, ours and as bpftool makes them; this machine's bpftool reads no others. */
  async function bothEntries(): Promise<[ours: BundleEntry[], theirs: BundleEntry[]]> {
    const ours: BundleEntry[] = [];
    const theirs: BundleEntry[] = [];
    const full = join(directory(), "full.btf");
    const paths = bundle.tools.map(({ path }) => path);
    for (const file of files.filter((one) => !isBigEndian(one))) {
      writeFileSync(full, await kernelBytes(file));
      const made = minCoreBtf(full, paths);
      if (!made.ok) throw new Error(`bpftool on ${file.name}: ${made.error}`);
      const entry = entryOf(bundle.tree, file);
      ours.push(entry);
      theirs.push(bundleEntry(entry.identity, made.value));
    }
    return [ours, theirs];
  }

  async function sizeTable(
    ours: readonly BundleEntry[],
    theirs: readonly BundleEntry[],
    ourTree: number,
    theirTree: number,
  ): Promise<string> {
    const index = bundle.store.storage.read(INDEX_NAME);
    const packedIndex = (await compressTar(index, "tar.xz")).length;
    const row = (name: string, a: number, b: number) => `| ${name} | ${a} | ${b} | ${(a / b).toFixed(3)} |`;
    const all = bundle.tree.entries.length;
    return [
      `| ${ours.length} kernels, ${bundle.tools.length} objects | ours | bpftool | ours / bpftool |`,
      "|---|--:|--:|--:|",
      row("a tree in a .tar.xz, bytes", ourTree, theirTree),
      row("separate files, bytes", sum(ours), sum(theirs)),
      row("distinct blobs", distinct(ours).length, distinct(theirs).length),
      row("distinct blobs, bytes", sum(distinct(ours)), sum(distinct(theirs))),
      row("distinct blobs against separate files, bytes", sum(distinct(ours)), sum(theirs)),
      "",
      `The store's index of all ${all} kernels: ${index.length} bytes, ${(index.length / all).toFixed(0)} a kernel; ` +
        `${packedIndex} in xz. All ${all} as a tree in a .tar.xz: ${readFileSync(bundle.paths[0]).length} bytes.`,
    ].join("\n");
  }
});

async function kernelBytes(file: SourceFile): Promise<Uint8Array> {
  for await (const item of readFileKernels(file)) {
    if (isProblem(item)) throw new Error(item.problem);
    return item.btf.bytes;
  }
  throw new Error(`${file.name} has no kernel`);
}

function entryOf(bundle: OpenBundle, file: SourceFile): BundleEntry {
  const key = kernelKey(identityOfPath(file.path));
  const entry = bundle.entries.find((one) => one.key === key);
  if (entry === undefined) throw new Error(`${key} is not in the bundle`);
  return readEntry(bundle, entry);
}

/** Hash by kernel. */
function hashes(bundle: OpenBundle): Record<string, string> {
  return Object.fromEntries(bundle.entries.map((entry) => [entry.key, readEntry(bundle, entry).blobHash]));
}

/** Both sides are packed alike, with the names that a bundle has. */
async function treeBytes(entries: readonly BundleEntry[]): Promise<number> {
  const files = bundleFiles(entries, { layout: "tree", naming: "btfhub" }, true);
  return (await compressTar(await packTar(files), "tar.xz")).length;
}

function distinct(entries: readonly BundleEntry[]): BundleEntry[] {
  return [...new Map(entries.map((entry) => [entry.blobHash, entry])).values()];
}

function sum(entries: readonly BundleEntry[]): number {
  return entries.reduce((total, { bytes }) => total + bytes.length, 0);
}
