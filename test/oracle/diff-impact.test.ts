/** What diff says of objects between two kernels, against libbpf asked about each end by itself. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { LIBBPF_RULES } from "../../lib/core/rules.ts";
import { impactOn, type RelocationImpact } from "../../lib/diff/impact.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_NAMES, KERNEL_OF_MODULES, kernelPath, THOROUGH } from "../samples.ts";
import { positionsInSections } from "./engine-compare.ts";
import { type LibbpfRun, libbpfRelocateMany } from "./libbpf.ts";
import type { ReloLogEntry } from "./libbpf-log.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
/** Objects that libbpf refuses to open for reasons of its own. */
const NOT_OPENED = ["link_first.o", "no_btf.o"];
const LITTLE = KERNEL_NAMES.filter((name) => name !== KERNEL_BIG_ENDIAN);
/** An update of one kernel; when thorough also each kernel and the next, which crosses architectures. */
const STEPS = [
  [KERNEL_6_1, KERNEL_OF_MODULES] as const,
  ...(THOROUGH ? LITTLE.slice(1).map((name, i) => [LITTLE[i] as string, name] as const) : []),
];

/** What libbpf makes of a relocation: a word and the number it writes. */
interface Answer {
  readonly status: string;
  readonly value: bigint | null;
}

/** libbpf's answers for an object, by relocation; as far as it came. */
function answersOf(object: BpfObject, run: LibbpfRun): Map<number, Answer> {
  const entries = new Map(run.log.map((entry) => [`${entry.reloIndex} ${entry.program}`, entry]));
  const positions = positionsInSections(object);
  const answers = new Map<number, Answer>();
  for (const { index, program } of object.relocations) {
    const home = object.programs[program];
    const entry = home === undefined ? undefined : entries.get(`${positions[index]} ${home.name}`);
    if (entry === undefined) continue;
    answers.set(index, answerOf(entry));
    // It gives the object up there.
    if (entry.errors.some((error) => error.includes("failed to"))) break;
  }
  return answers;
}

function answerOf({ ambiguity, errors, poisoned, noTargets, patches }: ReloLogEntry): Answer {
  if (ambiguity !== undefined) return { status: "ambiguous", value: null };
  if (errors.some((error) => error.includes("failed to"))) return { status: "error", value: null };
  if (poisoned.length > 0) return { status: "poisoned", value: null };
  const value = patches.findLast(({ what }) => what !== "mem_sz")?.to ?? null;
  return { status: noTargets ? "absent" : "resolved", value };
}

/** What has become of a relocation, by libbpf's two answers alone. */
function becomes(old: Answer, now: Answer): string {
  if (old.status !== now.status) return `newly-${now.status}`;
  return now.status === "resolved" && old.value !== now.value ? "moved" : "same";
}

interface Tally {
  readonly differences: string[];
  readonly counts: Record<string, number>;
}

function compareStep(objects: ReadonlyMap<string, BpfObject>, from: string, to: string): Tally {
  const paths = [kernelPath(from), kernelPath(to)] as const;
  const [old, now] = paths.map((path) => indexCandidates(parseBtf(readFileSync(path), { source: path })));
  if (old === undefined || now === undefined) throw new Error("two kernels");
  const runs = paths.map((path) => libbpfRelocateMany([...objects.keys()], path, {}));
  const tally: Tally = { differences: [], counts: {} };
  runs[0]?.forEach((run, i) => {
    const object = objects.get(run.object);
    const other = runs[1]?.[i];
    if (object === undefined || other === undefined || other.object !== run.object) throw new Error("runs do not pair");
    const [before, after] = [answersOf(object, run), answersOf(object, other)];
    const impact = impactOn(object, { old, new: now, rules: LIBBPF_RULES });
    const relocations = impact.programs.flatMap(({ fields }) => fields.flatMap((field) => field.relocations));
    for (const relocation of relocations) {
      const [a, b] = [before.get(relocation.index), after.get(relocation.index)];
      if (a !== undefined && b !== undefined) compareOne(run.object, relocation, a, b, tally);
    }
  });
  return tally;
}

function compareOne(
  object: string,
  ours: RelocationImpact,
  old: Answer,
  now: Answer,
  { differences, counts }: Tally,
): void {
  const say = (what: string) => differences.push(`${object} relocation ${ours.index} ${ours.kind}: ${what}`);
  // libbpf poisons without asking whether the instruction can be reached.
  const plain = (status: string) => (status === "guarded" ? "poisoned" : status);
  for (const [side, answer] of [
    ["old", old],
    ["new", now],
  ] as const) {
    const { status, value } = ours[side];
    if (plain(status) !== answer.status) say(`${side}: ${status}, libbpf ${answer.status}`);
    if (value !== null && answer.value !== null && BigInt.asUintN(64, value) !== BigInt.asUintN(64, answer.value)) {
      say(`${side}: ${value}, libbpf ${answer.value}`);
    }
  }
  counts[ours.change] = (counts[ours.change] ?? 0) + 1;
  if (ours.old.status === "guarded" || ours.new.status === "guarded" || ours.kind === "target_type_id") return;
  const theirs = becomes(old, now);
  // The same number, but a load of other bytes: libbpf's number does not show it.
  const isResized = ours.change === "moved" && ours.old.loadBytes !== ours.new.loadBytes;
  if (ours.change !== theirs && !isResized) say(`${ours.change}, libbpf ${theirs}`);
}

const parsed = (paths: readonly string[]): Map<string, BpfObject> =>
  new Map(paths.map((path) => [path, parseBpfObject(readFileSync(path), path)]));

describeOracle("what becomes of our objects from kernel to kernel, as libbpf has both ends", ["libbpf"], () => {
  const objects = parsed(
    readdirSync(FIXTURES)
      .filter((name) => name.endsWith(".o") && !NOT_OPENED.includes(name))
      .map((name) => join(FIXTURES, name)),
  );
  it.each(STEPS)("from %s to %s, and back", (from, to) => {
    for (const [a, b] of [
      [from, to],
      [to, from],
    ] as const) {
      const { differences, counts } = compareStep(objects, a, b);
      expect(differences).toEqual([]);
      expect(counts.same).toBeGreaterThan(300);
      expect(counts.moved).toBeGreaterThan(20);
    }
  });
});

describeOracle("what becomes of libbpf-tools, as libbpf has both ends", ["libbpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  it.each(STEPS)("from %s to %s", (from, to) => {
    const paths = libbpfToolsExecutables()
      .flatMap((executable) => findBpfObjects(readFileSync(executable), executable))
      .map(({ bytes, name }, i) => {
        const path = join(directory(), `${i}-${name.replaceAll(/[^\w.-]/g, "_")}.o`);
        writeFileSync(path, bytes);
        return path;
      });
    const { differences, counts } = compareStep(parsed(paths), from, to);
    expect(differences).toEqual([]);
    expect(counts.same).toBeGreaterThan(200);
    expect(counts.moved).toBeGreaterThan(20);
  });
});
