/** Lint over real kernels, which are right, and over heaps of broken bytes, which must not upset it. */
import { describe, expect, it } from "vitest";
import { encodeBtf } from "../../lib/btf/encode.ts";
import { lintBtf } from "../../lib/btf/lint.ts";
import { formatFinding, type LintFinding } from "../../lib/btf/lint-finding.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { mutate, randomOf } from "../oracle/btf-mutants.ts";
import { randomGraph } from "../oracle/btf-random.ts";
import { btfSeeds } from "../oracle/btf-seeds.ts";
import { KERNEL_6_1, KERNEL_OF_MODULES, KERNELS_TO_ASK, kernelSample, moduleSamples } from "../samples.ts";

const errorsOf = (findings: readonly LintFinding[]): string[] =>
  findings.filter(({ severity }) => severity === "error").map(formatFinding);
/** What pahole leaves behind in every kernel. */
const WASTE = ["unreferenced-types", "unused-strings"];

describe("real BTF has no errors", () => {
  it.each(KERNELS_TO_ASK)("%s", async (name) => {
    const findings = lintBtf(kernelSample(name).bytes);
    expect(errorsOf(findings)).toEqual([]);
    expect(WASTE).toEqual(expect.arrayContaining(findings.map(({ rule }) => rule)));
  });

  it("modules on their base", async () => {
    const base = parseBtf(kernelSample(KERNEL_OF_MODULES).bytes);
    const modules = moduleSamples();
    expect(modules.length).toBeGreaterThan(3);
    for (const { name, bytes } of modules) expect([name, ...errorsOf(lintBtf(bytes, { base }))]).toEqual([name]);
  });

  it("a module on the wrong base has", async () => {
    const base = parseBtf(kernelSample(KERNEL_6_1).bytes);
    for (const { bytes } of moduleSamples()) expect(errorsOf(lintBtf(bytes, { base })).length).toBeGreaterThan(0);
  });

  it("a layout section and the other byte order change nothing but what old kernels take", async () => {
    const { bytes } = kernelSample(KERNEL_6_1);
    const plain = lintBtf(bytes);
    const turned = encodeBtf(parseBtf(bytes), { layout: true, littleEndian: false });
    expect(lintBtf(turned)).toEqual([expect.objectContaining({ rule: "header-layout" }), ...plain]);
  });
});

describe("broken bytes", () => {
  const random = randomOf(99);

  it("never throw, and what has no errors can be parsed", () => {
    const seeds = [...btfSeeds()].slice(0, 12);
    const odd: string[] = [];
    let parsed = 0;
    for (let i = 0; i < 1500; i++) {
      const [name, seed] = seeds[i % seeds.length] as [string, Uint8Array];
      const bytes = i % 3 === 0 ? randomGraph(random) : mutate(name, seed, random).bytes;
      const findings = lintBtf(bytes);
      odd.push(...findings.map(formatFinding).filter((line) => /\n|undefined|NaN/.test(line)));
      if (errorsOf(findings).length > 0) continue;
      parseBtf(bytes);
      parsed++;
    }
    expect(odd).toEqual([]);
    expect(parsed).toBeGreaterThan(150);
  });

  it("of no form at all end in findings", () => {
    for (let i = 0; i < 500; i++) {
      const bytes = Uint8Array.from({ length: random(120) }, () => random(256));
      if (i % 2 === 0) bytes.set([0x9f, 0xeb, 1, 0, 24, 0, 0, 0].slice(0, bytes.length));
      expect(lintBtf(bytes).length).toBeGreaterThan(0);
    }
  });
});
