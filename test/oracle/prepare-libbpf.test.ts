/** Plans against libbpf's own calls: all of the libbpf-tools' objects and our own. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { weakenExterns } from "../../checker/weaken.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { KERNEL_BIG_ENDIAN, KERNELS_TO_ASK, kernelPath } from "../samples.ts";
import { recordLoads } from "./libbpf-recorder.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { plannedCalls, recordedCalls } from "./prepare-compare.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
/** An extern without a type, maps without types, relocations on instructions that take none. */
const REFUSED = ["link_first.o", "no_btf.o", "sched_gcc.o"];
const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);
const KCONFIG = "CONFIG_HZ=250\nCONFIG_BPF_LSM=y\n";
/** What libbpf finds out itself, and that of the pretend kernel. */
const VIRTUAL = "LINUX_HAS_BPF_COOKIE=1\n";

/** LINUX_KERNEL_VERSION, which libbpf takes from the machine. */
function kernelVersion(): number {
  const [major = 0, minor = 0, patch = 0] = release().split(/[.-]/).map(Number);
  return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

const indexes = new Map<string, CandidateIndex>();
function indexOf(kernel: string): CandidateIndex {
  let index = indexes.get(kernel);
  if (index === undefined) {
    index = indexCandidates(parseBtf(readFileSync(kernelPath(kernel)), { source: kernel }));
    indexes.set(kernel, index);
  }
  return index;
}

interface Sum {
  objects: number;
  maps: number;
  programs: number;
  instructions: number;
  readonly refused: string[];
}

/** Holds every object's plan against libbpf's calls. Externs are weak, so that none stops libbpf. */
function compare(objects: readonly { name: string; bytes: Uint8Array }[], kernel: string, directory: string): Sum {
  mkdirSync(directory, { recursive: true });
  const paths = objects.map(({ name, bytes }) => {
    const path = join(directory, name);
    writeFileSync(path, weakenExterns(bytes) ?? bytes);
    return path;
  });
  const sum: Sum = { objects: 0, maps: 0, programs: 0, instructions: 0, refused: [] };
  const kconfig = `${KCONFIG}${VIRTUAL}LINUX_KERNEL_VERSION=${kernelVersion()}\n`;
  const plans = new Map<string, Plan>();
  for (const path of paths) {
    const object = parseBpfObject(new Uint8Array(readFileSync(path)), path);
    plans.set(path, prepare(object, indexOf(kernel), { kconfig }));
  }
  // libbpf refuses an object for one program that has nothing to attach to.
  const skip = [...plans.values()].flatMap(({ programs }) =>
    programs
      .filter(({ attachTarget }) => attachTarget !== null && attachTarget.typeId === null)
      .map(({ name }) => name),
  );
  for (const run of recordLoads(paths, kernelPath(kernel), { kconfig: KCONFIG, skip })) {
    const name = basename(run.object);
    const plan = plans.get(run.object) as Plan;
    if (run.errno !== 0) {
      sum.refused.push(name);
      expect(plan.refusals, name).not.toEqual([]);
      continue;
    }
    expect({ name, refusals: plan.refusals }).toEqual({ name, refusals: [] });
    expect({ name, ...plannedCalls(plan, run, availableParallelism(), skip) }).toEqual({ name, ...recordedCalls(run) });
    sum.objects++;
    sum.maps += run.maps.length;
    sum.programs += run.programs.length;
    for (const { instructions } of run.programs) sum.instructions += instructions.length / 16;
  }
  return sum;
}

describeOracle("plans of our objects", ["libbpf"], () => {
  const directory = temporaryDirectory();
  it.each(KERNELS)("are what libbpf does on %s", (kernel) => {
    const objects = readdirSync(FIXTURES)
      .filter((name) => name.endsWith(".o"))
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(FIXTURES, name))) }));
    const sum = compare(objects, kernel, directory());
    expect(sum.refused).toEqual(REFUSED);
    expect(sum.objects).toBeGreaterThan(35);
    expect(sum.maps).toBeGreaterThan(45);
    expect(sum.programs).toBeGreaterThan(60);
  });
});

describeOracle("plans of the objects of libbpf-tools", ["libbpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  it.each(KERNELS)("are what libbpf does on %s", (kernel) => {
    const objects = libbpfToolsExecutables()
      .flatMap((executable) => findBpfObjects(readFileSync(executable), executable))
      .map(({ bytes, name }, i) => ({ name: `${i}-${name.replaceAll(/[^\w.-]/g, "_")}.o`, bytes }));
    const sum = compare(objects, kernel, directory());
    expect(sum.refused).toEqual([]);
    expect(sum.objects).toBeGreaterThan(45);
    expect(sum.programs).toBeGreaterThan(200);
    expect(sum.instructions).toBeGreaterThan(20_000);
  });
});
