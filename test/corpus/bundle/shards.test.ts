import { describe, expect, it } from "vitest";
import { joinShards, missingShards } from "../../../corpus/bundle/shards.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const run = (plan: string, of: number, ...has: number[]) => ({ plan, of, has });

describe("joinShards", () => {
  it.each([
    ["whole runs", [[], []], []],
    ["a run that is whole together", [[run(A, 3, 2)], [run(A, 3, 3, 1)]], []],
    ["a shard of one", [[run(A, 1, 1)]], []],
    ["one that lacks a shard", [[run(A, 3, 3)], [run(A, 3, 1)]], [run(A, 3, 1, 3)]],
    ["a shard twice", [[run(A, 2, 1)], [run(A, 2, 1)]], [run(A, 2, 1)]],
    ["shards of two plans", [[run(B, 2, 2)], [run(A, 2, 1)]], [run(A, 2, 1), run(B, 2, 2)]],
    ["one plan in two numbers of shards", [[run(A, 3, 2)], [run(A, 2, 1, 2)]], [run(A, 3, 2)]],
  ])("joins %s", (_, bundles, left) => {
    expect(joinShards(bundles)).toEqual(left);
    expect(joinShards(bundles.toReversed())).toEqual(left);
  });
});

describe("missingShards", () => {
  it.each([
    [run(A, 3, 1, 3), "shard 2 of 3 is missing of the corpus aaaaaaaaaaaaaaaa"],
    [run(B, 4, 2), "shard 1, 3, 4 of 4 is missing of the corpus bbbbbbbbbbbbbbbb"],
    [run(B, 20, 9), "shard 1, 2, 3, 4, 5, 6, 7, 8, 10, 11 and 9 more of 20 is missing of the corpus bbbbbbbbbbbbbbbb"],
  ])("names those of %j", (one, words) => {
    expect(missingShards(one)).toBe(words);
  });
});
