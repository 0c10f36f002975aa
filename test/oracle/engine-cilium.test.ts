/** The engine under cilium/ebpf's rules against the library: fixtures on sample kernels, and the unit tests' cases. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { assembleBtf } from "../../lib/btf/encode.ts";
import { INFO_KIND_SHIFT, INFO_WORD, KIND_ENUM, KIND_ENUM64, TYPE_WORDS } from "../../lib/btf/format.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type Btf, kindFlagOf, kindOf, recordOf, typeCount, vlenOf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { CILIUM_RULES } from "../../lib/core/rules.ts";
import { runJob } from "../../lib/job/job.ts";
import { caseObject, caseTarget, sceneObject, sceneTarget } from "../core/case.ts";
import { CILIUM_CASES, CILIUM_SCENES } from "../core/cilium-cases.ts";
import { FIELD_CASES } from "../core/field-cases.ts";
import { objectBytes } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { TYPE_CASES } from "../core/type-cases.ts";
import { VALUE_CASES } from "../core/value-cases.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, KERNELS_TO_ASK, kernelPath } from "../samples.ts";
import { askCilium, ciliumApi } from "./cilium.ts";
import { compareCiliumRun, noCiliumComparison } from "./cilium-compare.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
/** Releases before 0.15 take ten times as long, and read not everything. */
const NEWEST = "0.15";
const OLD_KERNELS = ["debian/11/x86_64/5.10.0-46-cloud-amd64", KERNEL_6_1];
const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);

describeOracle("our objects as cilium/ebpf relocates them", ["go", "cilium-ebpf"], () => {
  const directory = temporaryDirectory();
  const paths = readdirSync(FIXTURES)
    .filter((name) => name.endsWith(".o"))
    .map((name) => join(FIXTURES, name));
  const objects = new Map(paths.map((path) => [path, parseBpfObject(readFileSync(path), path)]));

  it.each(ciliumApi() === NEWEST ? KERNELS : OLD_KERNELS)("on %s", (kernel) => {
    // Releases before 0.11 read no ENUM64.
    const bytes = withoutEnum64(parseBtf(readFileSync(kernelPath(kernel))));
    const target = join(directory(), "target.btf");
    writeFileSync(target, bytes);
    const index = indexCandidates(parseBtf(bytes, { source: kernel }));
    const sum = noCiliumComparison();
    const { api, runs } = askCilium(paths.map((path) => [target, path]));
    for (const run of runs) compareCiliumRun(objects.get(run.object) as BpfObject, index, run, api, sum);
    expect(sum.differences).toEqual([]);
    expect(sum.relocations).toBeGreaterThan(500);
    // Externs of kinds it does not know, an undefined symbol, no BTF, gcc's .BTF.ext: no matter of relocations.
    if (api === NEWEST) expect([sum.older, sum.unread.length <= 4]).toEqual([0, true]);
  });

  it.each(ciliumApi() === NEWEST ? [KERNEL_6_1, KERNEL_OF_MODULES] : [KERNEL_6_1])("small, of %s", (kernel) => {
    const bytes = withoutEnum64(parseBtf(readFileSync(kernelPath(kernel))));
    const job = runJob({ base: { source: kernel, bytes } }, [...objects.values()], { ruleSets: [CILIUM_RULES] });
    expect(job.proof.holds).toBe(true);
    const small = job.blobs[0].bytes;
    const target = join(directory(), "small.btf");
    writeFileSync(target, small);
    const index = indexCandidates(parseBtf(small, { source: `${kernel}, small` }));
    const sum = noCiliumComparison();
    const { api, runs } = askCilium(paths.map((path) => [target, path]));
    for (const run of runs) compareCiliumRun(objects.get(run.object) as BpfObject, index, run, api, sum);
    expect(sum.differences).toEqual([]);
    expect(sum.relocations).toBeGreaterThan(500);
  });
});

/**
 * Cases that the engine refuses, as libbpf does, before it asks any candidate: the library takes a root without a size,
 * paths of more than 64 elements; and one whose name begins inside another string, which the library does not read.
 */
const NOT_ASKED = new Set([
  "a root without a size",
  "a path of 65 elements",
  "a member here whose name is empty, but not the empty one",
]);

describeOracle("cases of the unit tests as cilium/ebpf decides them", ["go", "cilium-ebpf"], () => {
  const directory = temporaryDirectory();
  const cases = [...FIELD_CASES, ...TYPE_CASES, ...VALUE_CASES, ...CILIUM_CASES].filter(
    ({ name }) => !NOT_ASKED.has(name),
  );

  it.each([
    ["cases", cases.map((it) => ({ name: it.name, object: caseObject(it), target: caseTarget(it) }))],
    ["scenes", CILIUM_SCENES.map((it) => ({ name: it.name, object: sceneObject(it), target: sceneTarget(it) }))],
  ])("%s", (_, asked) => {
    const sum = noCiliumComparison();
    const { api, runs } = askCilium(
      asked.map(({ object, target }, i) => {
        const path = join(directory(), String(i));
        writeFileSync(`${path}.o`, objectBytes({ ...object, codeInfo: true }));
        writeFileSync(`${path}.btf`, target);
        return [`${path}.btf`, `${path}.o`];
      }),
    );
    runs.forEach((run, i) => {
      const { name, object, target } = asked[i] as (typeof asked)[number];
      const index = indexCandidates(parseBtf(target, { source: name }));
      compareCiliumRun(parseBpfObject(objectBytes(object), name), index, run, api, sum);
    });
    expect(sum.differences).toEqual([]);
    expect(sum.relocations + sum.refused + sum.unread.length).toBeGreaterThanOrEqual(asked.length);
    if (api === NEWEST) expect(sum.unread).toEqual([]);
  });
});

describeOracle("random types as cilium/ebpf takes them", ["go", "cilium-ebpf"], () => {
  const directory = temporaryDirectory();

  it.each(Array.from({ length: 5 }, (_, i) => i + 1))("seed %i", (seed) => {
    const { target, rows, programs } = randomPair(seed, 120, 200);
    const path = join(directory(), String(seed));
    const bytes = objectBytes({ rows, programs, codeInfo: true });
    writeFileSync(`${path}.o`, bytes);
    writeFileSync(`${path}.btf`, target);
    const { api, runs } = askCilium([[`${path}.btf`, `${path}.o`]]);
    const sum = noCiliumComparison();
    const index = indexCandidates(parseBtf(target, { source: `seed ${seed}` }));
    for (const run of runs) compareCiliumRun(parseBpfObject(bytes, `${path}.o`), index, run, api, sum);
    expect(sum.differences).toEqual([]);
    if (api === NEWEST) expect(sum.relocations).toBeGreaterThan(100);
  });
});

/** The same BTF with every ENUM64 as an ENUM of its low words: ids and strings stay. */
function withoutEnum64(btf: Btf): Uint8Array {
  const words: number[] = [];
  for (let id = 1; id < typeCount(btf); id++) {
    const at = recordOf(btf, id);
    const end = id + 1 < typeCount(btf) ? recordOf(btf, id + 1) : btf.words.length;
    const record = [...btf.words.subarray(at, end)];
    if (kindOf(btf, id) === KIND_ENUM64) {
      const info = ((kindFlagOf(btf, id) << 31) | (KIND_ENUM << INFO_KIND_SHIFT) | vlenOf(btf, id)) >>> 0;
      record[INFO_WORD] = info;
      words.push(...record.slice(0, TYPE_WORDS));
      for (let i = TYPE_WORDS; i < record.length; i += 3) words.push(record[i] as number, record[i + 1] as number);
    } else words.push(...record);
  }
  const layout = new Uint8Array(0);
  return assembleBtf({ words: Uint32Array.from(words), strings: btf.strings, littleEndian: true, layout });
}
