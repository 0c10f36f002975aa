/** Random kernels, modules and objects: whatever the minimizer writes keeps every pair's outcome, and is well formed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { type BtfInput, parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { orderByName, permuteTypes } from "../../lib/btf/sort.ts";
import type { Btf } from "../../lib/btf/view.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { type JobOptions, type JobResult, runJob, type Target } from "../../lib/job/job.ts";
import { buildObject } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { THOROUGH } from "../samples.ts";
import { randomScene, type SceneOptions } from "./kernel-types.ts";
import { differingPairs, FROM_NOWHERE } from "./pairs.ts";
import { property } from "./property.ts";

const SEED = 90_125;
const RUNS = THOROUGH ? 100 : 50;

const sceneOptions = fc.record<SceneOptions>({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  types: fc.integer({ min: 3, max: 45 }),
  relocations: fc.integer({ min: 1, max: 24 }),
  modules: fc.constantFrom(0, 0, 1, 2),
  objects: fc.constantFrom(1, 1, 2),
  long: fc.constantFrom(8, 8, 8, 4),
  littleEndian: fc.constantFrom(true, true, true, false),
});

const PATH = "s2.m.n";
const KEPT = ["s0", "struct s1.*", "union u0", PATH, "enum e0.*", "t1", "unsigned long long", "typedef t0"];

const jobOptions = fc.record<JobOptions>({
  padding: fc.constantFrom("offsets", "offsets", "explicit"),
  keep: fc.oneof(fc.constant([]), fc.subarray(KEPT)),
  keepNames: fc.boolean(),
  flatten: fc.boolean(),
  layout: fc.boolean(),
  keepLong: fc.boolean(),
});

/**
 * In one BTF a module's type that must keep its name is a candidate beside the base's, which it is not while they are
 * apart. That cannot be had together with the promise, and the proof has to find it.
 */
function mayFail({ modules }: SceneOptions, job: JobOptions): boolean {
  return job.flatten === true && modules > 0;
}

interface Prepared {
  readonly target: Target;
  readonly objects: readonly BpfObject[];
}

function prepare(options: SceneOptions): Prepared {
  const scene = randomScene(options);
  const modules = scene.modules.map((bytes, i): BtfInput => ({ bytes, source: `module${i}` }));
  const objects = scene.objects.map((parts) => buildObject({ ...parts, littleEndian: options.littleEndian }));
  return { target: { base: { bytes: scene.base, source: "kernel" }, modules }, objects };
}

function errorsOf(bytes: Uint8Array, source: string, base?: Btf): string[] {
  return lintBtf(bytes, base === undefined ? { source } : { source, base })
    .filter(({ severity }) => severity === "error")
    .map(({ rule, message }) => `${source} ${rule}: ${message}`);
}

function parseSmall({ blobs: [base, ...modules] }: JobResult): Btf {
  const parsed = parseBtf(base.bytes, { source: base.source });
  return modules.length === 0 ? parsed : parseModules(parsed, modules);
}

const bytesOf = ({ blobs }: JobResult): string[] => blobs.map(({ bytes }) => Buffer.from(bytes).toString("hex"));

describe("random kernels", () => {
  it("are well formed themselves, and say something", () => {
    const statuses = new Map<string, number>();
    let several = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const { target, objects } = prepare({
        seed,
        types: seed % 45,
        relocations: 20,
        modules: seed % 3,
        objects: 1,
        long: 8,
        littleEndian: true,
      });
      const base = parseBtf(target.base.bytes);
      expect(errorsOf(target.base.bytes, "kernel")).toEqual([]);
      for (const { bytes, source } of target.modules ?? []) expect(errorsOf(bytes, source, base)).toEqual([]);
      for (const { status, candidates } of runJob(target, objects).sets[0]?.records ?? []) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (new Set(candidates.map(({ outcome }) => outcome)).size > 1) several++;
      }
    }
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    for (const status of ["resolved", "absent", "poisoned", "ambiguous", "error"]) {
      expect(statuses.get(status), status).toBeGreaterThan(total / 50);
    }
    expect(several).toBeGreaterThan(total / 20);
  });
});

describe("minimizing random kernels", () => {
  property(
    "keeps every pair's outcome, in any order, and writes what a kernel takes",
    [sceneOptions, jobOptions],
    { seed: SEED, numRuns: THOROUGH ? 1000 : 80 },
    (options, job) => {
      const { target, objects } = prepare(options);
      const result = runJob(target, objects, job);
      const small = parseSmall(result);
      const differences = [LIBBPF_RULES, KERNEL_RULES].flatMap((rules) =>
        differingPairs(objects, result.target, small, result.newIds, rules),
      );
      if (!mayFail(options, job)) expect(differences).toEqual([]);
      // A candidate more that answers as another does is none to a loader.
      const isSure = differences.length === 0 || differences.some((text) => !text.includes(FROM_NOWHERE));
      if (isSure) expect(result.proof.differences.length > 0).toBe(differences.length > 0);
      const base = parseBtf(result.blobs[0].bytes);
      const errors = result.blobs.flatMap(({ bytes, source }, i) =>
        errorsOf(bytes, source, i === 0 ? undefined : base),
      );
      expect(errors).toEqual([]);
      expect(result.proof.holds).toBe(result.proof.differences.length === 0);
    },
  );

  property(
    "gives the same bytes for its own result, and for the objects and relocations in another order",
    [sceneOptions, jobOptions],
    { seed: SEED, numRuns: RUNS },
    (options, job) => {
      const { target, objects } = prepare(options);
      // Of a path that leads nowhere some steps may be there, which are not sought again; nor are names taken away.
      const keep = mayFail(options, job) ? [] : (job.keep ?? []);
      const asked = { ...job, keep: keep.filter((text) => text !== PATH) };
      const result = runJob(target, objects, asked);
      const turned = [...objects].reverse().map((object) => ({
        ...object,
        relocations: [...object.relocations].reverse(),
      }));
      expect(bytesOf(runJob(target, turned, asked))).toEqual(bytesOf(result));
      // Padding is no padding any more when it comes back: it may be kept for the number of members.
      if (job.padding === "explicit") return;
      const [base, ...modules] = result.blobs;
      expect(bytesOf(runJob({ base, modules }, objects, asked))).toEqual(bytesOf(result));
    },
  );

  property(
    "gives about the same size, and keeps its promise, for a kernel whose types are in another order",
    [sceneOptions, fc.boolean()],
    { seed: SEED, numRuns: RUNS },
    (options, keepNames) => {
      const { target: whole, objects } = prepare(options);
      const target = { base: whole.base };
      const parsed = parseBtf(target.base.bytes, { source: "kernel" });
      const sorted = permuteTypes(parsed, orderByName(parsed));
      const result = runJob({ base: { bytes: sorted, source: "sorted" } }, objects, { keepNames });
      expect(result.proof.differences).toEqual([]);
      const small = parseSmall(result);
      expect(differingPairs(objects, result.target, small, result.newIds, LIBBPF_RULES)).toEqual([]);
      const [{ bytes }] = runJob(target, objects, { keepNames }).blobs;
      // Which of two integers of one make stands for nameless ones may decide whether two arrays are one.
      expect(result.blobs[0].bytes.length / bytes.length).toBeCloseTo(1, 0);
    },
  );
});

/** No kernel takes these: loops, members of no size, bitfields across bytes, arrays of void. */
describe("minimizing what no kernel would take", () => {
  property(
    "keeps every pair's outcome all the same",
    [fc.integer({ min: 1, max: 1_000_000 }), fc.boolean()],
    { seed: SEED, numRuns: RUNS },
    (seed, keepNames) => {
      const { target, rows, programs } = randomPair(seed, 45, 12);
      const objects = [buildObject({ rows, programs })];
      const result = runJob({ base: { bytes: target, source: "kernel" } }, objects, { keepNames });
      expect(result.proof.differences).toEqual([]);
      const small = parseSmall(result);
      for (const rules of [LIBBPF_RULES, KERNEL_RULES]) {
        expect(differingPairs(objects, result.target, small, result.newIds, rules)).toEqual([]);
      }
    },
  );
});
