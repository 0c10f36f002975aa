/** What the minimizer writes is BTF to everyone: our lint, the running kernel, bpftool and pahole take it. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { type Btf, typeCount } from "../../lib/btf/view.ts";
import { type JobOptions, type JobResult, runParsed } from "../../lib/job/job.ts";
import { KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, KERNELS_TO_ASK, kernelPath, moduleSamples } from "../samples.ts";
import { dumpC, dumpRaw, withFile } from "./bpftool.ts";
import { loadBtfs } from "./kernel.ts";
import { fixtureObjects, type ObjectFile, toolObjects } from "./object-files.ts";
import { paholeSizes } from "./pahole.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const MODES: Readonly<Record<string, JobOptions>> = {
  default: {},
  keepNames: { keepNames: true },
  layout: { layout: true },
  explicit: { padding: "explicit" },
  "explicit and keepNames": { padding: "explicit", keepNames: true },
};
const TIMEOUT_MS = 120_000;

interface Small {
  readonly name: string;
  readonly result: JobResult;
  readonly job: JobOptions;
}

/** One object in four, each alone, and all together: small blobs have other types than large ones. */
function minimizeAll(target: Btf, files: readonly ObjectFile[], modes: Readonly<Record<string, JobOptions>>): Small[] {
  const groups = [files, ...files.filter((_, i) => i % 4 === 0).map((file) => [file])];
  return groups.flatMap((group) =>
    Object.entries(modes).map(([mode, job]) => {
      const name = `${group.length === 1 ? group[0]?.name : "all"} ${mode}`;
      const result = runParsed(
        target,
        group.map(({ object }) => object),
        job,
      );
      return { name, job, result };
    }),
  );
}

function refusals({ name, result, job }: Small): string[] {
  const said: string[] = [];
  const [{ bytes, source }, ...modules] = result.blobs;
  if (!result.proof.holds) said.push(`${name}: the proof does not hold`);
  const base = parseBtf(bytes, { source });
  const findings = [lintBtf(bytes, { source }), ...modules.map((module) => lintBtf(module.bytes, { source, base }))];
  for (const { severity, rule, message } of findings.flat()) {
    if (severity === "error") said.push(`${name}: ${rule}, ${message}`);
  }
  // Readers older than the layout section cannot take it in the other byte order.
  if (job.layout === true && !base.segments[0]?.header.littleEndian) return said;
  withFile(bytes, (path) => {
    const answers = { raw: dumpRaw(path), c: dumpC(path), pahole: paholeSizes(path) };
    for (const [reader, answer] of Object.entries(answers)) {
      if (!answer.ok) said.push(`${name}: ${reader}: ${answer.error}`);
      else if (answer.stderr !== "") said.push(`${name}: ${reader} says ${answer.stderr}`);
    }
    if (answers.raw.ok && answers.raw.value.split("\n[").length !== typeCount(base) - 1) {
      said.push(`${name}: bpftool sees another number of types`);
    }
    for (const module of modules) {
      withFile(module.bytes, (split) => {
        const raw = dumpRaw(split, path);
        if (!raw.ok) said.push(`${name}: ${module.source}: ${raw.error}`);
      });
    }
  });
  return said;
}

/** The kernel's verdicts, but on headers that only kernels of 2026 take. */
function kernelRefusals(smalls: readonly Small[]): string[] {
  const asked = smalls.filter(({ job }) => job.layout !== true);
  return loadBtfs(asked.map(({ result }) => result.blobs[0].bytes)).flatMap(({ ok, reason, error }, i) =>
    ok ? [] : [`${asked[i]?.name}: ${error} ${reason}`],
  );
}

describeOracle("small BTF", ["bpftool", "pahole", "bpf"], () => {
  const directory = temporaryDirectory();

  it.each(KERNELS_TO_ASK)(
    "of %s is taken by all",
    (kernel) => {
      const isBigEndian = kernel === KERNEL_BIG_ENDIAN;
      const target = parseBtf(readFileSync(kernelPath(kernel)), { source: kernel });
      const files = isBigEndian ? fixtureObjects("objects-be") : [...fixtureObjects(), ...toolObjects(directory())];
      const smalls = minimizeAll(target, files, MODES);
      expect(smalls.length).toBeGreaterThan(30);
      expect(smalls.flatMap(refusals)).toEqual([]);
      if (!isBigEndian) expect(kernelRefusals(smalls)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    "of a kernel and its modules is taken by all, apart and as one",
    () => {
      const path = kernelPath(KERNEL_OF_MODULES);
      const modules = moduleSamples().map(({ name, bytes }) => ({ source: name, bytes }));
      const target = parseModules(parseBtf(readFileSync(path), { source: KERNEL_OF_MODULES }), modules);
      const apart = minimizeAll(target, fixtureObjects(), { default: {}, keepNames: { keepNames: true } });
      const flat = minimizeAll(target, fixtureObjects(), {
        flatten: { flatten: true },
        "flatten and keepNames": { flatten: true, keepNames: true },
        "flatten and explicit": { flatten: true, padding: "explicit" },
      });
      expect(apart[0]?.result.blobs.length).toBe(modules.length + 1);
      expect(flat[0]?.result.blobs.length).toBe(1);
      const smalls = [...apart, ...flat];
      expect(smalls.flatMap(refusals)).toEqual([]);
      expect(kernelRefusals(smalls)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
