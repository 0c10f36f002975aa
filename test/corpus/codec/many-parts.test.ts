import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { CodecName } from "../../../corpus/codec/codec.ts";
import { decompress, decompressChunks } from "../../../corpus/codec/decompress.ts";
import { xxh32 } from "../../../corpus/codec/xxh32.ts";
import type { SourceItem } from "../../../corpus/source/item.ts";
import { kernelsOfBytes } from "../../../corpus/source/kernels-of-bytes.ts";
import { cpuMilliseconds } from "../../cpu-time.ts";

/** What each part makes when unpacked. */
const BYTE = Buffer.of(7);
/** Memory that pieces may hold on to beside their content: a few buffers, not one for each part. */
const SPARE_BYTES = 40 << 20;
const MOST_MS = 2500;
const options = { source: "x", maxBytes: 1 << 20 };

/** An LZ4 frame of blocks (of at most 4 MiB each, with code 4 of 64 KiB) without checksums; linked ones may look back into those before. */
function lz4Frame(blocks: Buffer, linked: boolean, sizeCode = 7): Buffer {
  const descriptor = Buffer.of(linked ? 0x40 : 0x60, sizeCode << 4);
  const sum = Buffer.of((xxh32(descriptor) >> 8) & 0xff);
  return Buffer.concat([Buffer.of(4, 0x22, 0x4d, 0x18), descriptor, sum, blocks, Buffer.alloc(4)]);
}

const repeated = (part: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => part));
const base64 = (text: string) => Buffer.from(text, "base64");
/** A block of one literal. */
const lz4Block = Buffer.of(2, 0, 0, 0, 0x10, 7);
const emptyXz = base64("/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo=");
const byteXz = base64("/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAABwAAAABeng8wHhjXIwABGQGlLIHMH7bzfQEAAAAABFla");
const byteBzip2 = base64("QlpoOTFBWSZTWa+wEE4AAABAAACAIAAhGEaC7kinChIV9gIJwA==");

/** Data of so many parts, and how many bytes come out of them. */
const KINDS: readonly [string, CodecName, (count: number) => Buffer, number, number][] = [
  ["gzip members", "gzip", (count) => repeated(gzipSync(BYTE), count), 8000, 1],
  ["xz streams", "xz", (count) => repeated(byteXz, count), 8000, 1],
  ["empty xz streams", "xz", (count) => Buffer.concat([repeated(emptyXz, count), byteXz]), 100_000, 1 / 100_000],
  ["bzip2 streams", "bzip2", (count) => repeated(byteBzip2, count), 3000, 1],
  ["lz4 blocks", "lz4", (count) => lz4Frame(repeated(lz4Block, count), false), 8000, 1],
  ["linked lz4 blocks", "lz4", (count) => lz4Frame(repeated(lz4Block, count), true), 8000, 1],
  ["lz4 frames", "lz4", (count) => repeated(lz4Frame(lz4Block, true), count), 8000, 1],
  [
    "legacy lz4 frames",
    "lz4-legacy",
    (count) => repeated(Buffer.concat([Buffer.of(2, 0x21, 0x4c, 0x18), lz4Block]), count),
    8000,
    1,
  ],
];

describe.each(KINDS)("%s of a byte each", (_, codec, make, count, made) => {
  const packed = make(count);
  const wanted = Buffer.alloc(Math.round(count * made), 7);

  it("cost little each", async () => {
    const start = cpuMilliseconds();
    expect(wanted.equals(await decompress(packed, options, codec))).toBe(true);
    expect(cpuMilliseconds() - start).toBeLessThan(MOST_MS);
  });

  it("hold no memory but what comes out", async () => {
    const buffers = new Set<ArrayBufferLike>();
    for await (const { buffer } of decompressChunks(packed, options, codec)) buffers.add(buffer);
    const held = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held).toBeLessThan(wanted.length + SPARE_BYTES);
  });
});

describe("parts of nothing", () => {
  /** A stored block without a byte. */
  const nothing = Buffer.of(0, 0, 0, 0x80);
  it.each<[string, CodecName, Buffer]>([
    ["lz4 blocks", "lz4", lz4Frame(repeated(nothing, 1000), false)],
    ["linked lz4 blocks", "lz4", lz4Frame(repeated(nothing, 1000), true)],
    ["gzip members", "gzip", repeated(gzipSync(""), 1000)],
    ["xz streams", "xz", repeated(emptyXz, 1000)],
  ])("are no pieces: %s", async (_, codec, packed) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of decompressChunks(packed, options, codec)) pieces.push(piece);
    expect(pieces).toEqual([]);
  });

  it("do not make who collects pieces begin again for each", async () => {
    const packed = lz4Frame(repeated(nothing, 40_000), false);
    const start = cpuMilliseconds();
    const items: SourceItem[] = [];
    for await (const item of kernelsOfBytes(packed, "x", "x")) items.push(item);
    expect(items).toMatchObject([{ code: "no-kernel", problem: "is empty" }]);
    expect(cpuMilliseconds() - start).toBeLessThan(2000);
  });
});

it("lets linked lz4 blocks, packed and stored, look back as far as they may, however much came before", async () => {
  const FAR = 65535;
  const word = (size: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(size);
    return bytes;
  };
  const first = Buffer.from(Array.from({ length: 1 << 16 }, (_, i) => (i * 40503) >> 7));
  const stored = (bytes: Buffer) => Buffer.concat([word((bytes.length | 0x8000_0000) >>> 0), bytes]);
  const blocks = [stored(first)];
  let wanted: Buffer = first;
  for (let round = 0; round < 24; round++) {
    // A literal, 19 + 255 * 150 + 7 bytes from far back, five literals.
    const length = 19 + 255 * 150 + 7;
    const packed = Buffer.concat([
      Buffer.of(0x1f, round, 0xff, 0xff),
      Buffer.alloc(150, 255),
      Buffer.from("\x07\x50abcde"),
    ]);
    blocks.push(word(packed.length), packed);
    const start = wanted.length + 1 - FAR;
    wanted = Buffer.concat([wanted, Buffer.of(round)]);
    wanted = Buffer.concat([wanted, wanted.subarray(start, start + length), Buffer.from("abcde")]);
    if (round % 5 !== 0) continue;
    const more = first.subarray(round * 100, round * 200);
    blocks.push(stored(more));
    wanted = Buffer.concat([wanted, more]);
  }
  const frame = lz4Frame(Buffer.concat(blocks), true, 4);
  expect(wanted.equals(await decompress(frame, { ...options, maxBytes: 2 << 20 }))).toBe(true);
});
