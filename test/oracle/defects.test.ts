/**
 * The ways in which `bpftool gen min_core_btf` goes wrong (test/fixtures/defects): ours is right there, by our own
 * proof and in libbpf's hands; and bpftool's, where it is installed, is wrong as described.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { type JobOptions, runJob, type Target } from "../../lib/job/job.ts";
import { minCoreBtf, withFile } from "./bpftool.ts";
import { type LibbpfOptions, libbpfRelocateMany } from "./libbpf.ts";
import { describeOracle, oracleIt } from "./requirements.ts";
import { s390xLibbpf } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

/** What ends up in the instruction. */
type Value = number | "poisoned" | "ambiguous";

interface Expected {
  readonly exit: number;
  readonly stderr?: string;
  readonly bytes?: number;
  readonly relocations: readonly { readonly full: Value; readonly small?: Value }[];
  readonly twin?: { readonly object: string; readonly exit: number; readonly magic: string };
}

const DEFECTS = join(import.meta.dirname, "../fixtures/defects");
const EXPECTED = JSON.parse(readFileSync(join(DEFECTS, "expect.json"), "utf8")) as Readonly<Record<string, Expected>>;
const NAMES = Object.keys(EXPECTED);
const BIG_ENDIAN = "05-big-endian";
const TYPE_ID = "06-target-type-id";
const BLOAT = "07-bloat";
const SPLIT = "08-split-btf";
const FIRST_ERROR = "09-stops-at-first-error";
const SIGNAL_EXIT = 128;

const path = (name: string, file: string): string => join(DEFECTS, name, file);
const read = (name: string, file: string): Uint8Array => readFileSync(path(name, file));
const wantedOf = (name: string): Value[] => (EXPECTED[name] as Expected).relocations.map(({ full }) => full);

function targetOf(name: string): Target {
  const input = (file: string) => ({ bytes: read(name, file), source: file });
  return name === SPLIT ? { base: input("base.btf"), modules: [input("target.btf")] } : { base: input("target.btf") };
}

function minimized(name: string, options: JobOptions = {}) {
  const object = parseBpfObject(read(name, "local.o"), "local.o");
  return { object, ...runJob(targetOf(name), [object], options) };
}

function outcomeOf({ status, value }: ReloRecord): Value | string {
  if (status === "poisoned" || value === null) return status;
  return value.poison ? "poisoned" : Number(value.value);
}

/** What libbpf makes of the relocations; of several programs each is loaded alone, as it stops at the first error. */
function libbpfValues(object: string, target: string, options: LibbpfOptions = {}): (Value | string)[] {
  const runs = libbpfRelocateMany([object], target, { ...options, alone: true });
  const counted = runs.length === 1 ? runs : runs.slice(1);
  return counted.flatMap(({ log }) =>
    log.map(({ ambiguity, errors, poisoned, patches }) => {
      if (ambiguity !== undefined) return "ambiguous";
      if (errors.length > 0) return errors.join("; ");
      if (poisoned.length > 0) return "poisoned";
      return Number(patches.find(({ what }) => what !== "mem_sz")?.to);
    }),
  );
}

describe("where bpftool goes wrong, ours is right", () => {
  const parsed = (blobs: readonly { bytes: Uint8Array; source: string }[]): Btf => {
    const [base, ...modules] = blobs;
    const btf = parseBtf((base as { bytes: Uint8Array }).bytes, { source: "small" });
    return modules.length === 0 ? btf : parseModules(btf, modules);
  };

  it.each(
    NAMES.flatMap((name) => [
      { name, keepNames: false },
      { name, keepNames: true },
    ]),
  )("$name, names kept: $keepNames", ({ name, keepNames }) => {
    const { object, blobs, sets, proof } = minimized(name, { keepNames });
    expect(proof.holds).toBe(true);
    expect(proof.pairs).toBeGreaterThan(0);
    expect(sets[0]?.records.map(outcomeOf)).toEqual(wantedOf(name));
    const small = resolveObject(object, indexCandidates(parsed(blobs)));
    // A type's id is the one thing that cannot stay.
    if (name === TYPE_ID) expect(small.map(({ status }) => status)).toEqual(["resolved"]);
    else expect(small.map(outcomeOf)).toEqual(wantedOf(name));
  });

  it("big-endian BTF stays big-endian", () => {
    const [{ bytes }] = minimized(BIG_ENDIAN).blobs;
    expect([...bytes.subarray(0, 2)]).toEqual([0xeb, 0x9f]);
  });

  it("only the enumerator and the members asked for are kept", () => {
    const { blobs, target } = minimized(BLOAT);
    expect(blobs[0].bytes.length).toBeLessThan(300);
    expect(blobs[0].bytes.length).toBeLessThan(((EXPECTED[BLOAT] as Expected).bytes as number) / 9);
    expect(target.strings.length).toBeGreaterThan(500);
  });

  it("a changed type id shows in the records: the kind tells", () => {
    const { sets, newIds } = minimized(TYPE_ID);
    const [record] = sets[0]?.records ?? [];
    expect(record?.relocation.kind).toBe(RELO_TYPE_ID_TARGET);
    expect(newIds.get(Number(record?.value?.value))).not.toBe(Number(record?.value?.value));
  });

  it("all errors are told, with program, candidates and offsets", () => {
    const records = minimized(FIRST_ERROR).sets[0]?.records ?? [];
    const told = records.flatMap(({ status, reason, object, relocation }) =>
      status === "ambiguous" ? [`${object.programs[relocation.program]?.name}: ${reason}`] : [],
    );
    expect(told).toEqual([
      expect.stringMatching(/^first_error: candidates \[\d+\] and \[\d+\] .*bit 0 and at bit 64$/),
      expect.stringMatching(/^second_error: candidates \[\d+\] and \[\d+\] .*at bit \d+ and at bit \d+$/),
    ]);
  });
});

describeOracle("the same in libbpf's hands", ["libbpf"], () => {
  const directory = temporaryDirectory();
  const written = (bytes: Uint8Array, file = "small.btf"): string => {
    const at = join(directory(), file);
    writeFileSync(at, bytes);
    return at;
  };

  it.each(NAMES.filter((name) => name !== BIG_ENDIAN && name !== SPLIT))("%s", (name) => {
    expect(libbpfValues(path(name, "local.o"), path(name, "target.btf"))).toEqual(wantedOf(name));
    const small = libbpfValues(path(name, "local.o"), written(minimized(name).blobs[0].bytes));
    if (name === TYPE_ID) expect(small).toEqual([1]);
    else expect(small).toEqual(wantedOf(name));
  });

  it("a module's split BTF as that of a running kernel, and both as one BTF", () => {
    const object = path(SPLIT, "local.o");
    const running = (base: string, module: string): LibbpfOptions & { base: string } => ({
      base,
      as: "running",
      modules: new Map([["private", module]]),
    });
    const full = running(path(SPLIT, "base.btf"), path(SPLIT, "target.btf"));
    expect(libbpfValues(object, full.base, full)).toEqual(wantedOf(SPLIT));
    const [base, module] = minimized(SPLIT).blobs;
    const small = running(written(base.bytes), written(module?.bytes as Uint8Array, "module.btf"));
    expect(libbpfValues(object, small.base, small)).toEqual(wantedOf(SPLIT));
    const flat = minimized(SPLIT, { flatten: true }).blobs;
    expect(flat.length).toBe(1);
    expect(libbpfValues(object, written(flat[0].bytes))).toEqual(wantedOf(SPLIT));
  });

  it("big-endian BTF for a little-endian object", () => {
    const object = path(BIG_ENDIAN, "local-le.o");
    expect(libbpfValues(object, path(BIG_ENDIAN, "target.btf"))).toEqual(wantedOf(BIG_ENDIAN));
    expect(libbpfValues(object, written(minimized(BIG_ENDIAN).blobs[0].bytes))).toEqual(wantedOf(BIG_ENDIAN));
  });

  oracleIt("big-endian BTF for a big-endian object, under emulation", ["s390x", "clang"], () => {
    const object = path(BIG_ENDIAN, "local.o");
    const options = { command: s390xLibbpf() };
    expect(libbpfValues(object, path(BIG_ENDIAN, "target.btf"), options)).toEqual(wantedOf(BIG_ENDIAN));
    const small = written(minimized(BIG_ENDIAN).blobs[0].bytes);
    expect(libbpfValues(object, small, options)).toEqual(wantedOf(BIG_ENDIAN));
  });
});

describeOracle("bpftool goes wrong as described", ["bpftool", "libbpf"], () => {
  it.each(NAMES)("%s", (name) => {
    const { exit, stderr, bytes, relocations, twin } = EXPECTED[name] as Expected;
    const result = minCoreBtf(path(name, "target.btf"), [path(name, "local.o")]);
    expect(result.ok).toBe(exit === 0);
    if (!result.ok) {
      if (exit > SIGNAL_EXIT && stderr === undefined) expect(result.crashed).toBe(true);
      else expect(result.error).toContain(stderr);
    } else {
      expect(result.stderr).toBe("");
      if (bytes !== undefined) expect(result.value.length).toBeGreaterThan(bytes * 0.9);
      const values = withFile(result.value, (small) => libbpfValues(path(name, "local.o"), small));
      expect(values).toEqual(relocations.map(({ small }) => small));
    }
    if (twin === undefined) return;
    const other = minCoreBtf(path(name, "target.btf"), [path(name, twin.object)]);
    expect(other.ok && Buffer.from(other.value.subarray(0, 2)).toString("hex")).toBe(twin.magic);
  });

  it("and takes a module's BTF neither alone nor with its base as a whole kernel's", () => {
    const result = minCoreBtf(path(SPLIT, "base.btf"), [path(SPLIT, "local.o")]);
    expect(result.ok).toBe(true);
    const values = result.ok && withFile(result.value, (small) => libbpfValues(path(SPLIT, "local.o"), small));
    expect(values).toEqual(["poisoned", 16]);
  });
});
