import { describe, expect, it } from "vitest";
import { btfBytes, readBtfSections } from "../../lib/elf/btf-section.ts";
import * as format from "../../lib/elf/format.ts";
import { blob, formatErrorOf, int } from "../btf/records.ts";
import { elfImage, strings } from "./builder.ts";

const BTF = blob([int("int", 4)]);
const BIG = blob([int("int", 4)], { littleEndian: false });

describe("BTF in files", () => {
  it("is the file itself, of either byte order", () => {
    expect(btfBytes(BTF)).toBe(BTF);
    expect(btfBytes(BIG)).toBe(BIG);
  });

  it("is in a section of vmlinux, a module or an object", () => {
    for (const is64 of [true, false]) {
      for (const littleEndian of [true, false]) {
        const options = { is64, littleEndian, machine: 62, type: 2 };
        const image = elfImage([{ name: ".text" }, { name: ".BTF", data: BTF }], options);
        expect(btfBytes(image)).toEqual(BTF);
        expect(btfBytes(image).buffer).toBe(image.buffer);
        expect(readBtfSections(image)).toEqual({ btf: BTF });
      }
    }
    const all = elfImage([
      { name: ".BTF", data: BTF },
      { name: ".BTF.base", data: BIG },
      { name: ".BTF.ext", data: strings("ext") },
    ]);
    expect(readBtfSections(all)).toEqual({ btf: BTF, btfBase: BIG, btfExt: strings("ext") });
  });

  it("is missing, which is said with what to pass", () => {
    const rows = [[{ name: ".text" }], [{ name: ".BTF" }], [{ name: ".BTF", type: format.SHT_NOBITS, size: 9 }]];
    for (const sections of rows) {
      const image = elfImage(sections);
      expect(readBtfSections(image)).toEqual({});
      const error = formatErrorOf(() => btfBytes(image, "vmlinux"));
      expect(error).toMatchObject({ code: "missing-btf", source: "vmlinux" });
      expect(error.message).toContain("CONFIG_DEBUG_INFO_BTF");
    }
    for (const other of [strings("#!/bin/sh"), new Uint8Array(0), BTF.subarray(0, 3)]) {
      expect(formatErrorOf(() => btfBytes(other, "x"))).toMatchObject({ code: "not-elf", source: "x" });
    }
  });
});
