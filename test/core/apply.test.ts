import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { applyRecords, isFailure } from "../../lib/core/apply.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { blob, int, type Row } from "../btf/records.ts";
import { struct } from "./case.ts";
import { buildObject, EXIT, encodeInsns, LDX_W, objectBytes, type Program } from "./object-builder.ts";

const rows = (x: number, y: number): Row[] => [
  int("int", 4, 1),
  struct("s", [
    ["x", 1, x * 8],
    ["y", 1, y * 8],
  ]),
];
const read = (name: string, accesses: readonly string[], offs: readonly number[], section = "socket"): Program => ({
  name,
  section,
  insns: [...offs.map((off) => ({ ...LDX_W, off })), EXIT],
  relos: accesses.map((access, insn) => ({ kind: RELO_FIELD_BYTE_OFFSET, typeId: 2, access, insn })),
});
const PROGRAMS = [read("a", ["0:0", "0:1"], [0, 4]), read("b", ["0:1"], [4]), read("c", ["0:0"], [0], "other")];
const TARGET = indexCandidates(parseBtf(blob(rows(16, 24))));

const applied = (object: BpfObject) => applyRecords(object, resolveObject(object, TARGET));

describe("applyRecords", () => {
  it("gives each program its own code, changed", () => {
    const object = buildObject({ rows: rows(0, 4), programs: PROGRAMS });
    expect(applied(object).map(({ name, section, instructions }) => [name, section, instructions])).toEqual([
      ["a", "socket", encodeInsns([{ ...LDX_W, off: 16 }, { ...LDX_W, off: 24 }, EXIT])],
      ["b", "socket", encodeInsns([{ ...LDX_W, off: 24 }, EXIT])],
      ["c", "other", encodeInsns([{ ...LDX_W, off: 16 }, EXIT])],
    ]);
    expect(applied(object)[0]?.patched).toEqual([
      { relocation: 0, insn: 0, outcome: "patched" },
      { relocation: 1, insn: 1, outcome: "patched" },
    ]);
  });

  it("leaves the file alone, also a Buffer, whose slice() is a view", () => {
    const bytes = Buffer.from(objectBytes({ rows: rows(0, 4), programs: PROGRAMS }));
    const before = Buffer.from(bytes);
    applied(parseBpfObject(bytes));
    expect(bytes.equals(before)).toBe(true);
  });

  it("lists what does not fit, and goes on", () => {
    const object = buildObject({ rows: rows(0, 4), programs: [read("a", ["0:0", "0:9", "0:1"], [1, 4, 4])] });
    const [program] = applied(object);
    expect(program?.patched.map(({ outcome }) => isFailure(outcome))).toEqual([true, true, false]);
    expect(program?.patched[1]?.outcome).toEqual({ failure: expect.stringContaining("member 9 of 2") });
    expect(program?.instructions).toEqual(
      encodeInsns([{ ...LDX_W, off: 1 }, { ...LDX_W, off: 4 }, { ...LDX_W, off: 24 }, EXIT]),
    );
  });

  it("passes over relocations of no program", () => {
    const object = buildObject({ rows: rows(0, 4), programs: PROGRAMS });
    const relocations = object.relocations.map((relocation) => ({ ...relocation, program: -1 }));
    for (const { patched } of applied({ ...object, relocations })) expect(patched).toEqual([]);
  });

  it("refuses a program without instructions", () => {
    const object = buildObject({ rows: rows(0, 4), programs: PROGRAMS });
    const programs = object.programs.map((program) => ({ ...program, size: 0 }));
    expect(() => applyRecords({ ...object, programs }, [])).toThrow(FormatError);
  });

  it("takes the big-endian twin of an object alike", () => {
    const [little, big] = [true, false].map((littleEndian) =>
      applied(buildObject({ rows: rows(0, 4), programs: PROGRAMS, littleEndian })),
    );
    expect(big?.map(({ patched }) => patched)).toEqual(little?.map(({ patched }) => patched));
    expect(big?.[1]?.instructions).toEqual(encodeInsns([{ ...LDX_W, off: 24 }, EXIT], false));
  });

  it("applies nothing to an object without relocations", () => {
    const bytes = readFileSync(new URL("../fixtures/objects/no_core.o", import.meta.url));
    const object = parseBpfObject(bytes);
    for (const { patched, instructions } of applied(object)) {
      expect(patched).toEqual([]);
      expect(instructions.length).toBeGreaterThan(0);
    }
  });
});
