import { describe, expect, it } from "vitest";
import { readCpio } from "../../corpus/archive/cpio.ts";
import { type CpioEntry, cpioArchive } from "../../vm/cpio.ts";

const ENTRIES: readonly CpioEntry[] = [
  { path: "/dev", kind: "directory" },
  { path: "/dev/null", kind: "device", major: 1, minor: 3 },
  { path: "empty", kind: "file", bytes: new Uint8Array(0) },
  { path: "one", kind: "file", bytes: Uint8Array.of(1), executable: true },
  { path: "four", kind: "file", bytes: Uint8Array.of(1, 2, 3, 4) },
  { path: "link", kind: "link", target: "four" },
];

const HEADER_BYTES = 110;
const archive = (entries: readonly CpioEntry[]) => Buffer.concat(cpioArchive(entries));

describe("cpioArchive", () => {
  it("is read back by the reader of packages", async () => {
    const found: [string, number[]][] = [];
    const options = { source: "test", wanted: () => true, maxBytes: 100 };
    for await (const { name, bytes } of readCpio(once(archive(ENTRIES)), options)) found.push([name, [...bytes]]);
    expect(found).toEqual([
      ["empty", []],
      ["one", [1]],
      ["four", [1, 2, 3, 4]],
    ]);
  });

  it.each([0, 1, 2, 3, 4, 5])("keeps every member at a multiple of four behind a file of %i bytes", (size) => {
    const bytes = archive([
      { path: "a", kind: "file", bytes: new Uint8Array(size).fill(0x41) },
      { path: "bcd", kind: "directory" },
    ]);
    const places: number[] = [];
    for (let at = bytes.indexOf("070701"); at !== -1; at = bytes.indexOf("070701", at + 1)) places.push(at);
    expect(places).toHaveLength(3);
    expect(places.filter((at) => at % 4 !== 0)).toEqual([]);
    expect(bytes.length % 4).toBe(0);
  });

  it("copies no file's bytes", () => {
    const bytes = new Uint8Array(1000);
    expect(cpioArchive([{ path: "a", kind: "file", bytes }])).toContain(bytes);
  });

  it.each([
    ["dev", 0o040755, 0, 0],
    ["dev/null", 0o020666, 1, 3],
    ["empty", 0o100644, 0, 0],
    ["one", 0o100755, 0, 0],
    ["link", 0o120777, 0, 0],
  ])("says of %s what it is", (name, mode, major, minor) => {
    const bytes = archive(ENTRIES);
    const at = bytes.indexOf(`${name}\0`) - HEADER_BYTES;
    const text = bytes.toString("latin1", at, at + HEADER_BYTES);
    const field = (i: number) => Number.parseInt(text.slice(6 + 8 * i, 14 + 8 * i), 16);
    expect([text.slice(0, 6), field(1), field(9), field(10)]).toEqual(["070701", mode, major, minor]);
    // Owner is root, and the name's length counts its NUL.
    expect([field(2), field(3), field(11)]).toEqual([0, 0, name.length + 1]);
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
