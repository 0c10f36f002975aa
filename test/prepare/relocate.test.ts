import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { applyRecords } from "../../lib/core/apply.ts";
import { parseLines } from "../../lib/core/btf-ext.ts";
import { type CandidateIndex, indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { findSection, rawSectionBytes } from "../../lib/elf/elf.ts";
import { isRelocationSection, readRelocations } from "../../lib/elf/relocations.ts";
import { type RelocatedObject, relocateObject } from "../../lib/prepare/relocate.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, kernelSample } from "../samples.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
/** Its relocations are on instructions that take none: no loader takes it. */
const REFUSED = ["objects/sched_gcc.o"];
const files = (directory: string): string[] =>
  readdirSync(join(FIXTURES, directory))
    .filter((name) => name.endsWith(".o"))
    .map((name) => `${directory}/${name}`);
const parse = (file: string): BpfObject => parseBpfObject(new Uint8Array(readFileSync(join(FIXTURES, file))), file);

const indexes = new Map<string, CandidateIndex>();
function indexOf(kernel: string): CandidateIndex {
  const known = indexes.get(kernel);
  if (known !== undefined) return known;
  const made = indexCandidates(parseBtf(kernelSample(kernel).bytes, { source: kernel }));
  indexes.set(kernel, made);
  return made;
}

async function relocated(file: string): Promise<{ object: BpfObject; result: RelocatedObject; code: Uint8Array[] }> {
  const object = parse(file);
  const records = resolveObject(object, indexOf(object.littleEndian ? KERNEL_6_1 : KERNEL_BIG_ENDIAN));
  const code = applyRecords(object, records).map(({ instructions }) => instructions);
  return { object, result: relocateObject(object, records), code };
}

const all = [...files("objects"), ...files("objects-be")];

describe("an object relocated ahead of time", () => {
  it.each(all.filter((file) => !REFUSED.includes(file)))("%s", async (file) => {
    const before = new Uint8Array(readFileSync(join(FIXTURES, file)));
    const { object, result, code } = await relocated(file);
    expect(result.failures).toEqual([]);
    expect(object.elf.bytes).toEqual(before);
    const after = parseBpfObject(result.bytes as Uint8Array, file);

    // Nothing is left to relocate, and the code is what a loader would make of it.
    expect(after.relocations).toEqual([]);
    expect(result.applied + result.skipped).toBe(object.relocations.length);
    expect(applyRecords(after, []).map(({ instructions }) => instructions)).toEqual(code);

    // Every other section is as it was, and lines are.
    const changed = new Set(object.programs.map(({ section }) => section));
    for (const section of object.elf.sections) {
      const other = after.elf.sections[section.index];
      const isExt = section.name.endsWith(".BTF.ext");
      expect({ ...other, size: isExt ? section.size : other?.size }).toEqual(section);
      if (isExt || changed.has(section.name)) continue;
      expect(rawSectionBytes(after.elf, section)).toEqual(rawSectionBytes(object.elf, section));
    }
    const ext = [object, after].map(({ elf }) => findSection(elf, ".BTF.ext"));
    if (ext[0] === undefined || ext[1] === undefined) return;
    const [old, now] = [rawSectionBytes(object.elf, ext[0]), rawSectionBytes(after.elf, ext[1])];
    if (old.length === 0) return;
    expect(parseLines(now, file)).toEqual(parseLines(old, file));
    if (object.relocations.length > 0) expect(now.length).toBeLessThan(old.length);
    for (const section of after.elf.sections) {
      if (!isRelocationSection(section) || section.info !== ext[1].index) continue;
      const { offsets } = readRelocations(after.elf, section);
      expect(Math.max(0, ...offsets)).toBeLessThan(now.length);
    }
  });

  it("is the same when it is relocated again", async () => {
    const { result } = await relocated("objects/exec.o");
    const again = parseBpfObject(result.bytes as Uint8Array, "exec.o");
    const twice = relocateObject(again, resolveObject(again, indexOf(KERNEL_6_1)));
    expect(twice.bytes).toEqual(result.bytes);
    expect(twice).toMatchObject({ applied: 0, changed: 0, poisoned: [], failures: [] });
  });

  it.each(REFUSED)("is none where a loader would refuse it: %s", async (file) => {
    const { result } = await relocated(file);
    expect(result.bytes).toBeNull();
    expect(result.failures.length).toBeGreaterThan(0);
    expect(result.failures[0]?.reason).not.toBe("");
  });

  it("says what is poisoned and which numbers are this kernel's own", async () => {
    const { result } = await relocated("objects/types.o");
    expect(result.targetTypeIds.length).toBeGreaterThan(0);
    expect(result.localTypeIds.length).toBeGreaterThan(0);
    const { result: arrays } = await relocated("objects/instructions.o");
    expect(arrays.poisoned.length).toBeGreaterThan(0);
    for (const { status, value } of arrays.poisoned) expect(status === "poisoned" || value?.badResize).toBe(true);
  });
});

describe("what an object wants of a kernel's BTF besides relocations", () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["objects/tcp_connect.o", []],
    ["objects/globals.o", []],
    ["objects/freplace.o", []],
    ["objects/exec.o", ["tp_btf btf_trace_sched_process_exec"]],
    ["objects/iter_task.o", ["iter bpf_iter_task", "iter bpf_iter_task_file"]],
    ["objects/lsm_exec.o", ["lsm bpf_lsm_bprm_check_security", "lsm bpf_lsm_bprm_committed_creds"]],
    ["objects/struct_ops.o", ["struct_ops tcp_congestion_ops", "struct_ops bpf_struct_ops_tcp_congestion_ops"]],
    [
      "objects/externs.o",
      [
        "tp_btf btf_trace_task_newtask",
        "kfunc bpf_task_acquire",
        "kfunc bpf_task_release",
        "kfunc bpf_rcu_read_lock",
        "kfunc bpf_rcu_read_unlock",
        "ksym runqueues",
      ],
    ],
  ];
  it.each(rows)("%s", async (file, expected) => {
    const { result } = await relocated(file);
    expect(result.needs.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual([...expected].sort());
    expect(result.needs.every(({ optional }) => !optional)).toBe(true);
  });
});
