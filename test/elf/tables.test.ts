import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Elf, type ElfSection, findSection, openElf } from "../../lib/elf/elf.ts";
import * as format from "../../lib/elf/format.ts";
import { isRelocationSection, readRelocations } from "../../lib/elf/relocations.ts";
import { RESERVED_SECTION, readSymbols, symbolBind, symbolName, symbolType } from "../../lib/elf/symbols.ts";
import { formatErrorOf } from "../btf/records.ts";
import { elfImage, fields, type ImageOptions, layoutOf, type SectionSpec, strings, symbolTable } from "./builder.ts";

const FORMS: readonly (readonly [name: string, options: ImageOptions])[] = [
  ["64 bits, little endian", { is64: true, littleEndian: true }],
  ["64 bits, big endian", { is64: true, littleEndian: false }],
  ["32 bits, little endian", { is64: false, littleEndian: true }],
  ["32 bits, big endian", { is64: false, littleEndian: false }],
];
const STRINGS = strings("", "main", "counter");
const GLOBAL_FUNC = (format.STB_GLOBAL << 4) | format.STT_FUNC;
const WEAK_OBJECT = (format.STB_WEAK << 4) | format.STT_OBJECT;

function section(elf: Elf, name: string): ElfSection {
  return findSection(elf, name) ?? expect.fail(`no section ${name}`);
}

/** Sections: 1 .text, 2 .strtab, 3 .symtab, then `more`. */
function withSymbols(symtab: Partial<SectionSpec>, options: ImageOptions = {}, more: SectionSpec[] = []): Elf {
  const image = elfImage(
    [
      { name: ".text", data: new Uint8Array(16) },
      { name: ".strtab", type: format.SHT_STRTAB, data: STRINGS },
      { name: ".symtab", type: format.SHT_SYMTAB, link: 2, entrySize: layoutOf(options).symbolBytes, ...symtab },
      ...more,
    ],
    options,
  );
  return openElf(image, "x.o");
}

describe.each(FORMS)("symbols of %s", (_name, options) => {
  it("are read as columns", () => {
    const data = symbolTable(
      [
        { name: 1, value: 8, size: 16, info: GLOBAL_FUNC, section: 1 },
        { name: 6, value: 4, size: 2, info: WEAK_OBJECT, section: format.SHN_ABS },
        { name: 0, section: format.SHN_UNDEF },
      ],
      options,
    );
    const symbols = readSymbols(withSymbols({ data }, options));
    expect(symbols.count).toBe(4);
    expect([1, 2, 3].map((i) => symbolName(symbols, i))).toEqual(["main", "counter", ""]);
    expect([...symbols.values]).toEqual([0, 8, 4, 0]);
    expect([...symbols.sizes]).toEqual([0, 16, 2, 0]);
    expect([...symbols.sections]).toEqual([0, 1, RESERVED_SECTION + format.SHN_ABS, 0]);
    expect([symbolBind(symbols, 1), symbolType(symbols, 1)]).toEqual([format.STB_GLOBAL, format.STT_FUNC]);
    expect([symbolBind(symbols, 2), symbolType(symbols, 2)]).toEqual([format.STB_WEAK, format.STT_OBJECT]);
  });

  it("have extended section indexes", () => {
    const data = symbolTable(
      [
        { name: 1, section: 1 },
        { name: 6, section: format.SHN_XINDEX },
      ],
      options,
    );
    const indexes = new Uint8Array(12);
    fields(indexes, options).word(8, 2);
    const extended = (link: number, bytes: Uint8Array) => [
      { name: ".symtab_shndx", type: format.SHT_SYMTAB_SHNDX, link, data: bytes },
    ];
    const symbols = readSymbols(withSymbols({ data }, options, extended(3, indexes)));
    expect([...symbols.sections]).toEqual([0, 1, 2]);
    const bad: readonly (readonly [SectionSpec[], RegExp])[] = [
      [[], /extended section index, but none is there/],
      [extended(2, indexes), /extended section index, but none is there/],
      [extended(3, indexes.subarray(0, 11)), /extended section index, but none is there/],
    ];
    for (const [more, message] of bad) {
      expect(formatErrorOf(() => readSymbols(withSymbols({ data }, options, more))).message).toMatch(message);
    }
    fields(indexes, options).word(8, 99);
    const far = withSymbols({ data }, options, extended(3, indexes));
    expect(formatErrorOf(() => readSymbols(far)).message).toMatch(/symbol 2 is in section 99, but there are 6/);
  });
});

describe.each(FORMS)("relocations of %s", (_name, options) => {
  const { is64 = true, littleEndian = true } = options;
  const word = is64 ? 8 : 4;
  function entries(withAddend: boolean): Uint8Array {
    const entryBytes = word * (withAddend ? 3 : 2);
    const bytes = new Uint8Array(2 * entryBytes);
    const view = new DataView(bytes.buffer);
    const write = fields(bytes, options);
    [
      { offset: 24, symbol: 3, type: 10, addend: -8 },
      { offset: 0x1000, symbol: 0xabcdef, type: 1, addend: 5 },
    ].forEach(({ offset, symbol, type, addend }, i) => {
      const at = i * entryBytes;
      write.address(at, offset);
      if (is64) view.setBigUint64(at + word, (BigInt(symbol) << 32n) | BigInt(type), littleEndian);
      else write.word(at + word, symbol * 256 + type);
      if (withAddend) write.address(at + 2 * word, is64 ? addend : addend >>> 0);
    });
    return bytes;
  }

  it.each([
    ["REL", format.SHT_REL, false, [0, 0]],
    ["RELA", format.SHT_RELA, true, [-8, 5]],
  ])("%s are read as columns", (_kind, type, withAddend, addends) => {
    const data = entries(withAddend);
    const spec = { name: ".rel", type, data, entrySize: data.length / 2, link: 3, info: 1 };
    const elf = withSymbols({}, options, [spec]);
    const found = readRelocations(elf, section(elf, ".rel"));
    expect(found).toMatchObject({ count: 2, target: 1, symbolTable: 3 });
    expect([...found.offsets]).toEqual([24, 0x1000]);
    expect([...found.symbols]).toEqual([3, 0xabcdef]);
    expect([...found.types]).toEqual([10, 1]);
    expect([...found.addends]).toEqual(addends);
  });

  it("are refused when they are not whole, or relocate nothing", () => {
    const data = entries(false);
    const rows: readonly (readonly [Partial<SectionSpec>, RegExp])[] = [
      [{ data: data.subarray(1) }, /bytes of relocations of/],
      [{ entrySize: 1 }, /bytes of relocations of 1, expected/],
      [{ type: format.SHT_RELA }, /bytes of relocations of/],
      [{ info: 6 }, /relocates section 6, but there are 6/],
      [{ type: format.SHT_PROGBITS }, /neither REL nor RELA/],
    ];
    for (const [change, message] of rows) {
      const spec = { name: ".rel", type: format.SHT_REL, data, entrySize: word * 2, info: 5, ...change };
      const elf = withSymbols({}, options, [spec]);
      const error = formatErrorOf(() => readRelocations(elf, section(elf, ".rel")));
      expect(error).toMatchObject({ code: "bad-elf", source: "x.o", section: ".rel" });
      expect(error.message).toMatch(message);
    }
  });
});

describe("a broken symbol table", () => {
  const good = symbolTable([{ name: 1, section: 1 }]);
  const rows: readonly (readonly [what: string, Partial<SectionSpec>, RegExp])[] = [
    ["half a symbol", { data: good.subarray(0, 40) }, /40 bytes of symbols of 24/],
    ["size of a symbol", { data: good, entrySize: 16 }, /symbols of 16, expected 24/],
    ["strings out of range", { data: good, link: 9 }, /strings should be in section 9, no string table/],
    ["strings in no string table", { data: good, link: 1 }, /strings should be in section 1/],
    ["name out of range", { data: symbolTable([{ name: 14 }]) }, /its name at 14, but the string table ends at 14/],
    ["section out of range", { data: symbolTable([{ name: 1, section: 5 }]) }, /is in section 5, but there are 5/],
  ];
  it.each(rows)("%s", (_what, change, message) => {
    const error = formatErrorOf(() => readSymbols(withSymbols(change)));
    expect(error).toMatchObject({ code: "bad-elf", source: "x.o", section: ".symtab" });
    expect(error.message).toMatch(message);
  });

  it("has strings without a NUL at the end", () => {
    const elf = openElf(
      elfImage([
        { name: ".strtab", type: format.SHT_STRTAB, data: STRINGS.subarray(0, 4) },
        { name: ".symtab", type: format.SHT_SYMTAB, link: 1, entrySize: 24, data: good },
      ]),
    );
    expect(formatErrorOf(() => readSymbols(elf))).toMatchObject({ code: "bad-elf", section: ".strtab", offset: 3 });
  });

  it("is another section", () => {
    const elf = withSymbols({ data: good });
    expect(formatErrorOf(() => readSymbols(elf, section(elf, ".text"))).message).toMatch(/is no symbol table/);
    expect(readSymbols(elf, section(elf, ".symtab")).count).toBe(2);
  });

  it("need not be there", () => {
    expect(readSymbols(openElf(elfImage([{ name: ".text" }]))).count).toBe(0);
  });
});

describe("a real object and its big-endian twin", () => {
  const open = (directory: string) =>
    openElf(readFileSync(new URL(`../fixtures/${directory}/exec.o`, import.meta.url)));
  it("have the same symbols and relocations", () => {
    const [little, big] = [open("objects"), open("objects-be")];
    const functions = (elf: Elf) => {
      const symbols = readSymbols(elf);
      return Array.from({ length: symbols.count }, (_, i) => i)
        .filter((i) => symbolType(symbols, i) === format.STT_FUNC)
        .map((i) => `${symbolName(symbols, i)} ${symbols.values[i]}+${symbols.sizes[i]}`);
    };
    expect(functions(little).length).toBeGreaterThan(0);
    expect(functions(big)).toEqual(functions(little));
    const relocations = (elf: Elf) =>
      elf.sections
        .filter(isRelocationSection)
        .filter(({ name }) => !name.includes("BTF"))
        .map(
          (at) =>
            `${at.name} ${[...readRelocations(elf, at).offsets].join(" ")} ${[...readRelocations(elf, at).types]}`,
        );
    expect(relocations(little).length).toBeGreaterThan(0);
    expect(relocations(big)).toEqual(relocations(little));
  });
});
