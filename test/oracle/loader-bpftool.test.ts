/** Loader programs against bpftool's, of the same objects on the running kernel: the same maps, the same programs. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { bpfCall } from "../../checker/kernel.ts";
import type { LoaderLine } from "../../checker/loader-protocol.ts";
import { loadKoffi } from "../../checker/native.ts";
import { runLoader } from "../../checker/run-loader.ts";
import { questionOf } from "../../cli/loader/run-loader.ts";
import type { RunnerQuestion } from "../../cli/loader/runner-process.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { bpftoolLoader, createdFacts } from "./bpftool-loader.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
/** What bpftool's loader cannot make of a kernel's types, and ours neither. */
const NOT_TAKEN = /^(struct_ops|link_first|no_btf)\b/;

interface Run {
  readonly instructions: Uint8Array;
  readonly data: Uint8Array;
  readonly question: RunnerQuestion;
}

let index: CandidateIndex | null = null;

function runningKernel(): CandidateIndex {
  index ??= indexCandidates(parseBtf(readFileSync("/sys/kernel/btf/vmlinux"), { source: "the running kernel" }));
  return index;
}

type Ask = (run: Run) => LoaderLine;

async function asker(directory: string): Promise<Ask> {
  const koffi = await loadKoffi();
  const bpf = koffi === null ? null : bpfCall(koffi);
  if (koffi === null || bpf === null) throw new Error("no koffi");
  return ({ instructions, data, question }) => {
    const paths = { instructions: join(directory, "instructions"), data: join(directory, "data") };
    writeFileSync(paths.instructions, instructions);
    writeFileSync(paths.data, data);
    return runLoader(koffi, bpf, { ...question, ...paths });
  };
}

/** Compares both loaders of an object; what came of it in a word. */
function compare(
  path: string,
  applied: boolean,
  ask: Ask,
): "same" | "both refuse" | "only ours runs" | "bpftool has none" {
  const bytes = readFileSync(path);
  const object = parseBpfObject(bytes, path);
  const plan = prepare(object, applied ? runningKernel() : null);
  const theirs = bpftoolLoader(path, plan.name);
  const ours = buildLoader(object, plan);
  if (typeof theirs === "string") return "bpftool has none";
  const a = ask(theirs);
  if ("refusals" in ours) {
    expect(a.failed, `${path}: ${ours.refusals.join("; ")}`).not.toBeNull();
    return "both refuse";
  }
  const b = ask({ instructions: ours.instructions, data: ours.data, question: questionOf(ours, 0) });
  if (a.failed !== null) {
    // Of more than 32 programs bpftool's is itself no valid program (libbpf's MAX_USED_PROGS); a kernel's own rules of
    // CO-RE stop at a depth of 2, where ours are applied with libbpf's.
    if (a.failed.stage === "load" || applied) return b.failed === null ? "only ours runs" : "both refuse";
    expect(b.failed?.errno, path).toBe(a.failed.errno);
    return "both refuse";
  }
  expect(b.failed, `${path}: ${JSON.stringify(b.logs)}`).toBeNull();
  expect(createdFacts(b.created, b.created), path).toEqual(createdFacts(a.created, b.created));
  return "same";
}

function count<T extends string>(list: readonly T[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of list) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

describeOracle("loader programs against bpftool's", ["bpftool", "bpf"], () => {
  const directory = temporaryDirectory();

  it.each([false, true])("makes the same of the fixtures (CO-RE applied: %s)", async (applied) => {
    const ask = await asker(directory());
    const paths = readdirSync(FIXTURES)
      .filter((name) => !NOT_TAKEN.test(name))
      .map((name) => join(FIXTURES, name));
    const counts = count(paths.map((path) => compare(path, applied, ask)));
    expect(counts.same ?? 0).toBeGreaterThan(10);
  });
});

describeOracle("loader programs of libbpf-tools against bpftool's", ["bpftool", "bpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();

  it.each([false, true])(
    "runs all that bpftool's own run (CO-RE applied: %s)",
    async (applied) => {
      const ask = await asker(directory());
      const objects = join(directory(), "objects");
      mkdirSync(objects, { recursive: true });
      const outcomes = libbpfToolsExecutables().flatMap((executable) =>
        findBpfObjects(readFileSync(executable), executable).map(({ bytes }) => {
          const path = join(objects, `${basename(executable)}.o`);
          writeFileSync(path, bytes);
          return compare(path, applied, ask);
        }),
      );
      const counts = count(outcomes);
      expect(outcomes.length).toBeGreaterThan(40);
      expect(counts["bpftool has none"] ?? 0).toBe(0);
      expect(counts.same ?? 0).toBeGreaterThan(20);
    },
    120_000,
  );
});
