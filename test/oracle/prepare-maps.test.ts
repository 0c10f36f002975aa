/** Maps, data sections, subprograms and settings of every sort: plans against libbpf's own calls. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { KERNEL_6_1 } from "../samples.ts";
import { compileBpf } from "./clang.ts";
import { recordLoads } from "./libbpf-recorder.ts";
import { LOADED, PREFIX, REFUSED, SETTINGS } from "./prepare-cases.ts";
import { plannedCalls, recordedCalls } from "./prepare-compare.ts";
import { describeOracle } from "./requirements.ts";
import { sampleKernelPath } from "./sample-kernels.ts";
import { temporaryDirectory } from "./temporary.ts";

const directory = temporaryDirectory();
const compile = (source: string) => compileBpf(`${PREFIX}${source}`, "bpfel", ["-mcpu=v3", "-Wno-everything"]);

function load(name: string, bytes: Uint8Array, kconfig: string) {
  const path = join(directory(), `${name}.o`);
  writeFileSync(path, bytes);
  const kernel = sampleKernelPath(KERNEL_6_1);
  const index = indexCandidates(parseBtf(readFileSync(kernel), { source: kernel }));
  const plan: Plan = prepare(parseBpfObject(bytes, path), index, { kconfig });
  const [run] = recordLoads([path], kernel, kconfig);
  if (run === undefined) throw new Error("libbpf did nothing");
  return { plan, run };
}

describeOracle("what a loader does with", ["libbpf", "clang"], () => {
  it.each(Object.entries(LOADED))("%s", (name, source) => {
    const { plan, run } = load(name, compile(source), SETTINGS);
    expect({ errno: run.errno, refusals: plan.refusals }).toEqual({ errno: 0, refusals: [] });
    expect(plannedCalls(plan, run, availableParallelism(), [])).toEqual(recordedCalls(run));
    expect(run.maps.length + run.programs.length).toBeGreaterThan(1);
  });

  it("maps that are pinned, and programs to be put into maps", () => {
    const { plan } = load("maps", compile(LOADED.maps ?? ""), SETTINGS);
    expect(plan.maps.filter(({ pinned }) => pinned).map(({ name }) => name)).toEqual([
      "a_map_of_a_long_name_that_is_cut",
    ]);
    const jumps = plan.maps.find(({ name }) => name === "jumps");
    expect(jumps?.slots.map((slot) => (slot === null ? null : plan.programs[slot]?.name))).toEqual([null, "leaf"]);
    expect(plan.programs.find(({ name }) => name === "spare")).toMatchObject({ autoload: false, section: "tc" });
  });
});

describeOracle("what a loader refuses", ["libbpf", "clang"], () => {
  const rows = REFUSED.map(([what, source, words, kconfig = ""]) => ({ what, source, words, kconfig }));
  it.each(rows)("$what", ({ source, words, kconfig }) => {
    const { plan, run } = load("refused", compile(source), kconfig);
    expect(run.errno).not.toBe(0);
    expect(plan.refusals.join("; ")).toContain(words);
  });
});
