import { expect, it } from "vitest";
import { lintBtf } from "../../lib/btf/lint.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { BtfSegment } from "../../lib/btf/view.ts";
import { RELO_FIELD_BYTE_OFFSET } from "../../lib/core/relo-kind.ts";
import { runJob } from "../../lib/job/job.ts";
import { btf, int, m, ptr, type Row, struct } from "../btf/builder.ts";
import { type Asked, objectOf } from "./scene.ts";

const rows: Row[] = [int("int", 4), ptr(0), struct("s", 16, [m("a", 1, 0), m("p", 2, 64)])];
const asked: Asked[] = [
  [RELO_FIELD_BYTE_OFFSET, 3, "0:0"],
  [RELO_FIELD_BYTE_OFFSET, 3, "0:1"],
];

function written(littleEndian: boolean, layout: boolean): Uint8Array {
  const base = { bytes: btf(rows, { littleEndian }), source: "kernel" };
  const { blobs, proof } = runJob({ base }, [objectOf(rows, asked, littleEndian)], { layout });
  expect(proof.holds).toBe(true);
  return blobs[0].bytes;
}

it.each([
  [true, false, 24, "9feb"],
  [true, true, 32, "9feb"],
  [false, false, 24, "eb9f"],
  [false, true, 32, "eb9f"],
])("little-endian %s, layout %s: a header of %i bytes", (littleEndian, layout, length, magic) => {
  const bytes = written(littleEndian, layout);
  const { header, layout: section } = parseBtf(bytes).segments[0] as BtfSegment;
  expect([header.headerLength, header.littleEndian, section.length > 0]).toEqual([length, littleEndian, layout]);
  expect(Buffer.from(bytes.subarray(0, 2)).toString("hex")).toBe(magic);
  expect(lintBtf(bytes, { source: "small" }).filter(({ severity }) => severity === "error")).toEqual([]);
});

it("writes the same types in both byte orders", () => {
  const [little, big] = [parseBtf(written(true, false)), parseBtf(written(false, false))];
  expect([...big.words]).toEqual([...little.words]);
  expect([...big.strings]).toEqual([...little.strings]);
});

it("writes modules' ids and strings on from the base's, each module by itself", () => {
  const base = btf(rows);
  const parsed = parseBtf(base);
  const module = (name: string) => btf([struct(name, 8, [m("a", 1, 0), m("own", 1, 32)]), ptr(4)], { base: parsed });
  const target = {
    base: { bytes: base, source: "kernel" },
    modules: [
      { bytes: module("first"), source: "first" },
      { bytes: module("second"), source: "second" },
    ],
  };
  const local = [...rows, struct("first", 4, [m("own", 1, 0)]), struct("second", 4, [m("a", 1, 0)])];
  const object = objectOf(local, [...asked, [RELO_FIELD_BYTE_OFFSET, 4, "0:0"], [RELO_FIELD_BYTE_OFFSET, 5, "0:0"]]);
  const { blobs, proof, newIds } = runJob(target, [object]);
  expect(proof.holds).toBe(true);
  expect(blobs.map(({ source }) => source)).toEqual(["kernel", "first", "second"]);
  const small = parseModules(parseBtf(blobs[0].bytes), blobs.slice(1));
  const [kernel, first, second] = small.segments as [BtfSegment, BtfSegment, BtfSegment];
  expect([kernel.endId, first.endId - first.startId, second.endId - second.startId]).toEqual([4, 1, 1]);
  // The second module's struct has the name of the base's member, so it adds one string.
  expect(Buffer.from(small.strings.subarray(first.stringStart)).toString()).toBe("first\0own\0second\0");
  // Both modules' first own type has the same id in its file.
  expect([newIds.get(4), newIds.get(6)]).toEqual([4, 4]);
});
