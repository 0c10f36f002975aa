import { describe, expect, it } from "vitest";
import { parseLines, parseRelocations } from "../../lib/core/btf-ext.ts";
import { formatErrorOf } from "../btf/records.ts";

const HEADER = 32;
/** Word positions in the file below. */
const WORD = { headerLength: 1, funcOff: 2, funcLen: 3, lineOff: 4, lineLen: 5, coreOff: 6, coreLen: 7, body: 8 };
/** One function, one line and two relocations. */
const FUNCS = [8, 1, 1, 0, 7];
const LINES = [16, 1, 1, 8, 20, 30, (12 << 10) | 5];
const CORES = [16, 1, 2, 8, 3, 40, 0, 16, 4, 44, 9];

function ext(littleEndian = true): Uint8Array {
  const body = [...FUNCS, ...LINES, ...CORES];
  const offsets = [0, FUNCS.length, LINES.length, CORES.length];
  const parts = [FUNCS, LINES, CORES].flatMap((part, i) => [
    4 * ((offsets[0] ?? 0) + (i > 0 ? FUNCS.length : 0) + (i > 1 ? LINES.length : 0)),
    4 * part.length,
  ]);
  const bytes = new Uint8Array(HEADER + body.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, littleEndian);
  view.setUint8(2, 1);
  [HEADER, ...parts, ...body].forEach((word, i) => {
    view.setUint32(4 + i * 4, word, littleEndian);
  });
  return bytes;
}

function changed(change: (view: DataView) => void): Uint8Array {
  const bytes = ext();
  change(new DataView(bytes.buffer));
  return bytes;
}

const setWord =
  (at: number, value: number) =>
  (view: DataView): void =>
    view.setUint32(at * 4, value, true);

const CORE_BODY = WORD.body + FUNCS.length + LINES.length;

describe("a good one", () => {
  it.each([true, false])("little-endian: %s", (littleEndian) => {
    expect(parseRelocations(ext(littleEndian), "x")).toEqual([
      { sectionName: 1, insnOffset: 8, typeId: 3, accessOffset: 40, kind: 0 },
      { sectionName: 1, insnOffset: 16, typeId: 4, accessOffset: 44, kind: 9 },
    ]);
    expect(parseLines(ext(littleEndian), "x")).toEqual([
      { sectionName: 1, insnOffset: 8, fileOffset: 20, textOffset: 30, line: 12, column: 5 },
    ]);
  });
  it("without relocations: a header of 24 bytes", () => {
    const bytes = changed(setWord(WORD.headerLength, 24));
    new DataView(bytes.buffer).setUint32(WORD.funcLen * 4, 0, true);
    new DataView(bytes.buffer).setUint32(WORD.lineLen * 4, 0, true);
    expect(parseRelocations(bytes, "x")).toEqual([]);
  });
  it("with an empty part, wherever it says it is", () => {
    const bytes = changed((view) => {
      setWord(WORD.coreLen, 0)(view);
      setWord(WORD.coreOff, 0xfffffff0)(view);
    });
    expect(parseRelocations(bytes, "x")).toEqual([]);
  });
  it("with records longer than those known here", () => {
    const bytes = changed((view) => {
      setWord(CORE_BODY, 32)(view);
      setWord(CORE_BODY + 2, 1)(view);
    });
    expect(parseRelocations(bytes, "x")).toEqual([
      { sectionName: 1, insnOffset: 8, typeId: 3, accessOffset: 40, kind: 0 },
    ]);
  });
});

const BAD: [name: string, bytes: Uint8Array, message: RegExp][] = [
  ["empty", new Uint8Array(0), /0 bytes, but its header takes 24/],
  ["shorter than a header", ext().subarray(0, 23), /23 bytes/],
  ["magic", changed((view) => view.setUint16(0, 0xeb9e, true)), /magic is not 0xeb9f/],
  ["version", changed((view) => view.setUint8(2, 2)), /version 2, this library reads 1/],
  ["header length, too small", changed(setWord(WORD.headerLength, 20)), /header length 20/],
  ["header length, too great", changed(setWord(WORD.headerLength, 4096)), /header length 4096/],
  ["functions outside", changed(setWord(WORD.funcOff, 4096)), /part at 4128 \+ 20/],
  ["lines outside", changed(setWord(WORD.lineLen, 4096)), /part at 52 \+ 4096/],
  ["relocations outside", changed(setWord(WORD.coreOff, 0xffffffff)), /part at/],
  ["relocations at no multiple of 4", changed(setWord(WORD.coreOff, 45)), /but the section has|not a multiple of 4/],
  ["a part of less than a record size", changed(setWord(WORD.coreLen, 3)), /part of 3 bytes/],
  ["record size of functions", changed(setWord(WORD.body, 4)), /records of 4 bytes, expected at least 8/],
  ["record size of lines", changed(setWord(WORD.body + FUNCS.length, 12)), /records of 12 bytes, expected at least 16/],
  ["record size of relocations", changed(setWord(CORE_BODY, 12)), /records of 12 bytes/],
  ["record size that is no multiple of 4", changed(setWord(CORE_BODY, 17)), /records of 17 bytes/],
  ["no records", changed(setWord(CORE_BODY + 2, 0)), /without records/],
  ["more records than there are", changed(setWord(CORE_BODY + 2, 3)), /3 records go on behind/],
  ["so many records that 32 bits overflow", changed(setWord(CORE_BODY + 2, 0x10000001)), /go on behind/],
  ["fewer records than there are", changed(setWord(CORE_BODY + 2, 1)), /go on behind|ends inside/],
  ["a part that ends in a section's header", changed(setWord(WORD.coreLen, 8)), /ends inside a section's header/],
];

describe("a bad one", () => {
  it.each(BAD)("%s", (_, bytes, message) => {
    const error = formatErrorOf(() => parseRelocations(bytes, "file.o"));
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: "bad-section", source: "file.o", section: ".BTF.ext" });
  });
  it("is refused when its lines are read, too", () => {
    expect(formatErrorOf(() => parseLines(changed(setWord(WORD.body + FUNCS.length, 12)), "x")).detail).toMatch(
      /12 bytes/,
    );
  });
});
