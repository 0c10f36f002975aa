import { describe, expect, it } from "vitest";
import { nearest } from "../../lib/core/nearest.ts";
import { cpuMilliseconds } from "../cpu-time.ts";

describe("the nearest name", () => {
  it.each<[string, string[], string | undefined]>([
    ["state", ["state"], "state"],
    ["stat", ["flags", "state", "stats"], "state"],
    ["satte", ["flags", "state"], "state"],
    ["comm", ["com"], "com"],
    ["a", ["b"], "b"],
    ["state", ["__state"], "__state"],
    ["state", ["___state"], undefined],
    ["prio", ["static_prio"], undefined],
    ["prio", [], undefined],
    ["ab", ["ba", "ac"], "ba"],
    ["abcdef", ["bacdfe", "abcxyz"], "bacdfe"],
    ["x".repeat(300), ["x".repeat(300)], undefined],
  ])("of %s among %j is %s", (word, names, expected) => {
    expect(nearest(word, names)).toBe(expected);
  });

  it("is found in time among many long names", () => {
    const names = Array.from({ length: 50_000 }, (_, i) => `${"name_of_a_type_".repeat(3)}${i}`);
    const begin = cpuMilliseconds();
    expect(nearest(`${"name_of_a_type_".repeat(3)}x`, names)).toBe(names[0]);
    expect(cpuMilliseconds() - begin).toBeLessThan(2000);
  });
});
