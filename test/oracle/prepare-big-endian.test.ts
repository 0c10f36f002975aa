/** Plans of big-endian objects against a big-endian libbpf's calls, under emulation. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { weakenExterns } from "../../checker/weaken.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { KERNEL_BIG_ENDIAN, kernelPath } from "../samples.ts";
import { recordLoads } from "./libbpf-recorder.ts";
import { plannedCalls, recordedCalls } from "./prepare-compare.ts";
import { describeOracle } from "./requirements.ts";
import { s390xRecorder } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects-be");
/** An extern without a type; struct_ops that the kernel has not. */
const REFUSED = ["link_first.o", "struct_ops.o"];
const KCONFIG = "CONFIG_HZ=250\nCONFIG_BPF_LSM=y\n";

/** LINUX_KERNEL_VERSION, which libbpf takes from the machine. */
function kernelVersion(): number {
  const [major = 0, minor = 0, patch = 0] = release().split(/[.-]/).map(Number);
  return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

describeOracle("plans of big-endian objects", ["s390x", "libbpf", "clang"], () => {
  const directory = temporaryDirectory();
  it("are what a big-endian libbpf does", () => {
    const target = kernelPath(KERNEL_BIG_ENDIAN);
    const index = indexCandidates(parseBtf(readFileSync(target), { source: target }));
    const kconfig = `${KCONFIG}LINUX_KERNEL_VERSION=${kernelVersion()}\n`;
    const plans = new Map<string, Plan>();
    for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith(".o"))) {
      const bytes = new Uint8Array(readFileSync(join(FIXTURES, name)));
      const path = join(directory(), name);
      const weak = weakenExterns(bytes) ?? bytes;
      writeFileSync(path, weak);
      plans.set(path, prepare(parseBpfObject(weak, path), index, { kconfig }));
    }
    const skip = [...plans.values()].flatMap(({ programs }) =>
      programs
        .filter(({ attachTarget }) => attachTarget !== null && attachTarget.typeId === null)
        .map(({ name }) => name),
    );
    const refused: string[] = [];
    let programs = 0;
    for (const run of recordLoads([...plans.keys()], target, { kconfig: KCONFIG, skip, command: s390xRecorder() })) {
      const name = basename(run.object);
      const plan = plans.get(run.object) as Plan;
      if (run.errno !== 0) {
        refused.push(name);
        continue;
      }
      expect({ name, refusals: plan.refusals }).toEqual({ name, refusals: [] });
      expect({ name, ...plannedCalls(plan, run, availableParallelism(), skip) }).toEqual({
        name,
        ...recordedCalls(run),
      });
      programs += run.programs.length;
    }
    expect(refused).toEqual(REFUSED);
    expect(programs).toBeGreaterThan(40);
  }, 120_000);
});
