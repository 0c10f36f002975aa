import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findBpfObjects, isBpfElf } from "../../lib/elf/embedded.ts";
import * as format from "../../lib/elf/format.ts";
import { formatErrorOf } from "../btf/records.ts";
import { bpfObject, concat, elfImage, fields, sectionHeaderAt, strings, symbolTable } from "./builder.ts";

const CODE = { name: "socket", flags: format.SHF_EXECINSTR, data: new Uint8Array(16) };
const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url));

/** An object that knows its source file; `content` tells it from others. */
function named(file: string, content = 0): Uint8Array {
  const options = {};
  const text = strings("", file);
  return bpfObject(
    [
      { name: ".strtab", type: format.SHT_STRTAB, data: text },
      {
        name: ".symtab",
        type: format.SHT_SYMTAB,
        link: 2,
        entrySize: 24,
        data: symbolTable([{ name: 1, info: format.STT_FILE, section: format.SHN_ABS }], options),
      },
      { name: "data", data: Uint8Array.of(content) },
    ],
    options,
  );
}

function summary(bytes: Uint8Array, source = "dir/tool"): string[] {
  return findBpfObjects(bytes, source).map(({ name, offset, bytes: object }) => `${name} ${offset}+${object.length}`);
}

describe("a file that is a BPF object", () => {
  it("is returned as it is, of either class and byte order, also when it is broken", () => {
    for (const bytes of [bpfObject(), bpfObject([], { littleEndian: false }), bpfObject([], { is64: false })]) {
      expect(isBpfElf(bytes)).toBe(true);
      expect(findBpfObjects(bytes, "x.o")).toEqual([{ name: "x.o", source: "x.o", offset: 0, bytes }]);
    }
    expect(findBpfObjects(bpfObject().subarray(0, 40), "x.o")).toHaveLength(1);
  });

  it("may be for no machine, as old LLVM has it, where nothing else speaks against it", () => {
    const old = bpfObject([CODE], { machine: 0 });
    expect(findBpfObjects(old, "x.o")).toEqual([{ name: "x.o", source: "x.o", offset: 0, bytes: old }]);
    expect([old, bpfObject([], { machine: 0, littleEndian: false })].map(isBpfElf)).toEqual([true, true]);
    const others = [bpfObject([], { machine: 0, type: 2 }), bpfObject([], { machine: 0, is64: false })];
    expect(others.map(isBpfElf)).toEqual([false, false]);
    // In another file it may be anything.
    expect(findBpfObjects(concat(strings("abc"), old), "tool")).toEqual([]);
  });

  it("is not any ELF file", () => {
    const rows = [elfImage([CODE], { machine: 62 }), bpfObject().subarray(0, 19), strings("text"), new Uint8Array(0)];
    expect(rows.map(isBpfElf)).toEqual([false, false, false, false]);
    expect(rows.map((bytes) => findBpfObjects(bytes, "x"))).toEqual([[], [], [], []]);
  });
});

describe("objects in another file", () => {
  it("are found at any offset, in either byte order, as views of the file", () => {
    const little = bpfObject([CODE]);
    const big = bpfObject([CODE], { littleEndian: false });
    const file = concat(strings("abc"), little, strings("de"), big, Uint8Array.from(format.ELF_MAGIC));
    const found = findBpfObjects(file, "dir/tool");
    expect(found.map(({ name, offset }) => [name, offset])).toEqual([
      ["dir/tool#bpf0", 4],
      ["dir/tool#bpf1", 7 + little.length],
    ]);
    expect(found.map(({ bytes }) => bytes)).toEqual([little, big]);
    expect(found.every(({ bytes, source }) => bytes.buffer === file.buffer && source === "dir/tool")).toBe(true);
  });

  it("are not found again inside another, nor when they are equal to an earlier one", () => {
    const inner = bpfObject([CODE]);
    const outer = bpfObject([{ name: ".rodata", data: inner }]);
    const other = bpfObject([{ ...CODE, data: new Uint8Array(16).fill(1) }]);
    expect(other.length).toBe(inner.length);
    const file = concat(strings(""), outer, inner, other, outer, inner);
    const from = 1 + outer.length;
    expect(summary(file)).toEqual([
      `dir/tool#bpf0 1+${outer.length}`,
      `dir/tool#bpf1 ${from}+${inner.length}`,
      `dir/tool#bpf2 ${from + inner.length}+${other.length}`,
    ]);
  });

  it("reach to the end of their last section when that lies behind the section table", () => {
    const object = bpfObject([CODE]);
    const longer = concat(object, new Uint8Array(32));
    fields(longer).address(sectionHeaderAt(longer, 2) + format.LAYOUT_64.shOffset, object.length + 16);
    expect(summary(concat(strings(""), longer, new Uint8Array(8)))).toEqual([`dir/tool#tool 1+${longer.length}`]);
  });
});

describe("what looks like an object but is none", () => {
  const good = bpfObject([CODE]);
  const { atSectionOffset, atSectionCount, atNameSection, atSectionEntrySize, shOffset, shSize } = format.LAYOUT_64;
  const names = sectionHeaderAt(good, 3);
  const rows: readonly (readonly [what: string, (bytes: Uint8Array) => void])[] = [
    ["32 bits", (b) => b.fill(1, 4, 5)],
    ["byte order", (b) => b.fill(3, 5, 6)],
    ["version", (b) => b.fill(2, 6, 7)],
    ["e_version", (b) => fields(b).word(format.AT_VERSION, 2)],
    ["an executable", (b) => fields(b).half(format.AT_TYPE, 2)],
    ["another machine", (b) => fields(b).half(format.AT_MACHINE, 62)],
    ["size of section headers", (b) => fields(b).half(atSectionEntrySize, 40)],
    ["one section", (b) => fields(b).half(atSectionCount, 1)],
    ["too many sections", (b) => fields(b).half(atSectionCount, 0xfeff)],
    ["reserved number of sections", (b) => fields(b).half(atSectionCount, 0xffff)],
    ["no names", (b) => fields(b).half(atNameSection, 0)],
    ["names out of range", (b) => fields(b).half(atNameSection, 4)],
    ["table in the header", (b) => fields(b).address(atSectionOffset, 32)],
    ["table behind the end", (b) => fields(b).address(atSectionOffset, b.length)],
    ["section 0 in use", (b) => fields(b).word(sectionHeaderAt(b, 0) + format.SH_TYPE, 1)],
    ["another null section", (b) => fields(b).word(sectionHeaderAt(b, 1) + format.SH_TYPE, 0)],
    ["section behind the end", (b) => fields(b).address(sectionHeaderAt(b, 1) + shOffset, b.length)],
    ["section of 2^64 - 1 bytes", (b) => fields(b).address(sectionHeaderAt(b, 1) + shSize, -1)],
    ["names in no string table", (b) => fields(b).word(names + format.SH_TYPE, 1)],
    ["names without bytes", (b) => fields(b).address(names + shSize, 0)],
    ["names without NUL", (b) => fields(b).address(names + shSize, 5)],
    ["name out of range", (b) => fields(b).word(sectionHeaderAt(b, 1), 0xfff)],
  ];
  it.each(rows)("%s", (_what, change) => {
    const bad = good.slice();
    change(bad);
    expect(summary(concat(strings(""), good))).toHaveLength(1);
    expect(summary(concat(strings(""), bad))).toEqual([]);
  });

  it("has nothing that a BPF object has", () => {
    const inside = (name: string, flags = 0, data = Uint8Array.of(1)) =>
      summary(concat(strings(""), elfImage([{ name, flags, data }]))).length;
    expect([".BTF", ".maps", "license", ".text"].map((name) => inside(name))).toEqual([1, 1, 1, 0]);
    expect([inside("x", format.SHF_EXECINSTR), inside(".text", format.SHF_EXECINSTR, new Uint8Array(0))]).toEqual([
      1, 0,
    ]);
  });

  it("is a file full of magic numbers, or of headers that share their sections", () => {
    const magics = new Uint8Array(Buffer.alloc(1_000_000, Uint8Array.from(format.ELF_MAGIC)));
    expect(findBpfObjects(magics.subarray(1), "x")).toEqual([]);
    // Each header claims the same 20,000 sections behind all of them, of which the last is bad.
    const sections = 20_000;
    const headers = 2_000;
    const file = new Uint8Array(headers * 64 + sections * 64);
    for (let i = 0; i < headers; i++) {
      file.set(good.subarray(0, 64), i * 64);
      const write = fields(file.subarray(i * 64));
      write.address(atSectionOffset, (headers - i) * 64);
      write.half(atSectionCount, sections);
      write.half(atNameSection, 1);
    }
    for (let i = 1; i < sections - 1; i++) fields(file).word(headers * 64 + i * 64 + format.SH_TYPE, format.SHT_NOBITS);
    const error = formatErrorOf(() => findBpfObjects(concat(strings(""), file), "hostile"));
    expect(error).toMatchObject({ code: "too-large", source: "hostile" });
  });

  it("is a file with more objects than any has", () => {
    const many = concat(strings(""), ...Array.from({ length: 4097 }, () => good));
    expect(formatErrorOf(() => findBpfObjects(many, "hostile")).code).toBe("too-large");
    expect(findBpfObjects(many.subarray(0, many.length - good.length), "x")).toHaveLength(1);
  });
});

describe("names of embedded objects", () => {
  it.each([
    ["src/opensnoop.bpf.c", "opensnoop"],
    ["tool.c", "tool"],
    ["probe.rs", "probe"],
    ["a b\u001b[1m.c", "a_b__1m"],
    ["..", "x"],
    [`${"n".repeat(100)}.c`, "n".repeat(64)],
  ])("the source file %j gives %s", (file, name) => {
    expect(findBpfObjects(concat(strings(""), named(file)), "dir/x")[0]?.name).toBe(`dir/x#${name}`);
  });

  it("are made distinct in the order of offsets", () => {
    const file = concat(strings(""), named("a.c", 0), named("a.c", 1), bpfObject([CODE]), named("a.c", 2));
    expect(findBpfObjects(file, "x").map(({ name }) => name)).toEqual(["x#a", "x#a.1", "x#bpf2", "x#a.2"]);
  });

  it.each([
    ["_binary_probe_bpf_o_start", "probe"],
    ["opensnoop_bpf__elf_bytes.1234", "opensnoop"],
    ["probe_data", "probe_data"],
    ["data.0", "tool"],
    [".Lanon.17", "tool"],
    ["", "tool"],
  ])("the container's symbol %j gives %s", (symbol, name) => {
    for (const type of [format.ET_REL, 2]) {
      const address = type === format.ET_REL ? 0 : 0x400000;
      const container = elfImage(
        [
          { name: ".rodata", address, data: concat(strings("ab"), bpfObject([CODE])) },
          { name: ".strtab", type: format.SHT_STRTAB, data: strings("", symbol, "other") },
          {
            name: ".symtab",
            type: format.SHT_SYMTAB,
            link: 2,
            entrySize: 24,
            data: symbolTable([
              { name: symbol.length + 2, value: address, section: 1 },
              { name: 1, value: address + 3, section: 1 },
            ]),
          },
        ],
        { machine: 62, type },
      );
      expect(findBpfObjects(container, "dir/tool").map((object) => object.name)).toEqual([`dir/tool#${name}`]);
    }
  });

  it("do without the container's symbols when they are broken", () => {
    const rodata = { name: ".rodata", data: bpfObject([CODE]) };
    const symtab = { name: ".symtab", type: format.SHT_SYMTAB, link: 9, entrySize: 24, data: new Uint8Array(24) };
    expect(findBpfObjects(elfImage([rodata, symtab], { machine: 62 }), "tool")[0]?.name).toBe("tool#tool");
  });
});

describe("real programs", () => {
  it("a skeleton's objects have the names of their sources and the bytes of the originals", () => {
    const found = findBpfObjects(fixture("embedded/skeleton"), "skeleton");
    expect(found.map(({ name }) => name)).toEqual(["skeleton#exec", "skeleton#lsm_exec"]);
    expect(found.map(({ bytes }) => Buffer.from(bytes))).toEqual([
      fixture("objects/exec.o"),
      fixture("objects/lsm_exec.o"),
    ]);
  });

  it("objects of both byte orders lie at odd offsets behind a stray magic number", () => {
    const found = findBpfObjects(fixture("embedded/go-embed"), "go");
    expect(found.map(({ name, offset }) => [name, offset % 2])).toEqual([
      ["go#tcp_connect", 1],
      ["go#tcp_connect.1", 1],
    ]);
    expect(found.map(({ bytes }) => Buffer.from(bytes))).toEqual([
      fixture("objects/tcp_connect.o"),
      fixture("objects-be/tcp_connect.o"),
    ]);
  });
});
