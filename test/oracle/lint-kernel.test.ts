/**
 * Our checks against the running kernel's: BPF_BTF_LOAD must refuse exactly those blobs in which `lintBtf` finds an
 * error. BTFGEN_LINT_MUTANTS sets how many mutants and random graphs are judged, BTFGEN_LINT_SEED which.
 */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { formatFinding, type LintFinding } from "../../lib/btf/lint-finding.ts";
import { btf, declTag, int, m, struct } from "../btf/builder.ts";
import { KERNEL_BIG_ENDIAN, KERNEL_NAMES, kernelPath } from "../samples.ts";
import { type Mutant, mutate, randomOf } from "./btf-mutants.ts";
import { randomGraph } from "./btf-random.ts";
import { btfSeeds } from "./btf-seeds.ts";
import { type KernelVerdict, loadBtf, loadBtfs } from "./kernel.ts";
import { describeOracle } from "./requirements.ts";

const COUNT = Number(process.env.BTFGEN_LINT_MUTANTS ?? "6000");
const SEED = Number(process.env.BTFGEN_LINT_SEED ?? "1");
const BATCH = 5000;
const TIMEOUT_MS = 60_000 + COUNT;

/** What an object needs of its loader before the kernel takes it, and asLoaded does not do: these are no seeds. */
const NEEDS_A_LOADER: Readonly<Record<string, string>> = {
  externs: "functions in .ksyms, which the loader leaves out",
  kptr: "functions in .ksyms, which the loader leaves out",
  link_first: "an extern function's nameless parameter, which the loader names",
  sched_gcc: "gcc's INT encoding 3 (signed char), and an extern function's nameless parameters",
};

/** Where the kernel refuses what we take, and why we do not follow it. */
const KERNEL_ONLY: readonly (readonly [reason: string, bytes: Uint8Array])[] = [
  [
    "special fields (btf_parse_struct_metas): the set of names and their sizes are those of the running kernel",
    btf([
      int("int", 4),
      struct("bpf_spin_lock", 4, [m("val", 1, 0)]),
      struct("two_locks", 8, [m("a", 2, 0), m("b", 2, 32)]),
    ]),
  ],
  [
    "special fields: a list head's `contains:` tag is looked up among the types",
    btf([
      int("long", 8),
      struct("bpf_list_head", 16, [m("a", 1, 0), m("b", 1, 64)]),
      struct("holder", 16, [m("head", 2, 0)]),
      declTag("contains:nothing:node", 3, 0),
    ]),
  ],
];

function olderThan(version: string): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = version.split(".").map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

const refuses = ({ severity, refusedBefore }: LintFinding): boolean =>
  severity === "error" || (refusedBefore !== undefined && olderThan(refusedBefore));

/** This kernel's pointers have 8 bytes, whatever a mutant says of `long`. */
const lint = (bytes: Uint8Array): LintFinding[] => lintBtf(bytes, { pointerSize: 8, hasExt: true }).filter(refuses);

function disagreement(what: string, findings: readonly LintFinding[], verdict: KernelVerdict): string | undefined {
  if (verdict.ok === (findings.length === 0)) return undefined;
  const ours = findings[0] === undefined ? "nothing" : `${findings[0].rule}, ${formatFinding(findings[0])}`;
  return `${what}: the kernel ${verdict.ok ? "takes it" : `refuses it (${verdict.error} ${verdict.reason})`}, lint finds ${ours}`;
}

/** Judges `count` blobs in batches; returns the disagreements and how many the kernel took. */
function judge(count: number, next: (i: number) => Mutant): { wrong: string[]; taken: number } {
  const wrong: string[] = [];
  let taken = 0;
  for (let done = 0; done < count; done += BATCH) {
    const mutants = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => next(done + i));
    const verdicts = loadBtfs(mutants.map(({ bytes }) => bytes));
    for (const [i, { bytes, seed, done: steps }] of mutants.entries()) {
      const verdict = verdicts[i] as KernelVerdict;
      if (verdict.ok) taken++;
      const text = disagreement(`${seed} #${done + i} (${steps.join(", ")})`, lint(bytes), verdict);
      if (text !== undefined) wrong.push(text);
    }
  }
  return { wrong, taken };
}

describeOracle("lint and the kernel's BPF_BTF_LOAD", ["bpf"], () => {
  const seeds = btfSeeds();
  const usable = [...seeds.keys()].filter((name) => NEEDS_A_LOADER[name] === undefined);

  it("agree on the seeds, and all but those that need a loader are taken", () => {
    const verdicts = loadBtfs([...seeds.values()]);
    const refused = [...seeds.keys()].filter((_, i) => verdicts[i]?.ok === false);
    const found = [...seeds].filter(([, bytes]) => lint(bytes).length > 0).map(([name]) => name);
    expect(refused).toEqual(Object.keys(NEEDS_A_LOADER));
    expect(found).toEqual(refused);
    expect(usable.length).toBeGreaterThan(30);
  });

  it(
    `agree on ${COUNT} mutants`,
    () => {
      const random = randomOf(SEED);
      const { wrong, taken } = judge(COUNT, (i) => {
        // Every second one from the four seeds that are made for this.
        const name = usable[i % 2 === 0 ? (i >> 1) % 4 : random(usable.length)] as string;
        return mutate(name, seeds.get(name) as Uint8Array, random);
      });
      expect(wrong).toEqual([]);
      expect(taken).toBeGreaterThan(COUNT / 10);
      expect(taken).toBeLessThan((COUNT * 9) / 10);
    },
    TIMEOUT_MS,
  );

  it(
    `agree on ${COUNT} random graphs`,
    () => {
      const random = randomOf(SEED + 1);
      const { wrong, taken } = judge(COUNT, () => ({ bytes: randomGraph(random), seed: "graph", done: [] }));
      expect(wrong).toEqual([]);
      expect(taken).toBeGreaterThan(COUNT / 50);
    },
    TIMEOUT_MS,
  );

  it("agree on whole kernels of this machine's byte order", () => {
    // All of them: a kernel's answer takes no time.
    const kernels = KERNEL_NAMES.filter((name) => name !== KERNEL_BIG_ENDIAN);
    expect(kernels.length).toBeGreaterThan(3);
    const blobs = kernels.map((name) => readFileSync(kernelPath(name)));
    const verdicts = loadBtfs(blobs);
    const wrong = blobs.map((bytes, i) => disagreement(kernels[i] ?? "", lint(bytes), verdicts[i] as KernelVerdict));
    expect(wrong).toEqual(kernels.map(() => undefined));
  });

  it.each(KERNEL_ONLY)("differ in %s", (_reason, bytes) => {
    expect(lint(bytes)).toEqual([]);
    expect(loadBtf(bytes).ok).toBe(false);
  });
});
