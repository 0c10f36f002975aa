/** What is kept for cilium/ebpf's rules, and that the proof of it can fail. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { kindName, kindOf, typeCount } from "../../lib/btf/view.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { RELO_FIELD_RSHIFT_U64 } from "../../lib/core/relo-kind.ts";
import { CILIUM_RULES, KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { runJob } from "../../lib/job/job.ts";
import { prove, resolveFull } from "../../lib/verify/prove.ts";
import {
  caseObject,
  caseTarget,
  INT,
  nth,
  OLD_BITFIELD,
  sceneObject,
  sceneTarget,
  struct,
  typedef,
  union,
} from "../core/case.ts";
import { CILIUM_CASES, CILIUM_SCENES } from "../core/cilium-cases.ts";
import { FIELD_CASES } from "../core/field-cases.ts";
import { buildObject } from "../core/object-builder.ts";
import { randomPair } from "../core/random-types.ts";
import { TYPE_CASES } from "../core/type-cases.ts";
import { VALUE_CASES } from "../core/value-cases.ts";
import { KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, KERNELS_TO_ASK, kernelSample, moduleSamples } from "../samples.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
const ALL_RULES = [LIBBPF_RULES, KERNEL_RULES, CILIUM_RULES];
const cases = [...FIELD_CASES, ...TYPE_CASES, ...VALUE_CASES, ...CILIUM_CASES];
/** Some of their targets are malformed from the start, so only differences count. */
const subjects = [
  ...cases.map((it) => ({ name: it.name, object: buildObject(caseObject(it)), bytes: caseTarget(it) })),
  ...CILIUM_SCENES.map((it) => ({ name: it.name, object: buildObject(sceneObject(it)), bytes: sceneTarget(it) })),
];

describe("a job that serves cilium/ebpf too", () => {
  it.each([
    ["alone", [CILIUM_RULES]],
    ["with all others", ALL_RULES],
    ["in front of the others", [CILIUM_RULES, LIBBPF_RULES, KERNEL_RULES]],
  ])("keeps every case and scene: %s", (_, ruleSets) => {
    const failed = subjects.filter(({ name, object, bytes }) => {
      return runJob({ base: { source: name, bytes } }, [object], { ruleSets }).proof.differences.length > 0;
    });
    expect(failed.map(({ name }) => name)).toEqual([]);
  });

  it("keeps what all objects together want of one target", () => {
    const objects = subjects.map(({ object }) => object);
    const failed = subjects
      .filter((_, i) => i % 8 === 0)
      .filter(({ name, bytes }) => {
        const { proof } = runJob({ base: { source: name, bytes } }, objects, { ruleSets: ALL_RULES });
        return proof.differences.length > 0;
      });
    expect(failed.map(({ name }) => name)).toEqual([]);
  });

  it.each([3, 17, 29, 41, 58])("keeps what random types are asked for: seed %i", (seed) => {
    const { target, rows, programs } = randomPair(seed, 120, 100);
    const { proof } = runJob({ base: { source: "random", bytes: target } }, [buildObject({ rows, programs })], {
      ruleSets: ALL_RULES,
    });
    expect(proof.differences).toEqual([]);
  });

  it("keeps a bitfield one, and what only looks like one", () => {
    const x = ["x", OLD_BITFIELD, 0] as const;
    const rows = [
      struct("direct", [x]),
      struct("behind", [["x", nth(2), 0]]),
      typedef("t", OLD_BITFIELD),
      struct("both", [
        ["x", OLD_BITFIELD, 0],
        ["y", INT, 32, 7],
      ]),
    ];
    const relos = [0, 1, 3].map((n, insn) => ({ kind: RELO_FIELD_RSHIFT_U64, typeId: nth(n), access: "0:0", insn }));
    const programs = [{ name: "prog", insns: oneRelocation().insns, relos }];
    const object = buildObject({ ...sceneObject({ local: rows, programs }) });
    const { proof, sets } = runJob({ base: { source: "t", bytes: sceneTarget({ target: rows }) } }, [object], {
      ruleSets: [CILIUM_RULES],
    });
    expect(proof.differences).toEqual([]);
    expect(sets[0]?.records.map(({ value }) => value?.value)).toEqual([59n, 32n, 32n]);
  });

  it("keeps candidates of every kind, which libbpf's rules let go", () => {
    const local = [struct("s", [["x", INT, 0]])];
    const x = ["x", INT, 0] as const;
    const target = [struct("s", [x]), union("s", [x]), typedef("s", INT)];
    const scene = { local, programs: CILIUM_SCENES[0]?.programs.slice(0, 1) ?? [], target };
    const object = buildObject({ ...sceneObject(scene), programs: [oneRelocation()] });
    const kept = (ruleSets: typeof ALL_RULES) => {
      const job = runJob({ base: { source: "t", bytes: sceneTarget(scene) } }, [object], { ruleSets });
      const small = parseBtf(job.blobs[0].bytes);
      const names = Array.from(
        { length: typeCount(small) - 1 },
        (_, i) => `${kindName(kindOf(small, i + 1))} ${nameOf(small, i + 1)}`,
      );
      return names.filter((name) => name.endsWith(" s"));
    };
    expect(kept([LIBBPF_RULES])).toEqual(["STRUCT s"]);
    expect(kept([CILIUM_RULES])).toEqual(["STRUCT s", "UNION s"]);
  });

  it("shares no tails of strings, and only then is small BTF one that cilium/ebpf reads", () => {
    const scene = CILIUM_SCENES[0];
    const local = [struct("tail", [["tai", INT, 0]]), struct("ail", [["l", INT, 0]])];
    const relos = [1, 0].map((n) => ({ kind: 0, typeId: 10 + n, access: "0:0", insn: n }));
    const object = buildObject({
      ...sceneObject({ local, programs: [] }),
      programs: [{ name: "prog", insns: oneRelocation().insns, relos }],
    });
    const target = { base: { source: scene?.name ?? "", bytes: sceneTarget({ target: local }) } };
    const shared = runJob(target, [object], { ruleSets: [LIBBPF_RULES] });
    const whole = runJob(target, [object], { ruleSets: [LIBBPF_RULES, CILIUM_RULES] });
    expect([shared.proof.holds, whole.proof.holds]).toEqual([true, true]);
    expect(shared.blobs[0].bytes.length).toBeLessThan(whole.blobs[0].bytes.length);
    const full = resolveFull(parseBtf(target.base.bytes), [object], ALL_RULES);
    const proof = prove([object], full, [shared.blobs[0]]);
    expect(proof).toMatchObject({ holds: false, differences: [] });
    expect(proof.malformed.map(({ finding }) => finding.message)).toEqual([
      "a name begins inside another string, which cilium/ebpf does not read",
    ]);
  });
});

describe("sample kernels", () => {
  const fixtures = (directory: string) =>
    readdirSync(join(FIXTURES, directory))
      .filter((name) => name.endsWith(".o"))
      .map((name) => parseBpfObject(readFileSync(join(FIXTURES, directory, name)), name));
  const little = fixtures("objects");
  const big = fixtures("objects-be");

  it.each(KERNELS_TO_ASK)("%s", async (name) => {
    const { bytes } = kernelSample(name);
    const objects = name === KERNEL_BIG_ENDIAN ? big : little;
    const { proof } = runJob({ base: { source: name, bytes } }, objects, { ruleSets: ALL_RULES });
    expect(proof).toMatchObject({ holds: true, ruleSets: ["libbpf", "kernel", "cilium"] });
    expect(proof.pairs).toBeGreaterThan(500);
  });

  it.each([false, true])("with modules, flat: %s", async (flatten) => {
    const base = kernelSample(KERNEL_OF_MODULES);
    const modules = moduleSamples().map(({ name, bytes }) => ({ source: name, bytes }));
    const target = { base: { source: base.name, bytes: base.bytes }, modules };
    const { proof, sets } = runJob(target, little, { ruleSets: ALL_RULES, flatten });
    expect(proof.differences).toEqual([]);
    expect(proof.malformed).toEqual([]);
    const ofModules = sets[2]?.records.filter(({ candidates }) => candidates.some(({ id }) => id > 100_000));
    expect(ofModules?.length).toBeGreaterThan(0);
  });
});

describe("the proof under cilium/ebpf's rules", () => {
  const [, refused, fine] = CILIUM_SCENES;

  it.each([
    ["candidates in another order", fine, refused, "pairing"],
    ["a candidate less that ends it", refused, fine, "pairing"],
  ])("sees %s", (_, inFull, inSmall) => {
    if (inFull === undefined || inSmall === undefined) throw new Error("no scenes");
    const object = buildObject(sceneObject(inFull));
    const full = resolveFull(parseBtf(sceneTarget(inFull)), [object], ALL_RULES);
    const proof = prove([object], full, [{ source: "small", bytes: sceneTarget(inSmall) }]);
    const under = (name: string) => proof.differences.filter(({ rules }) => rules === name).map(({ what }) => what);
    expect(under("libbpf")).toEqual([]);
    expect(under("cilium")).toEqual(["decision", "decision", "pairing"]);
  });
});

function oneRelocation() {
  const insns = [{ code: 0xb7 }, { code: 0xb7 }, { code: 0x95 }];
  return { name: "prog", insns, relos: [{ kind: 0, typeId: 10, access: "0:0" }] };
}
