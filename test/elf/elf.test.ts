import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { findSection, openElf, rawSectionBytes } from "../../lib/elf/elf.ts";
import * as format from "../../lib/elf/format.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { sectionBytes } from "../../lib/elf/section-bytes.ts";
import { formatErrorOf } from "../btf/records.ts";
import { concat, elfImage, fields, type ImageOptions, layoutOf, sectionHeaderAt, strings } from "./builder.ts";

const FORMS: readonly (readonly [name: string, options: ImageOptions])[] = [
  ["64 bits, little endian", { is64: true, littleEndian: true }],
  ["64 bits, big endian", { is64: true, littleEndian: false }],
  ["32 bits, little endian", { is64: false, littleEndian: true }],
  ["32 bits, big endian", { is64: false, littleEndian: false }],
];
const DATA = Uint8Array.of(1, 2, 3, 4, 5);
const SECTIONS = [
  { name: ".text", flags: format.SHF_EXECINSTR, address: 0x1000, data: DATA, link: 7, info: 9, entrySize: 8 },
  { name: ".bss", type: format.SHT_NOBITS, size: 4096 },
  { name: ".text", data: Uint8Array.of(9) },
];

function patched(image: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = image.slice();
  change(bytes);
  return bytes;
}

describe.each(FORMS)("an ELF file of %s", (_name, options) => {
  const image = elfImage(SECTIONS, options);

  it("gives header and sections", () => {
    const elf = openElf(image, "x.o");
    expect(elf).toMatchObject({ source: "x.o", ...options, machine: format.EM_BPF, type: format.ET_REL });
    expect(elf.sections.map(({ name }) => name)).toEqual(["", ".text", ".bss", ".text", ".shstrtab"]);
    expect(findSection(elf, ".text")).toMatchObject({
      index: 1,
      type: format.SHT_PROGBITS,
      flags: format.SHF_EXECINSTR,
      address: 0x1000,
      size: 5,
      link: 7,
      info: 9,
      entrySize: 8,
    });
    expect(findSection(elf, ".BTF")).toBeUndefined();
    expect(findSection(elf, "")).toBeUndefined();
  });

  it("gives sections' bytes without a copy, none for what has no bytes in the file", () => {
    const elf = openElf(image);
    const [none, text, bss, second] = elf.sections.map((section) => sectionBytes(elf, section));
    expect(text).toEqual(DATA);
    expect(text?.buffer).toBe(image.buffer);
    expect(second).toEqual(Uint8Array.of(9));
    expect([none?.length, bss?.length]).toEqual([0, 0]);
  });

  it("reads the counts from section 0 when they do not fit the header", () => {
    const elf = openElf(elfImage(SECTIONS, { ...options, extended: true }));
    expect(elf.sections.map(({ name }) => name)).toEqual(openElf(image).sections.map(({ name }) => name));
  });

  it("reads 65,600 sections", () => {
    const many = Array.from({ length: 65_600 }, (_, i) => ({ name: `s${i}` }));
    const elf = openElf(elfImage(many, { ...options, extended: true }));
    expect(elf.sections.length).toBe(65_602);
    expect(findSection(elf, "s65599")?.index).toBe(65_600);
  });

  it("is refused, never misread, wherever it is cut", () => {
    for (let length = 0; length < image.length; length++) {
      const error = formatErrorOf(() => openElf(image.subarray(0, length), "cut.o"));
      expect(error.code).toBe(length < 4 ? "not-elf" : "truncated");
      expect(error.source).toBe("cut.o");
    }
  });

  it("inflates a compressed section, and refuses one that is not what it says", () => {
    const { compressionBytes, chSize } = layoutOf(options);
    const plain = new Uint8Array(5000).fill(7);
    const packed = (algorithm: number, size: number, body: Uint8Array) => {
      const header = new Uint8Array(compressionBytes);
      fields(header, options).word(0, algorithm);
      fields(header, options).address(chSize, size);
      const data = concat(header, body);
      const elf = openElf(elfImage([{ name: ".BTF", flags: format.SHF_COMPRESSED, data }], options));
      return () => sectionBytes(elf, elf.sections[1] ?? expect.fail("no section"));
    };
    const body = new Uint8Array(deflateSync(plain));
    expect(packed(format.ELFCOMPRESS_ZLIB, 5000, body)()).toEqual(plain);
    expect(packed(format.ELFCOMPRESS_ZLIB, 0, new Uint8Array(deflateSync(new Uint8Array(0))))()).toHaveLength(0);
    const bad: readonly (readonly [string, () => unknown, RegExp])[] = [
      ["bad-elf", packed(format.ELFCOMPRESS_ZLIB, 4999, body), /does not inflate to its 4999 bytes/],
      ["bad-elf", packed(format.ELFCOMPRESS_ZLIB, 5001, body), /inflates to 5000 bytes, its header says 5001/],
      ["bad-elf", packed(format.ELFCOMPRESS_ZLIB, 5000, body.subarray(0, 12)), /does not inflate/],
      ["bad-elf", packed(format.ELFCOMPRESS_ZLIB, 5, DATA), /does not inflate/],
      ["bad-elf", packed(format.ELFCOMPRESS_ZSTD, 5000, body), /compressed with zstd/],
      ["bad-elf", packed(77, 5000, body), /compressed with algorithm 77/],
      ["too-large", packed(format.ELFCOMPRESS_ZLIB, 0x7fffffff, body), /claim to be 2147483647/],
    ];
    for (const [code, read, message] of bad)
      expect(formatErrorOf(read)).toMatchObject({ code, message: expect.stringMatching(message) });
    const short = elfImage([{ name: ".BTF", flags: format.SHF_COMPRESSED, data: DATA }], options);
    const elf = openElf(short);
    expect(formatErrorOf(() => sectionBytes(elf, elf.sections[1] ?? expect.fail("no section"))).code).toBe("truncated");
  });
});

describe("a file that is no ELF file, or a broken one", () => {
  const image = elfImage(SECTIONS);
  const layout = format.LAYOUT_64;
  const at = (index: number) => sectionHeaderAt(image, index);
  const names = SECTIONS.length + 1;
  const rows: readonly (readonly [
    what: string,
    code: string,
    offset: number | undefined,
    (bytes: Uint8Array) => void,
  ])[] = [
    ["magic", "not-elf", 0, (b) => b.fill(0, 0, 1)],
    ["class 0", "bad-elf", 4, (b) => b.fill(0, 4, 5)],
    ["class 3", "bad-elf", 4, (b) => b.fill(3, 4, 5)],
    ["byte order 0", "bad-elf", 5, (b) => b.fill(0, 5, 6)],
    ["byte order 3", "bad-elf", 5, (b) => b.fill(3, 5, 6)],
    ["version 0", "bad-elf", 6, (b) => b.fill(0, 6, 7)],
    ["size of section headers", "bad-elf", 58, (b) => fields(b).half(layout.atSectionEntrySize, 40)],
    ["no table, but sections", "bad-elf", 60, (b) => fields(b).address(layout.atSectionOffset, 0)],
    ["table behind the end", "truncated", 40, (b) => fields(b).address(layout.atSectionOffset, b.length)],
    ["table at 2^64 - 1", "truncated", 40, (b) => fields(b).address(layout.atSectionOffset, -1)],
    ["count beyond the end", "truncated", 60, (b) => fields(b).half(layout.atSectionCount, names + 2)],
    ["count 0xffff", "truncated", 60, (b) => fields(b).half(layout.atSectionCount, 0xffff)],
    ["names' index out of range", "bad-elf", 62, (b) => fields(b).half(layout.atNameSection, names + 1)],
    [
      "names' extended index, absent",
      "bad-elf",
      62,
      (b) => {
        fields(b).half(layout.atNameSection, format.SHN_XINDEX);
        fields(b).word(at(0) + layout.shLink, 77);
      },
    ],
    [
      "names without bytes",
      "truncated",
      undefined,
      (b) => fields(b).word(at(names) + format.SH_TYPE, format.SHT_NOBITS),
    ],
    ["names behind the end", "truncated", undefined, (b) => fields(b).address(at(names) + layout.shOffset, b.length)],
    ["names at 2^64 - 1", "truncated", undefined, (b) => fields(b).address(at(names) + layout.shOffset, -1)],
    ["name out of range", "bad-elf", 64, (b) => fields(b).word(at(1) + format.SH_NAME, 0xffff)],
    ["name without NUL", "bad-elf", 256, (b) => fields(b).address(at(names) + layout.shSize, 20)],
  ];
  it.each(rows)("%s: %s", (_what, code, offset, change) => {
    expect(formatErrorOf(() => openElf(patched(image, change), "bad.o"))).toMatchObject({
      code,
      offset,
      source: "bad.o",
    });
  });

  it("too many sections, and too many bytes of names, cost nothing", () => {
    const huge = new Uint8Array(64 + 64 * ((1 << 20) + 1));
    huge.set(image.subarray(0, 64));
    fields(huge).address(layout.atSectionOffset, 64);
    fields(huge).half(layout.atSectionCount, 0);
    fields(huge).address(64 + layout.shSize, (1 << 20) + 1);
    expect(formatErrorOf(() => openElf(huge)).code).toBe("too-large");
    const long = elfImage([{ name: "n".repeat(60_000) }, ...Array.from({ length: 400 }, () => ({ name: "x" }))]);
    for (let i = 2; i < 402; i++) fields(long).word(sectionHeaderAt(long, i), 1);
    expect(formatErrorOf(() => openElf(long))).toMatchObject({ code: "too-large" });
  });

  it("says which section goes beyond the file's end, when it is asked for", () => {
    for (const size of [image.length, -1]) {
      const elf = openElf(
        patched(image, (b) => fields(b).address(at(1) + layout.shSize, size)),
        "bad.o",
      );
      const error = formatErrorOf(() => rawSectionBytes(elf, elf.sections[1] ?? expect.fail("no section")));
      expect(error).toMatchObject({ code: "truncated", source: "bad.o", section: ".text" });
    }
  });

  it("may have no sections, and no names", () => {
    const bare = patched(image.subarray(0, 64), (b) => b.fill(0, layout.atSectionOffset, 48).fill(0, 60, 64));
    expect(openElf(bare).sections).toEqual([]);
    const nameless = openElf(patched(image, (b) => fields(b).half(layout.atNameSection, 0)));
    expect(nameless.sections.map(({ name }) => name)).toEqual(["", "", "", "", ""]);
    expect(findSection(nameless, "")?.index).toBe(1);
  });
});

describe("a real object", () => {
  it("is read at any alignment", () => {
    const bytes = readFileSync(new URL("../fixtures/objects/exec.o", import.meta.url));
    const expected = openElf(bytes).sections;
    const moved = concat(new Uint8Array(3), bytes).subarray(3);
    expect(expected.some(({ name }) => name === ".BTF.ext")).toBe(true);
    expect(openElf(moved).sections).toEqual(expected);
  });

  it("is told by its magic, anywhere", () => {
    const text = concat(strings("x"), Uint8Array.from(format.ELF_MAGIC));
    expect([looksLikeElf(text), looksLikeElf(text, 2), looksLikeElf(text.subarray(0, 5), 2)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});
