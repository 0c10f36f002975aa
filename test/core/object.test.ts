import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseBpfObject } from "../../lib/core/object.ts";
import { RELO_KIND_NAMES } from "../../lib/core/relo-kind.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { AT_MACHINE, AT_TYPE, LAYOUT_64, SHT_SYMTAB } from "../../lib/elf/format.ts";
import { formatErrorOf, int } from "../btf/records.ts";
import { bpfObject } from "../elf/builder.ts";
import { EXIT, LDX_W, MOV_K, type ObjectParts, objectBytes, type Program } from "./object-builder.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
interface Listed {
  readonly file: string;
  readonly target: string;
  readonly btf: boolean;
  readonly relocations: { readonly total: number; readonly byKind: Readonly<Record<string, number>> };
}
const { objects } = JSON.parse(readFileSync(new URL("manifest.json", FIXTURES), "utf8")) as { objects: Listed[] };
const parse = (file: string) => parseBpfObject(readFileSync(new URL(file, FIXTURES)), file);
/** The manifest counts with the short name that older libbpf prints. */
const nameOfKind = (kind: number): string => (RELO_KIND_NAMES[kind] ?? "?").replace("field_exists", "exists");

describe("compilers' and linkers' objects", () => {
  it.each(objects)("$file", ({ file, target, btf, relocations }) => {
    const object = parse(file);
    const byKind: Record<string, number> = {};
    for (const { kind } of object.relocations) byKind[nameOfKind(kind)] = (byKind[nameOfKind(kind)] ?? 0) + 1;
    expect(object.btf !== null).toBe(btf);
    expect({ total: object.relocations.length, byKind }).toEqual(relocations);
    expect(object.littleEndian).toBe(target !== "bpfeb");
    for (const { program, section, insnOffset } of object.relocations) {
      const home = object.programs[program];
      expect(home?.section).toBe(section);
      expect(insnOffset).toBeGreaterThanOrEqual(home?.offset ?? Number.POSITIVE_INFINITY);
      expect(insnOffset).toBeLessThan((home?.offset ?? 0) + (home?.size ?? 0));
    }
  });
  it("may be for no machine, as old LLVM has it", () => {
    expect(parseBpfObject(withHeader(AT_MACHINE, 0)).programs).toHaveLength(1);
  });
  it("may have no programs", () => {
    expect(parse("objects/no_programs.o").programs).toEqual([]);
  });
});

const program = (change: Partial<Program> = {}): Program => ({
  name: "prog",
  insns: [LDX_W, EXIT],
  relos: [{ kind: 0, typeId: 1, access: "0" }],
  ...change,
});
const parts = (change: Partial<ObjectParts> = {}): ObjectParts => ({
  rows: [int("int", 4)],
  programs: [program()],
  ...change,
});

describe("programs", () => {
  it("follow their place, not the symbol table, and take the relocations inside them", () => {
    const first = program({
      name: "z",
      insns: [MOV_K, MOV_K, EXIT],
      relos: [{ kind: 0, typeId: 1, access: "0", insn: 1 }],
    });
    const object = parseBpfObject(
      objectBytes(parts({ programs: [first, program({ name: "a" }), program({ name: "m", section: "other" })] })),
    );
    expect(object.programs.map(({ name, section, offset, size }) => [name, section, offset, size])).toEqual([
      ["z", "socket", 0, 24],
      ["a", "socket", 24, 16],
      ["m", "other", 0, 16],
    ]);
    expect(
      object.relocations.map(({ index, section, insnOffset, program: at }) => [index, section, insnOffset, at]),
    ).toEqual([
      [0, "socket", 8, 0],
      [1, "socket", 24, 1],
      [2, "other", 0, 2],
    ]);
  });
  it("need not cover an instruction with a relocation", () => {
    const object = parseBpfObject(
      objectBytes(parts({ programs: [program({ relos: [{ kind: 0, typeId: 1, access: "0", insn: 5 }] })] })),
    );
    expect(object.relocations.map((relocation) => relocation.program)).toEqual([-1]);
  });
});

const BAD: [name: string, bytes: () => Uint8Array, code: string, message: RegExp][] = [
  ["nothing", () => new Uint8Array(0), "not-elf", /./],
  ["no ELF file", () => new TextEncoder().encode("#!/bin/sh\n".repeat(20)), "not-elf", /./],
  [
    "another machine's",
    () => withHeader(AT_MACHINE, 62),
    "bad-elf",
    /not a BPF object: the ELF file is for machine 62, BPF is 247/,
  ],
  [
    "an executable",
    () => withHeader(AT_TYPE, 2),
    "bad-elf",
    /not a BPF object: the ELF file is of type 2, objects are of type 1/,
  ],
  ["an ELF file of 32 bits", () => bpfObject([], { is64: false }), "bad-elf", /not a BPF object: .* of 32 bits/],
  ["a cut-off file", () => objectBytes(parts()).subarray(0, 300), "truncated", /./],
  ["a root type that is void", () => withRelo({ typeId: 0 }), "bad-relocation", /root type 0, but the last one is 1/],
  ["a root type behind the last", () => withRelo({ typeId: 2 }), "bad-relocation", /root type 2/],
  [
    "a relocation inside an instruction",
    () => withRelo({ insn: 0.5 }),
    "bad-relocation",
    /is at 4, not a multiple of 8/,
  ],
  [
    "a program that goes beyond its section",
    () => withSymbol(0, 24),
    "bad-instruction",
    /^file\.o: socket, offset 0x0: program prog is at 0 \+ 24, which is no run of instructions in 16 bytes$/,
  ],
  ["a program of half an instruction", () => withSymbol(0, 12), "bad-instruction", /prog is at 0 \+ 12/],
  ["a program inside an instruction", () => withSymbol(4, 8), "bad-instruction", /prog is at 4 \+ 8/],
];

/** The only function's symbol. */
function withSymbol(offset: number, size: number): Uint8Array {
  const bytes = objectBytes(parts());
  const table = openElf(bytes).sections.find(({ type }) => type === SHT_SYMTAB);
  const { stValue, stSize, symbolBytes } = LAYOUT_64;
  const view = new DataView(bytes.buffer);
  view.setBigUint64((table?.offset ?? 0) + symbolBytes + stValue, BigInt(offset), true);
  view.setBigUint64((table?.offset ?? 0) + symbolBytes + stSize, BigInt(size), true);
  return bytes;
}

function withHeader(at: number, value: number): Uint8Array {
  const bytes = objectBytes(parts());
  new DataView(bytes.buffer).setUint16(at, value, true);
  return bytes;
}

function withRelo(change: { typeId?: number; insn?: number }): Uint8Array {
  return objectBytes(parts({ programs: [program({ relos: [{ kind: 0, typeId: 1, access: "0", ...change }] })] }));
}

describe("what is refused", () => {
  it.each(BAD)("%s", (_, bytes, code, message) => {
    const error = formatErrorOf(() => parseBpfObject(bytes(), "file.o"));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^file\.o: [^\n]+$/);
  });
  it("a string of a relocation behind the end of the strings", () => {
    const bytes = objectBytes(parts());
    const access = findWords(bytes, [16, 7, 1]);
    new DataView(bytes.buffer).setUint32(access + 20, 0x10000, true);
    expect(formatErrorOf(() => parseBpfObject(bytes, "x")).message).toMatch(/has a string at 65536/);
  });
});

/** Byte offset of some 32-bit words in a file. */
function findWords(bytes: Uint8Array, words: readonly number[]): number {
  const wanted = Buffer.from(new Uint8Array(Uint32Array.from(words).buffer));
  const at = Buffer.from(bytes).indexOf(wanted);
  if (at < 0) throw new Error("not in the file");
  return at;
}
