import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CorpusFile, parseShard, planBatch } from "../../../corpus/batch/plan.ts";
import { property } from "../../property/property.ts";

const FILES = fc.uniqueArray(fc.record({ name: fc.string(), size: fc.nat(1 << 20) }), {
  selector: ({ name }) => name,
  maxLength: 60,
});
const SHARDS = fc.integer({ min: 1, max: 9 });
const SETTINGS = { seed: 20_263, numRuns: 100 };

function located(files: readonly { readonly name: string; readonly size: number }[]): CorpusFile[] {
  return files.map((file) => ({ ...file, path: `/somewhere/${file.name}`, isNamed: false }));
}

describe("planBatch", () => {
  it("keeps the order of the walk", () => {
    const plan = planBatch(
      located([
        { name: "b", size: 1 },
        { name: "a", size: 9 },
      ]),
      null,
    );
    expect(plan.jobs.map(({ name, index }) => [name, index])).toEqual([
      ["b", 0],
      ["a", 1],
    ]);
    expect(plan).toMatchObject({ filesTotal: 2, bytesTotal: 10, shard: null });
  });

  property("has each file in exactly one shard", [FILES, SHARDS], SETTINGS, (files, count) => {
    const shards = shardsOf(located(files), count);
    const names = shards.flatMap(({ jobs }) => jobs.map(({ name }) => name));
    expect(names.sort()).toEqual(files.map(({ name }) => name).sort());
  });

  property("gives shards that differ by a file at most", [FILES, SHARDS], SETTINGS, (files, count) => {
    const loads = shardsOf(located(files), count).map(({ jobs }) => jobs.reduce((sum, { size }) => sum + size, 0));
    const largest = Math.max(0, ...files.map(({ size }) => size));
    // Empty files count as one byte, so that they are shared out as well.
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest + files.length);
  });

  property("looks neither at mount points nor at order", [FILES, SHARDS], SETTINGS, (files, count) => {
    const elsewhere = files.map((file) => ({ ...file, path: `/mnt/${file.name}`, isNamed: false })).reverse();
    const here = shardsOf(located(files), count);
    const there = shardsOf(elsewhere, count);
    const names = (plans: typeof here) => plans.map(({ jobs }) => jobs.map(({ name }) => name).sort());
    expect(names(there)).toEqual(names(here));
    expect(there[0]?.digest).toBe(here[0]?.digest);
  });

  it("tells corpora apart", () => {
    const digest = (size: number) => planBatch(located([{ name: "a", size }]), null).digest;
    expect(digest(1)).not.toBe(digest(2));
  });
});

function shardsOf(files: readonly CorpusFile[], count: number) {
  return Array.from({ length: count }, (_, index) => planBatch(files, { index, count }));
}

describe("parseShard", () => {
  it.each([
    ["1/1", { index: 0, count: 1 }],
    ["3/20", { index: 2, count: 20 }],
    ["20/20", { index: 19, count: 20 }],
    ["0/20", null],
    ["21/20", null],
    ["3", null],
    ["3/", null],
    ["a/b", null],
    ["-1/2", null],
    ["1.5/2", null],
    [" 1/2", null],
  ])("%j", (text, shard) => {
    expect(parseShard(text)).toEqual(shard);
  });
});
