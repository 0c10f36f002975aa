import { describe, expect, it } from "vitest";
import { patchInstruction } from "../../lib/core/patch.ts";
import type { ReloValue } from "../../lib/core/value.ts";
import { encodeInsns, type Insn } from "./object-builder.ts";

const BASE: ReloValue = {
  original: 4n,
  value: 8n,
  poison: false,
  validate: true,
  badResize: false,
  originalSize: 0,
  size: 0,
};
const POISON: Insn = { code: 0x85, imm: 195896080 };
const TAIL: Insn = { code: 0x95 };

/** What patching makes of the first instruction; the last one must stay. */
function patched(insns: readonly Insn[], value: Partial<ReloValue>, littleEndian: boolean) {
  const code = encodeInsns([...insns, TAIL], littleEndian);
  const outcome = patchInstruction(code, 0, { ...BASE, ...value }, littleEndian);
  return { outcome, code };
}

type Good = [name: string, before: readonly Insn[], value: Partial<ReloValue>, after: readonly Insn[]];
const RESIZED = { originalSize: 4, size: 8 };
const WIDE = (low: number, high: number): Insn[] => [
  { code: 0x18, imm: low },
  { code: 0, imm: high },
];
const GOOD: Good[] = [
  ["ALU64 mov K", [{ code: 0xb7, imm: 4 }], {}, [{ code: 0xb7, imm: 8 }]],
  ["ALU32 mov K", [{ code: 0xb4, imm: 4 }], {}, [{ code: 0xb4, imm: 8 }]],
  ["ALU64 add K", [{ code: 0x07, imm: 4 }], {}, [{ code: 0x07, imm: 8 }]],
  [
    "ALU of a negative number",
    [{ code: 0xb7, imm: -1 }],
    { original: 2n ** 64n - 1n, value: 2n ** 64n - 2n },
    [{ code: 0xb7, imm: -2 }],
  ],
  ["ALU keeps the low 32 bits", [{ code: 0xb7, imm: 4 }], { value: 2n ** 32n + 7n }, [{ code: 0xb7, imm: 7 }]],
  ["ALU of another number, not checked", [{ code: 0xb7, imm: 5 }], { validate: false }, [{ code: 0xb7, imm: 8 }]],
  ["LDX W", [{ code: 0x61, off: 4 }], {}, [{ code: 0x61, off: 8 }]],
  ["LDX H", [{ code: 0x69, off: 4 }], {}, [{ code: 0x69, off: 8 }]],
  ["LDX B", [{ code: 0x71, off: 4 }], {}, [{ code: 0x71, off: 8 }]],
  ["LDX DW", [{ code: 0x79, off: 4 }], {}, [{ code: 0x79, off: 8 }]],
  ["ST keeps its number", [{ code: 0x62, off: 4, imm: 77 }], {}, [{ code: 0x62, off: 8, imm: 77 }]],
  ["STX keeps its register", [{ code: 0x63, off: 4, src: 3 }], {}, [{ code: 0x63, off: 8, src: 3 }]],
  ["the greatest offset", [{ code: 0x61, off: 4 }], { value: 32767n }, [{ code: 0x61, off: 32767 }]],
  ["LDX W to DW", [{ code: 0x61, off: 4 }], RESIZED, [{ code: 0x79, off: 8 }]],
  ["LDX DW to B", [{ code: 0x79, off: 4 }], { originalSize: 8, size: 1 }, [{ code: 0x71, off: 8 }]],
  ["LDX DW to H", [{ code: 0x79, off: 4 }], { originalSize: 8, size: 2 }, [{ code: 0x69, off: 8 }]],
  ["an atomic STX keeps its mode", [{ code: 0xc3, off: 4 }], RESIZED, [{ code: 0xdb, off: 8 }]],
  ["sizes do not concern ALU", [{ code: 0xb7, imm: 4 }], { ...RESIZED, badResize: true }, [{ code: 0xb7, imm: 8 }]],
  ["LDIMM64, both halves", WIDE(4, 0), { value: (9n << 32n) | 8n }, WIDE(8, 9)],
  ["LDIMM64 of a negative number", WIDE(-1, -1), { original: 2n ** 64n - 1n, value: 1n }, WIDE(1, 0)],
  ["LDIMM64 of another number, not checked", WIDE(1, 1), { validate: false }, WIDE(8, 0)],
];

type Bad = [name: string, before: readonly Insn[], value: Partial<ReloValue>, failure: RegExp];
const BAD: Bad[] = [
  ["ALU of a register", [{ code: 0xbf, imm: 4 }], {}, /register, not a number/],
  ["ALU of another number", [{ code: 0xb7, imm: 5 }], {}, /has 5, but the relocation expects 4 \(to become 8\)/],
  ["LDX at another offset", [{ code: 0x61, off: 5 }], {}, /has 5, but the relocation expects 4/],
  [
    "an offset that is too great",
    [{ code: 0x61, off: 4 }],
    { value: 32768n },
    /32768 is more than a load or store can have/,
  ],
  [
    "too great and of a bad size: the offset counts",
    [{ code: 0x61, off: 4 }],
    { value: 32768n, badResize: true },
    /is more than/,
  ],
  ["a load of another size", [{ code: 0x79, off: 4 }], RESIZED, /moves 8 bytes, but the field has 4/],
  ["a size that no load has", [{ code: 0x61, off: 4 }], { originalSize: 4, size: 3 }, /no instruction moves 3 bytes/],
  ["LDIMM64 of another number", WIDE(4, 1), {}, /has 4294967300, but the relocation expects 4/],
  ["LDIMM64 of a map", [{ code: 0x18, imm: 4, src: 1 }, { code: 0 }], {}, /not a plain 64-bit immediate/],
  ["LDIMM64 with an offset", [{ code: 0x18, imm: 4, off: 1 }, { code: 0 }], {}, /not a plain/],
  ["LDIMM64 whose second half is an instruction", [{ code: 0x18, imm: 4 }, { code: 0xb7 }], {}, /not a plain/],
  [
    "LDIMM64 whose second half has a register",
    [
      { code: 0x18, imm: 4 },
      { code: 0, src: 1 },
    ],
    {},
    /not a plain/,
  ],
  [
    "LDIMM64 whose second half has an offset",
    [
      { code: 0x18, imm: 4 },
      { code: 0, off: 1 },
    ],
    {},
    /not a plain/,
  ],
  ["another LD", [{ code: 0x20, imm: 4 }, { code: 0 }], {}, /not a plain/],
  ["a jump", [{ code: 0x05, off: 4 }], {}, /0x5 takes no relocation/],
  ["a 32-bit jump", [{ code: 0x16, off: 4 }], {}, /0x16 takes no relocation/],
];

type Poisoned = [name: string, before: readonly Insn[], value: Partial<ReloValue>, after: readonly Insn[]];
const POISONED: Poisoned[] = [
  ["ALU", [{ code: 0xb7, imm: 4, src: 2, off: 3 }], { poison: true }, [POISON]],
  ["any instruction, whatever its number", [{ code: 0x05, off: 9 }], { poison: true }, [POISON]],
  ["both halves of LDIMM64", WIDE(4, 0), { poison: true }, [POISON, POISON]],
  ["a load that would read something else", [{ code: 0x61, off: 4 }], { ...RESIZED, badResize: true }, [POISON]],
];

describe.each([
  ["little-endian", true],
  ["big-endian", false],
])("%s", (_, littleEndian) => {
  it.each(GOOD)("changes %s", (_name, before, value, after) => {
    const { outcome, code } = patched(before, value, littleEndian);
    expect(outcome).toBe("patched");
    expect(code).toEqual(encodeInsns([...after, TAIL], littleEndian));
  });
  it.each(POISONED)("poisons %s", (_name, before, value, after) => {
    const { outcome, code } = patched(before, value, littleEndian);
    expect(outcome).toBe("poisoned");
    expect(code).toEqual(encodeInsns([...after, TAIL], littleEndian));
  });
  it.each(BAD)("refuses and does not change %s", (_name, before, value, failure) => {
    const { outcome, code } = patched(before, value, littleEndian);
    expect(outcome).toEqual({ failure: expect.stringMatching(failure) });
    expect(code).toEqual(encodeInsns([...before, TAIL], littleEndian));
  });
});

describe("places", () => {
  const code = (): Uint8Array => encodeInsns([{ code: 0x18, imm: 4 }]);
  it.each([-8, 4, 8, 16])("no instruction at %i", (at) => {
    expect(patchInstruction(code(), at, BASE, true)).toEqual({ failure: `offset ${at} is not that of an instruction` });
  });
  it("a 64-bit immediate that is cut off", () => {
    expect(patchInstruction(code(), 0, BASE, true)).toEqual({ failure: expect.stringMatching(/not a plain/) });
    const poisoned = code();
    expect(patchInstruction(poisoned, 0, { ...BASE, poison: true }, true)).toBe("poisoned");
    expect(poisoned).toEqual(encodeInsns([POISON]));
  });
});
