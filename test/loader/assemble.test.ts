import { describe, expect, it } from "vitest";
import {
  type Assembly,
  add,
  assembled,
  BYTE,
  call,
  copy,
  DOUBLE,
  exit,
  HALF,
  IF_EQUAL,
  IF_NEGATIVE_WORD,
  type Landing,
  landIfNegative,
  load,
  loadMapValue,
  move,
  setImmediate,
  shiftRight,
  skip,
  skipIf,
  startAssembly,
  store,
  storeNumber,
  WORD,
} from "../../lib/loader/assemble.ts";

function hexOf(littleEndian: boolean, body: (code: Assembly) => void): string {
  const code = startAssembly(littleEndian);
  body(code);
  return Buffer.from(assembled(code)).toString("hex");
}

/** What llvm-mc -arch=bpfel and -arch=bpfeb make of the text. */
const TABLE: [text: string, little: string, big: string, body: (code: Assembly) => void][] = [
  ["r1 = -2", "b7010000feffffff", "b7100000fffffffe", (code) => move(code, 1, -2)],
  ["r6 = r1", "bf16000000000000", "bf61000000000000", (code) => copy(code, 6, 1)],
  ["r2 += 4660", "0702000034120000", "0720000000001234", (code) => add(code, 2, 0x1234)],
  ["r7 >>= 32", "7707000020000000", "7770000000000020", (code) => shiftRight(code, 7, 32)],
  ["r0 = *(u64 *)(r9 + 8)", "7990080000000000", "7909000800000000", (code) => load(code, DOUBLE, 0, 9, 8)],
  ["r1 = *(u32 *)(r9 + 4)", "6191040000000000", "6119000400000000", (code) => load(code, WORD, 1, 9, 4)],
  ["*(u32 *)(r6 + 20) = r8", "6386140000000000", "6368001400000000", (code) => store(code, WORD, 6, 20, 8)],
  ["*(u64 *)(r5 + 0) = r0", "7b05000000000000", "7b50000000000000", (code) => store(code, DOUBLE, 5, 0, 0)],
  ["*(u16 *)(r5 + 2) = 7", "6a05020007000000", "6a50000200000007", (code) => storeNumber(code, HALF, 5, 2, 7)],
  ["*(u8 *)(r9 + 1) = 3", "7209010003000000", "7290000100000003", (code) => storeNumber(code, BYTE, 9, 1, 3)],
  ["call 166", "85000000a6000000", "85000000000000a6", (code) => call(code, 166)],
  ["exit", "9500000000000000", "9500000000000000", (code) => exit(code)],
  [
    "r9 = value of map 0",
    "18690000000000000000000000000000",
    "18960000000000000000000000000000",
    (code) => loadMapValue(code, 9),
  ],
];

describe("the assembler", () => {
  it.each(TABLE)("writes %s", (_, little, big, body) => {
    expect(hexOf(true, body)).toBe(little);
    expect(hexOf(false, body)).toBe(big);
  });

  it("skips as many instructions as are emitted", () => {
    const hex = hexOf(true, (code) => {
      skipIf(code, IF_NEGATIVE_WORD, 1, () => {
        call(code, 168);
        loadMapValue(code, 1);
      });
      skip(code, () => exit(code));
      skipIf(code, IF_EQUAL, 0, () => {});
    });
    expect(hex.match(/.{16}/g)?.filter((_, i) => [0, 4, 6].includes(i))).toEqual([
      "c601030000000000",
      "0500010000000000",
      "1500000000000000",
    ]);
  });

  /** A landing at 0, three jumps to it, and `between` instructions between the first and the second. */
  function landings(between: number) {
    const code = startAssembly(true);
    const landing: Landing = { at: 0 };
    exit(code);
    landIfNegative(code, landing, 7);
    for (let i = 0; i < between; i++) move(code, 0, 0);
    landIfNegative(code, landing, 7);
    for (let i = 0; i < 10; i++) move(code, 0, 0);
    landIfNegative(code, landing, 7);
    const bytes = assembled(code);
    const view = new DataView(bytes.buffer);
    const targetOf = (insn: number): number => insn + 1 + view.getInt16(insn * 8 + 2, true);
    return { opcode: (insn: number) => bytes[insn * 8], targetOf, isTooLong: code.isTooLong, count: code.count };
  }

  it("goes back to a landing, where it is far over another one in between", () => {
    const near = landings(100);
    expect([near.targetOf(1), near.targetOf(102), near.targetOf(113), near.isTooLong]).toEqual([0, 0, 0, false]);
    const far = landings(20_000);
    // A jump over the landing in between, which jumps to the first one; the two behind it lead there.
    const between = 20_003;
    expect([far.opcode(between - 1), far.targetOf(between - 1)]).toEqual([0x05, between + 1]);
    expect([far.opcode(between), far.targetOf(between)]).toEqual([0x05, 0]);
    expect([far.targetOf(between + 1), far.targetOf(between + 12), far.isTooLong]).toEqual([between, between, false]);
  });

  it("says where a jump cannot lead so far", () => {
    expect(landings(32_760).isTooLong).toBe(false);
    expect(landings(32_770).isTooLong).toBe(true);
    const code = startAssembly(true);
    skip(code, () => {
      for (let i = 0; i < 0x8000; i++) exit(code);
    });
    expect(code.isTooLong).toBe(true);
  });

  it("takes an immediate that is known later", () => {
    const code = startAssembly(false);
    add(code, 0, 0);
    setImmediate(code, 0, 0x12345678);
    expect(Buffer.from(assembled(code)).toString("hex")).toBe("0700000012345678");
  });
});
