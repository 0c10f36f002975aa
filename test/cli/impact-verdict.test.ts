import { describe, expect, it } from "vitest";
import { judgeImpact } from "../../cli/diff/impact-allow.ts";
import { impactMarkdown } from "../../cli/diff/impact-markdown.ts";
import { impactReport } from "../../cli/diff/impact-report.ts";
import { impactText } from "../../cli/diff/impact-text.ts";
import { parseKernelAllowList } from "../../cli/inputs/kernel-allow.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import * as make from "../btf/builder.ts";
import { buildObject, EXIT } from "../core/object-builder.ts";

const TYPES = [make.int("int", 4, 32, 1), make.proto(1, [])];
const OF_FUNCTIONS = 2;
const UNKNOWN = { id: null, versionId: null, arch: null, release: null };

/** A kernel of some functions, and another. */
function kernel(...functions: readonly string[]): Btf {
  return parseBtf(make.btf([...TYPES, ...["other", ...functions].map((name) => make.func(name, OF_FUNCTIONS))]), {
    source: "kernel",
  });
}

/** An object of an fentry program for each function, which is called as it is, that needs `kf`, or that needs nothing. */
function object(functions: readonly string[], needs: "kf" | null) {
  const own = [make.func("kf", OF_FUNCTIONS, 2), make.datasec(".ksyms", 0, [make.place(TYPES.length + 1, 0, 0)])];
  return buildObject({
    rows: needs === null ? TYPES : [...TYPES, ...own],
    programs: functions.map((name) => ({ name, section: `fentry/${name}`, insns: [EXIT], relos: [] })),
  });
}

describe("what a step breaks", () => {
  const all = [object(["a", "b", "c"], "kf"), object(["a", "b", "c"], null)];
  // [what, functions of the old kernel, of the new, programs that break with kf, without, and what --strict refuses]
  it.each([
    ["nothing", ["a", "b", "c", "kf"], ["a", "b", "c", "kf"], 0, 0, []],
    ["one program", ["a", "b", "c", "kf"], ["b", "c", "kf"], 1, 1, ["a", "a"]],
    ["what the object needs", ["a", "b", "c", "kf"], ["a", "b", "c"], 3, 0, [".ksyms"]],
    ["what the object needs, where one program did not work", ["a", "b", "kf"], ["a", "b"], 2, 0, [".ksyms"]],
    ["the same, and a program that would work now", ["a", "b", "kf"], ["a", "b", "c"], 2, 0, [".ksyms"]],
    ["the same, and a program", ["a", "b", "kf"], ["b", "c"], 2, 1, ["a", ".ksyms", "a"]],
    ["an object without what it needs", ["a", "b"], ["b"], 0, 1, ["a"]],
    ["an object of which no program worked", ["kf"], ["a"], 0, 0, []],
  ] as const)("%s", (_what, old, now, needing, others, refused) => {
    const { objects, totals } = impactReport(all, kernel(...old), kernel(...now), "libbpf");
    expect(objects.map(({ broken }) => broken)).toEqual([needing, others]);
    expect(totals.broken).toBe(needing + others);
    const back = impactReport(all, kernel(...now), kernel(...old), "libbpf");
    expect(back.totals.mended).toBe(totals.broken);
    const strict = judgeImpact(objects, [], UNKNOWN);
    expect(strict.refused).toBe(refused.length);
    const rules = parseKernelAllowList([...new Set(refused)].map((program) => `*:${program}:*`).join("\n"), "rules");
    expect(judgeImpact(objects, rules, UNKNOWN)).toMatchObject({
      refused: 0,
      allowed: refused.length,
      unusedRules: [],
    });
  });

  it("counts an object without programs itself", () => {
    const { objects } = impactReport([object([], "kf")], kernel("kf"), kernel(), "libbpf");
    expect(objects).toMatchObject([{ worked: true, works: false, broken: 1, mended: 0, programs: [] }]);
    expect(judgeImpact(objects, [], UNKNOWN)).toMatchObject({ refused: 1 });
  });

  it("says of programs that work by themselves what they break by", () => {
    const report = impactReport([object(["a", "b"], "kf")], kernel("a", "kf"), kernel("a"), "libbpf");
    expect(impactText(report)).toContain(`
  a (fentry/a): breaks, by what the object needs
  kfunc kf gone
`);
  });
});

describe("an object", () => {
  // [what, functions of the old kernel, of the new, verdict]
  it.each([
    ["works on both", ["a", "b"], ["a", "b"], "✅ works"],
    ["breaks where all its programs do", ["a", "b"], [], "❌ breaks"],
    ["breaks where one does", ["a", "b"], ["a"], "❌ breaks"],
    ["breaks where one does that worked beside one that did not", ["a"], [], "❌ breaks"],
    ["breaks where one does and another is mended", ["a"], ["b"], "❌ breaks"],
    ["works now where one of its programs does, and none breaks", ["a"], ["a", "b"], "🟢 works now"],
    ["works now where another still does not", [], ["a"], "🟢 works now"],
    ["works in part where one of its programs does on both", ["a"], ["a"], "🟡 works in part"],
    ["has programs that work on neither", [], [], "🟠 did not work, and does not"],
  ] as const)("%s", (_what, old, now, verdict) => {
    const report = impactReport([object(["a", "b"], null)], kernel(...old), kernel(...now), "libbpf");
    const [, word = ""] = verdict.split(/ (.*)/);
    expect(impactMarkdown(report)).toContain(`| ${verdict} | \`built\` |`);
    expect(impactMarkdown(report).includes("<details open>")).toBe(word === "breaks");
    const isSame = old.join() === now.join();
    expect(impactText(report).split("\n")[0]).toBe(`built: ${isSame ? "2 programs as before" : word}`);
  });
});
