import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { reachedInBlocks } from "../../lib/core/known-blocks.ts";
import type { CodeFunction } from "../../lib/core/known-step.ts";
import { stepBudget, walkProgram } from "../../lib/core/known-walk.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { type ReachableMemo, unreachableRecords } from "../../lib/core/reachable.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { judge } from "../../lib/core/survey.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_NAMES, kernelSample } from "../samples.ts";

const OLDEST = "debian/11/x86_64/5.10.0-46-cloud-amd64";

function fixture(path: string): BpfObject {
  return parseBpfObject(readFileSync(new URL(`../fixtures/${path}`, import.meta.url)), path);
}

async function kernelIndex(name: string) {
  return indexCandidates(parseBtf(kernelSample(name).bytes, { source: name }));
}

/** By program with a poisoned instruction in it (its own subprograms aside): whether one can be reached. */
function standing(object: BpfObject, index: Awaited<ReturnType<typeof kernelIndex>>): Map<string, boolean> {
  const open = new Map<string, boolean>();
  for (const { record, status } of judge(resolveObject(object, index))) {
    if (status !== "poisoned" && status !== "guarded") continue;
    const name = object.programs[record.relocation.program]?.name ?? "";
    open.set(name, open.get(name) === true || status === "poisoned");
  }
  return open;
}

describe.each([
  ["objects/guards.o", OLDEST],
  ["objects/guards.o", KERNEL_6_1],
  ["objects-be/guards.o", KERNEL_BIG_ENDIAN],
])("%s on %s", (path, kernel) => {
  it("tells apart what a check keeps from being reached and what is open", async () => {
    const found = standing(fixture(path), await kernelIndex(kernel));
    const expected = [...found.keys()].map((name) => {
      // Of the subprograms, one is called without a check too.
      return [name, name.startsWith("open_") || name === "read_gone_too"] as const;
    });
    expect([...found]).toEqual(expected);
    expect([...found.values()].filter((open) => open).length).toBeGreaterThanOrEqual(7);
    expect([...found.values()].filter((open) => !open).length).toBeGreaterThanOrEqual(10);
  });
});

it("knows no more of an object by what it found on another kernel", async () => {
  const memo: ReachableMemo = new Map();
  const objects = ["sched_switch", "block_io", "guards", "enums", "instructions"].map((name) => {
    return fixture(`objects/${name}.o`);
  });
  let differing = 0;
  const before = new Map<BpfObject, string>();
  for (const name of KERNEL_NAMES.filter((one) => one !== KERNEL_BIG_ENDIAN)) {
    const index = await kernelIndex(name);
    for (const object of objects) {
      const records = resolveObject(object, index);
      const indexes = (found: ReturnType<typeof unreachableRecords>) =>
        records.map((record) => (found.has(record) ? "-" : "r")).join("");
      const fresh = indexes(unreachableRecords(object, records, records));
      expect(indexes(unreachableRecords(object, records, records, memo))).toBe(fresh);
      // Nor where it is asked about one of them alone.
      const one = records.filter((_, i) => i % 3 === 1);
      const some = unreachableRecords(object, records, one, memo);
      expect(one.map((record) => (some.has(record) ? "-" : "r")).join("")).toBe(fresh.replace(/(.?)(.?)(.?)/g, "$2"));
      if (before.has(object) && before.get(object) !== fresh) differing++;
      before.set(object, fresh);
    }
  }
  expect(differing).toBeGreaterThan(0);
});

it("reaches everything where checks are not 0", async () => {
  const object = fixture("objects/guards.o");
  const index = indexCandidates(object.btf as NonNullable<BpfObject["btf"]>);
  // Against its own types nothing is missing, and only the answers no are unreachable.
  const judged = judge(resolveObject(object, index));
  expect(new Set(judged.map(({ status }) => status))).toEqual(new Set(["resolved"]));
  const records = judged.map(({ record }) => record);
  const unreachable = unreachableRecords(object, records, records);
  const names = new Set([...unreachable].map(({ relocation }) => object.programs[relocation.program]?.name));
  expect(names).toContain("kept_field");
  expect(names).not.toContain("open_unchecked");
});

/** [opcode, destination, source, offset, immediate] */
type Insn = readonly [code: number, to?: number, from?: number, offset?: number, imm?: number];
const EXIT: Insn = [0x95];
const mov = (to: number, imm: number): Insn => [0xb7, to, 0, 0, imm];
const movReg = (to: number, from: number): Insn => [0xbf, to, from];
const jeq = (to: number, imm: number, offset: number): Insn => [0x15, to, 0, offset, imm];
const ja = (offset: number): Insn => [0x05, 0, 0, offset];
const call = (helper: number): Insn => [0x85, 0, 0, 0, helper];
const stx = (to: number, offset: number, from: number, code = 0x7b): Insn => [code, to, from, offset];
const ldx = (to: number, from: number, offset: number, code = 0x79): Insn => [code, to, from, offset];
/** The target of a jump that must not be taken. */
const MARK = mov(0, 77);

function functionOf(insns: readonly Insn[], extra: Partial<CodeFunction> = {}, littleEndian = true): CodeFunction {
  const code = new Uint8Array(insns.length * 8);
  const view = new DataView(code.buffer);
  insns.forEach(([opcode, to = 0, from = 0, offset = 0, imm = 0], i) => {
    view.setUint8(i * 8, opcode);
    view.setUint8(i * 8 + 1, littleEndian ? (from << 4) | to : (to << 4) | from);
    view.setInt16(i * 8 + 2, offset, littleEndian);
    view.setInt32(i * 8 + 4, imm, littleEndian);
  });
  return {
    code,
    unknown: new Uint8Array(insns.length),
    references: new Map(),
    isGlobal: false,
    littleEndian,
    ...extra,
  };
}

/** The slots that are reached, as a string of digits. What knows less reaches all of them. */
function reachedIn(...functions: readonly CodeFunction[]): string[] | null {
  const reached = functions.map(({ unknown }) => new Uint8Array(unknown.length));
  const linked = functions.map((_, i) => i);
  const walked = walkProgram(functions, linked, reached, stepBudget());
  functions.forEach((one, at) => {
    const inBlocks = reachedInBlocks(one);
    if (walked) expect(inBlocks).not.toBeNull();
    const missed = [...(reached[at] ?? [])].flatMap((is, slot) => (is === 1 && inBlocks?.[slot] === 0 ? [slot] : []));
    expect(missed).toEqual([]);
  });
  return walked ? reached.map((slots) => slots.join("")) : null;
}

/** The slots that are reached where nothing is known but what stands in front, as a string of digits. */
function reachedAlone(insns: readonly Insn[], extra: Partial<CodeFunction> = {}): string | null {
  return reachedInBlocks(functionOf(insns, extra))?.join("") ?? null;
}

describe("one function by itself", () => {
  it.each<[string, readonly Insn[], string | null]>([
    ["follows a check with its number in front", [mov(1, 0), jeq(1, 0, 1), MARK, EXIT], "1101"],
    ["and the other way", [mov(1, 1), jeq(1, 0, 1), MARK, EXIT], "1111"],
    ["through what leaves the register alone", [mov(1, 0), movReg(6, 1), jeq(6, 0, 1), MARK, EXIT], "11101"],
    ["knows no register after a call", [mov(1, 0), call(5), jeq(1, 0, 1), MARK, EXIT], "11111"],
    ["nor where paths meet", [mov(1, 0), jeq(2, 0, 0), jeq(1, 0, 1), MARK, EXIT], "11111"],
    ["nor an argument", [jeq(1, 0, 1), MARK, EXIT], "111"],
    ["nor a 64-bit immediate, which may be a map's", [[0x18, 1], [0], jeq(1, 0, 1), MARK, EXIT], "10111"],
    ["ends where a jump leaves the code", [ja(100), MARK], "10"],
    ["is done with a loop", [mov(1, 0), ja(-2)], "11"],
    ["gives up at a jump by a table", [[0x0d, 1], MARK, EXIT], null],
  ])("%s", (_, insns, expected) => {
    expect(reachedAlone(insns)).toBe(expected);
  });

  it("does not rely on an instruction without a value", () => {
    expect(reachedAlone([mov(1, 0), jeq(1, 0, 1), MARK, EXIT], { unknown: Uint8Array.of(1, 0, 0, 0) })).toBe("1111");
  });
});

describe("constants that a verifier follows", () => {
  /** Code, then `if r0 == 0 goto exit; MARK; exit`. */
  it.each<[name: string, code: Insn[], isMarkReached: boolean]>([
    ["a number", [mov(0, 0)], false],
    ["another number", [mov(0, 1)], true],
    ["a helper's result", [mov(0, 0), call(7)], true],
    ["a move", [mov(3, 0), movReg(0, 3)], false],
    [
      "a 32-bit move",
      [
        [0xb4, 3, 0, 0, 0],
        [0xbc, 0, 3],
      ],
      false,
    ],
    ["a move that extends a sign", [mov(3, 0), [0xbf, 0, 3, 8]], true],
    ["sums", [mov(0, -5), [0x07, 0, 0, 0, 5]], false],
    ["a sum with a register", [mov(0, -5), mov(2, 5), [0x0f, 0, 2]], false],
    ["a sum of 32 bits", [mov(0, -5), [0x04, 0, 0, 0, 5]], false],
    ["shifts, as of 32-bit values", [mov(0, 0), [0x67, 0, 0, 0, 32], [0x77, 0, 0, 0, 32]], false],
    ["a shift by more than there is", [mov(0, 0), [0x67, 0, 0, 0, 64]], true],
    ["masks", [mov(0, 6), [0x57, 0, 0, 0, 1]], false],
    ["exclusive or, which older ones do not follow", [mov(0, 1), [0xa7, 0, 0, 0, 1]], true],
    ["negation, which older ones do not follow", [mov(0, 0), [0x87, 0]], true],
    ["a 64-bit number", [[0x18, 0, 0, 0, 0], [0]], false],
    [
      "a 64-bit number with an upper half",
      [
        [0x18, 0, 0, 0, 0],
        [0, 0, 0, 0, 1],
      ],
      true,
    ],
    ["a map's address", [[0x18, 0, 1, 0, 0], [0]], true],
    ["the stack", [mov(1, 0), stx(10, -8, 1), ldx(0, 10, -8)], false],
    ["half a slot of the stack", [mov(1, 0), stx(10, -8, 1, 0x63), ldx(0, 10, -8, 0x61)], true],
    [
      "the stack, by another register",
      [mov(1, 0), stx(10, -8, 1), movReg(2, 10), [0x07, 2, 0, 0, -16], ldx(0, 2, 8)],
      false,
    ],
    ["a slot that was written over", [mov(1, 0), stx(10, -8, 1), mov(1, 1), stx(10, -8, 1), ldx(0, 10, -8)], true],
    ["a slot that was written over in part", [mov(1, 0), stx(10, -8, 1), stx(10, -5, 1, 0x73), ldx(0, 10, -8)], true],
    ["a slot beside what was written", [mov(1, 0), stx(10, -8, 1), stx(10, -16, 0), ldx(0, 10, -8)], false],
    [
      "a slot that a helper may write to",
      [mov(1, 0), stx(10, -8, 1), movReg(1, 10), [0x07, 1, 0, 0, -16], call(1), ldx(0, 10, -8)],
      true,
    ],
    [
      "a slot behind what a helper writes",
      [mov(1, 0), stx(10, -8, 1), movReg(1, 10), [0x07, 1, 0, 0, -24], mov(2, 16), call(16), ldx(0, 10, -8)],
      false,
    ],
    [
      "a slot within what a helper writes",
      [mov(1, 0), stx(10, -8, 1), movReg(1, 10), [0x07, 1, 0, 0, -24], mov(2, 17), call(16), ldx(0, 10, -8)],
      true,
    ],
    [
      "a slot, after a store by an address that is not known",
      [mov(1, 0), stx(10, -8, 1), ldx(3, 10, -32), stx(3, 0, 1), ldx(0, 10, -8)],
      true,
    ],
    [
      "a slot, after a store to what is no stack",
      [movReg(6, 1), mov(1, 0), stx(10, -8, 1), ldx(3, 6, 0), stx(3, 0, 1), ldx(0, 10, -8)],
      false,
    ],
    ["a slot, after an atomic addition to it", [mov(1, 0), stx(10, -8, 1), [0xdb, 10, 1, -8], ldx(0, 10, -8)], true],
    ["what an atomic operation fetches", [mov(0, 0), [0xdb, 10, 0, -8, 1]], true],
    ["arguments behind a call", [mov(2, 0), call(7), movReg(0, 2)], true],
    ["other registers behind a call", [mov(6, 0), call(7), movReg(0, 6)], false],
    ["memory", [mov(0, 0), ldx(0, 1, 0)], true],
  ])("%s", (_, code, isMarkReached) => {
    const insns = [...code, jeq(0, 0, 1), MARK, EXIT];
    const [slots] = reachedIn(functionOf(insns)) ?? [];
    expect(slots?.at(-2)).toBe(isMarkReached ? "1" : "0");
    expect(slots?.at(-1)).toBe("1");
    const [big] = reachedIn(functionOf(insns, {}, false)) ?? [];
    expect(big).toBe(slots);
  });

  it("does not rely on an instruction whose value is not known", () => {
    const insns = [mov(0, 0), jeq(0, 0, 1), MARK, EXIT];
    expect(reachedIn(functionOf(insns, { unknown: Uint8Array.of(1, 0, 0, 0) }))).toEqual(["1111"]);
    expect(reachedIn(functionOf(insns))).toEqual(["1101"]);
  });
});

it.each<[opcode: number, left: number, right: number, taken: boolean]>([
  [0x15, 1, 1, true],
  [0x15, 1, 2, false],
  [0x55, 1, 2, true],
  [0x55, 1, 1, false],
  [0x25, 2, 1, true],
  [0x25, 1, -1, false],
  [0x35, 1, 1, true],
  [0x35, 0, 1, false],
  [0x45, 6, 2, true],
  [0x45, 6, 1, false],
  [0x65, 1, -1, true],
  [0x65, -1, 1, false],
  [0x75, 1, 1, true],
  [0x75, -2, -1, false],
  [0xa5, 1, -1, true],
  [0xa5, 1, 1, false],
  [0xb5, 1, 1, true],
  [0xb5, -1, 1, false],
  [0xc5, -1, 0, true],
  [0xc5, 0, -1, false],
  [0xd5, -1, -1, true],
  [0xd5, 1, 0, false],
])("takes jump 0x%s of %s and %s: %s", (opcode, left, right, taken) => {
  for (const wide of [opcode, opcode + 1]) {
    const insns = [mov(1, left), [wide, 1, 0, 1, right], EXIT, MARK, ja(0), EXIT] as Insn[];
    expect(reachedIn(functionOf(insns))).toEqual([taken ? "110111" : "111000"]);
    const registers = [mov(1, left), mov(2, right), [wide | 8, 1, 2, 1], EXIT, EXIT] as Insn[];
    expect(reachedIn(functionOf(registers))).toEqual([taken ? "11101" : "11110"]);
  }
});

describe("functions", () => {
  const calling = (target: number, at: number): Partial<CodeFunction> => ({ references: new Map([[at, target]]) });
  const callee = functionOf([jeq(1, 0, 1), MARK, EXIT]);

  it("take what their callers give them", () => {
    const caller = (argument: number) => functionOf([mov(1, argument), call(0), EXIT], calling(1, 1));
    expect(reachedIn(caller(0), callee)).toEqual(["111", "101"]);
    expect(reachedIn(caller(1), callee)).toEqual(["111", "111"]);
    const both = functionOf([mov(1, 0), call(0), mov(1, 1), call(0), EXIT], {
      references: new Map([
        [1, 1],
        [3, 1],
      ]),
    });
    expect(reachedIn(both, callee)).toEqual(["11111", "111"]);
  });

  it("that nobody calls are not reached, but global ones are", () => {
    const caller = functionOf([mov(1, 0), jeq(1, 0, 1), call(0), EXIT], calling(1, 2));
    expect(reachedIn(caller, callee)).toEqual(["1101", "000"]);
    expect(reachedIn(caller, { ...callee, isGlobal: true })).toEqual(["1101", "111"]);
  });

  it("give back what they return, but for global ones", () => {
    const giving = functionOf([mov(0, 0), EXIT]);
    const caller = functionOf([call(0), jeq(0, 0, 1), MARK, EXIT], calling(1, 0));
    expect(reachedIn(caller, giving)).toEqual(["1101", "11"]);
    expect(reachedIn(caller, { ...giving, isGlobal: true })).toEqual(["1111", "11"]);
    const either = functionOf([jeq(1, 0, 2), mov(0, 0), EXIT, mov(0, 1), EXIT]);
    expect(reachedIn(caller, either)).toEqual(["1111", "11111"]);
  });

  it("may write to the stack of a caller who lets them", () => {
    const giving = functionOf([mov(0, 0), EXIT]);
    const code = (argument: Insn) =>
      functionOf(
        [mov(6, 0), stx(10, -8, 6), argument, call(0), ldx(0, 10, -8), jeq(0, 0, 1), MARK, EXIT],
        calling(1, 3),
      );
    expect(reachedIn(code(mov(1, 0)), giving)?.[0]).toBe("11111101");
    expect(reachedIn(code(movReg(1, 10)), giving)?.[0]).toBe("11111111");
  });

  it("are reached where their address is taken", () => {
    const caller = functionOf([[0x18, 2, 4], [0], call(181), EXIT], calling(1, 0));
    expect(reachedIn(caller, callee)).toEqual(["1011", "111"]);
  });

  it("may call themselves, which no verifier takes but which must end", () => {
    expect(reachedIn(functionOf([jeq(1, 5, 1), call(0), EXIT], calling(0, 1)))).toEqual(["111"]);
  });
});

describe("code of any shape", () => {
  it("ends in loops, whatever they count", () => {
    const loop = [mov(1, 0), [0x07, 1, 0, 0, 1], [0x55, 1, 0, -2, 1_000_000], MARK, EXIT] as Insn[];
    expect(reachedIn(functionOf(loop))).toEqual(["11111"]);
  });

  it("may jump out of itself or end without an exit", () => {
    expect(reachedIn(functionOf([ja(100)]))).toEqual(["1"]);
    expect(reachedIn(functionOf([ja(-100)]))).toEqual(["1"]);
    expect(reachedIn(functionOf([mov(0, 0)]))).toEqual(["1"]);
    expect(reachedIn(functionOf([]))).toEqual([""]);
  });

  it("follows long jumps, and those that may or may not be taken", () => {
    expect(reachedIn(functionOf([[0x06, 0, 0, 0, 1], MARK, EXIT]))).toEqual(["101"]);
    expect(reachedIn(functionOf([[0xe5, 0, 0, 1, 0], MARK, EXIT]))).toEqual(["111"]);
  });

  it("is given up where it jumps by a table", () => {
    expect(reachedIn(functionOf([[0x0d, 1], MARK, EXIT]))).toBeNull();
  });

  it("is given up when it takes too long", () => {
    const reached = [new Uint8Array(5)];
    const own = functionOf([mov(0, 0), mov(0, 0), mov(0, 0), mov(0, 0), EXIT]);
    expect(walkProgram([own], [0], reached, { left: 4 })).toBe(false);
    expect(walkProgram([own], [0], reached, { left: 5 })).toBe(true);
  });

  it("keeps paths apart that know different things, up to a number of them", () => {
    // r6 is 0 on one path and r7 on the other, and both are never not.
    const insns: Insn[] = [
      jeq(1, 5, 3),
      mov(6, 0),
      mov(7, 1),
      ja(2),
      mov(6, 1),
      mov(7, 0),
      jeq(6, 0, 2),
      jeq(7, 0, 1),
      MARK,
      EXIT,
    ];
    expect(reachedIn(functionOf(insns))).toEqual(["1111111101"]);
  });
});
