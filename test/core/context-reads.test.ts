import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contextReads } from "../../lib/core/context-reads.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { int } from "../btf/builder.ts";
import { buildObject, EXIT, type Insn } from "./object-builder.ts";

/** Instructions with a destination in the upper half of the opcode's word: [opcode, destination, source, offset, immediate]. */
type Line = readonly [code: number, to: number, from: number, off?: number, imm?: number];
const CTX = 1;
const LDX_DW = 0x79;
const LDX_B = 0x71;
const STX_DW = 0x7b;
const ST_DW = 0x7a;
const MOV = 0xbf;
const MOV32 = 0xbc;
const MOV_K = 0xb7;
const ADD_K = 0x07;
const JEQ_K = 0x15;
const JA = 0x05;
const JA32 = 0x06;
const CALL = 0x85;
const LDIMM64 = 0x18;

function reads(lines: readonly Line[], littleEndian = true): number[] | null {
  // The builder writes register 0 for a destination, so the byte is put in afterwards.
  const insns = lines.map(([code, , , off = 0, imm = 0]): Insn => ({ code, off, imm }));
  const programs = [{ name: "prog", insns: [...insns, EXIT], relos: [] }];
  const object = buildObject({ rows: [int("int", 4)], programs, littleEndian });
  const [home] = object.programs;
  const section = object.elf.sections[home?.sectionIndex ?? -1];
  if (home === undefined || section === undefined) throw new Error("no program");
  lines.forEach(([, to, from], i) => {
    const at = section.offset + home.offset + i * 8 + 1;
    object.elf.bytes[at] = littleEndian ? (from << 4) | to : (to << 4) | from;
  });
  const found = contextReads(object, 0);
  return found === null ? null : [...found].sort((a, b) => a - b);
}

describe("what a program reads of its context", () => {
  it.each([
    ["nothing", [], []],
    ["one word", [[LDX_DW, 2, CTX, 16]], [2]],
    ["a part of a word", [[LDX_B, 2, CTX, 15]], [1]],
    ["two words at once", [[LDX_DW, 2, CTX, 4]], [0, 1]],
    [
      "through another register",
      [
        [MOV, 6, CTX],
        [MOV_K, CTX, 0],
        [LDX_DW, 2, 6, 8],
      ],
      [1],
    ],
    [
      "not what is there instead",
      [
        [MOV_K, CTX, 0],
        [LDX_DW, 2, CTX, 8],
      ],
      [],
    ],
    [
      "not through what was loaded",
      [
        [LDX_DW, 2, CTX, 0],
        [LDX_DW, 3, 2, 2432],
      ],
      [0],
    ],
    [
      "not through a register that was loaded over",
      [
        [LDX_DW, CTX, CTX, 0],
        [LDX_DW, 3, CTX, 80],
      ],
      [0],
    ],
    [
      "not behind a call, which leaves r1 to r5 undefined",
      [
        [CALL, 0, 0, 0, 14],
        [LDX_DW, 2, CTX, 8],
      ],
      [],
    ],
    [
      "behind a call, in r6",
      [
        [MOV, 6, CTX],
        [CALL, 0, 0, 0, 14],
        [LDX_DW, 2, 6, 8],
      ],
      [1],
    ],
    [
      "on both ways of a jump",
      [
        [JEQ_K, 2, 0, 2],
        [LDX_DW, 3, CTX, 0],
        [JA, 0, 0, 1],
        [LDX_DW, 3, CTX, 8],
      ],
      [0, 1],
    ],
    [
      "not what no path comes to",
      [
        [JA, 0, 0, 1],
        [LDX_DW, 3, CTX, 0],
        [LDX_DW, 3, CTX, 8],
      ],
      [1],
    ],
    [
      "behind a long jump",
      [
        [JA32, 0, 0, 0, 1],
        [LDX_DW, 3, CTX, 0],
        [LDX_DW, 3, CTX, 8],
      ],
      [1],
    ],
    [
      "in a loop",
      [
        [LDX_DW, 2, 6, 24],
        [MOV, 6, CTX],
        [JEQ_K, 2, 0, -3],
      ],
      [3],
    ],
    [
      "half a register is no address",
      [
        [MOV32, 6, CTX],
        [LDX_DW, 2, 6, 8],
      ],
      [],
    ],
    [
      "a store of something else",
      [
        [STX_DW, 10, 2, -8],
        [ST_DW, 10, 0, -16],
      ],
      [],
    ],
    [
      "beside a 64-bit immediate",
      [
        [LDIMM64, CTX, 0],
        [0, 0, 0],
        [LDX_DW, 2, CTX, 8],
      ],
      [],
    ],
  ] as readonly [string, readonly Line[], number[]][])("%s", (_, lines, words) => {
    expect(reads(lines)).toEqual(words);
    expect(reads(lines, false)).toEqual(words);
  });

  it.each([
    ["on the stack", [[STX_DW, 10, CTX, -8]]],
    ["in arithmetic", [[ADD_K, CTX, 0, 0, 8]]],
    ["in another function", [[CALL, 0, 1, 0, 5]]],
    ["in a kernel function", [[CALL, 0, 2, 0, 5]]],
    ["in a helper that reads by number", [[CALL, 0, 0, 0, 183]]],
    ["behind the end", [[JA, 0, 0, 9]]],
    ["before the beginning", [[JA, 0, 0, -9]]],
    ["in front of it", [[LDX_DW, 2, CTX, -8]]],
    ["in a packet's load", [[0x20, 0, 0]]],
  ] as readonly [string, readonly Line[]][])("is not known where the address gets out of sight: %s", (_, lines) => {
    expect(reads(lines)).toBeNull();
  });

  it("is what compiled programs declare", () => {
    const object = parseBpfObject(readFileSync(join(import.meta.dirname, "../fixtures/objects/sched_switch.o")));
    const at = object.programs.findIndex(({ name }) => name === "sched_switch");
    const words = contextReads(object, at);
    expect(words === null ? null : [...words].sort()).toEqual([1, 2]);
    expect(contextReads(object, 99)).toBeNull();
  });
});
