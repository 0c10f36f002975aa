import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CodecName } from "../../../corpus/codec/codec.ts";
import { decompress } from "../../../corpus/codec/decompress.ts";
import { detectCodec } from "../../../corpus/codec/detect.ts";
import { decodeLzmaAlone, decodeXzStream } from "../../../corpus/codec/wasm.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { THOROUGH } from "../../samples.ts";

const fixtures = fileURLToPath(new URL("fixtures/", import.meta.url));
const load = (name: string) => readFileSync(fixtures + name);
const sample = load("sample.bin");
const ZEROS_BYTES = 4 << 20;
/** Where each file is cut, and where a bit of it is turned. */
const PLACES = THOROUGH ? 150 : 50;
const limits = { source: "x", maxBytes: 1 << 20 };

/** File, codec, and whether the format has a checksum over what comes out. */
const FILES: readonly [string, CodecName, boolean][] = [
  ["sample.gz", "gzip", true],
  ["members.gz", "gzip", true],
  ["sample.xz", "xz", true],
  ["kernel.xz", "xz", true],
  ["blocks.xz", "xz", true],
  ["streams.xz", "xz", true],
  ["none.xz", "xz", false],
  ["sample.lzma", "lzma", false],
  ["sized.lzma", "lzma", false],
  ["sample.bz2", "bzip2", true],
  ["streams.bz2", "bzip2", true],
  ["sample.zst", "zstd", true],
  ["frames.zst", "zstd", true],
  ["nosize.zst", "zstd", true],
  ["nocheck.zst", "zstd", false],
  ["sample.legacy.lz4", "lz4-legacy", false],
  ["sample.lz4", "lz4", true],
  ["linked.lz4", "lz4", true],
  ["frames.lz4", "lz4", true],
  ["nosum.lz4", "lz4", false],
  ["sample.lzo", "lzo", true],
  ["crc.lzo", "lzo", true],
  ["nosum.lzo", "lzo", false],
];

/** Files of several parts: cut between two of them, the rest is a whole file of its own, which no format can tell. */
const PARTS: Readonly<Record<string, (whole: Uint8Array) => number>> = {
  "members.gz": (whole) => Buffer.from(whole).indexOf(Buffer.from([0x1f, 0x8b, 8]), 1),
  "streams.xz": (whole) => Buffer.from(whole).indexOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58]), 1),
  "streams.bz2": (whole) => Buffer.from(whole).indexOf(Buffer.from("BZh91AY"), 1),
  "frames.zst": (whole) => Buffer.from(whole).indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), 1),
  "frames.lz4": (whole) => Buffer.from(whole).indexOf(Buffer.from([0x04, 0x22, 0x4d, 0x18]), 1),
};

async function outcome(bytes: Uint8Array, codec: CodecName, maxBytes = limits.maxBytes): Promise<Uint8Array | string> {
  try {
    return await decompress(bytes, { source: "x", maxBytes }, codec);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.code;
  }
}

describe.each(FILES)("%s", (name, codec, hasSum) => {
  const packed = load(name);
  const [, bound = packed.length] = [0, PARTS[name]?.(packed)];

  it("is recognised and unpacked", async () => {
    expect(detectCodec(packed)).toBe(codec);
    expect(sample.equals(await decompress(packed, limits))).toBe(true);
  });

  it("is an error wherever it is cut, never less than there was", async () => {
    // Behind the first of several parts (and its padding) the file before is whole.
    const whole = new Set([bound, bound - 4, bound - 8]);
    const step = Math.max(1, Math.floor(packed.length / PLACES));
    const last = Array.from({ length: 24 }, (_, i) => packed.length - 1 - i);
    const cuts = [...Array.from({ length: Math.floor(packed.length / step) }, (_, i) => i * step + 1), ...last];
    for (const cut of cuts.filter((at) => at < packed.length && !(name in PARTS && whole.has(at)))) {
      expect(await outcome(packed.subarray(0, cut), codec), `cut at ${cut}`).toSatisfy(
        (code) => code === "truncated" || code === "bad-archive",
      );
    }
  });

  it("is an error, or unharmed, wherever a bit is turned", async () => {
    const step = Math.max(1, Math.floor(packed.length / PLACES));
    let errors = 0;
    for (let at = 0; at < packed.length; at += step) {
      const broken = Buffer.from(packed);
      broken[at] = (broken[at] as number) ^ (1 << (at % 8));
      const result = await outcome(broken, codec);
      if (typeof result === "string") errors++;
      else if (hasSum) expect(sample.equals(result), `bit in byte ${at}`).toBe(true);
    }
    expect(errors).toBeGreaterThan(0);
  });

  it("refuses what follows it, unless told not to care", async () => {
    const followed = Buffer.concat([packed, Buffer.from("and now for something completely different")]);
    expect(await outcome(followed, codec)).toMatch(/^(bad-archive|truncated)$/);
    if (name in PARTS) return;
    const read = await decompress(followed, { ...limits, trailing: "ignore" }, codec);
    expect(sample.equals(read)).toBe(true);
  });
});

describe("zstd in many frames", () => {
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  // No content, neither said nor there: one raw block of no bytes, the last.
  const empty = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 1, 0, 0]);
  const one = load("nosize.zst");

  it("are all read, with and without content, whatever stands between them", async () => {
    const packed = Buffer.concat([
      skippable,
      one,
      empty,
      load("sample.zst"),
      skippable,
      skippable,
      empty,
      one,
      skippable,
    ]);
    const read = await decompress(packed, limits);
    expect(Buffer.concat([sample, sample, sample]).equals(read)).toBe(true);
  });

  it.each([
    ["none of them has content", [empty, empty, skippable]],
    ["all are for others", [skippable]],
  ])("%s", async (_, parts) => {
    expect(await outcome(Buffer.concat(parts), "zstd")).toHaveLength(0);
  });

  it("are read when there are thousands, of a byte each", async () => {
    // One block, the last, that repeats a byte once.
    const byte = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0x0b, 0, 0, 7]);
    const count = 5000;
    const packed = Buffer.concat(Array.from({ length: count }, () => byte));
    expect(await outcome(packed, "zstd")).toEqual(Buffer.alloc(count, 7));
  });

  it("are bounded by what they make together", async () => {
    const bound = sample.length * 2 - 1;
    expect(await outcome(Buffer.concat([one, one]), "zstd", bound)).toBe("too-large");
    expect(await outcome(Buffer.concat([one, one]), "zstd", bound + 1)).toHaveLength(bound + 1);
  });
});

describe("a bound for what comes out", () => {
  it.each<[string, CodecName]>([
    ["zeros.gz", "gzip"],
    ["zeros.xz", "xz"],
    ["zeros.lzma", "lzma"],
    ["zeros.bz2", "bzip2"],
    ["zeros.zst", "zstd"],
    ["zeros.legacy.lz4", "lz4-legacy"],
    ["zeros.lz4", "lz4"],
    ["zeros.lzo", "lzo"],
  ])("%s", async (name, codec) => {
    const packed = load(name);
    expect(await outcome(packed, codec)).toBe("too-large");
    expect(await outcome(packed, codec, ZEROS_BYTES - 1)).toBe("too-large");
    const all = await outcome(packed, codec, ZEROS_BYTES);
    expect(typeof all === "string" ? all : all.length).toBe(ZEROS_BYTES);
  });
});

describe("WebAssembly, where liblzma is missing", () => {
  const collect = async (chunks: AsyncIterable<Uint8Array>) => {
    const all: Uint8Array[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return Buffer.concat(all);
  };

  it.each([
    ["sample.xz", decodeXzStream],
    ["kernel.xz", decodeXzStream],
    ["blocks.xz", decodeXzStream],
    ["sized.lzma", decodeLzmaAlone],
  ] as const)("reads %s, and no part of it", async (name, decode) => {
    const packed = load(name);
    expect(sample.equals(await collect(decode(packed, limits)))).toBe(true);
    // The last five bytes of LZMA are its end mark, behind all of the data.
    for (const cut of [20, 100, packed.length >> 1, packed.length - 30, packed.length - 8]) {
      await expect(collect(decode(packed.subarray(0, cut), limits)), `cut at ${cut}`).rejects.toThrow(FormatError);
    }
    const broken = Buffer.from(packed);
    broken[200] = (broken[200] as number) ^ 0x10;
    if (name.endsWith(".xz")) await expect(collect(decode(broken, limits))).rejects.toThrow(FormatError);
  });

  it("stops at a bound", async () => {
    await expect(collect(decodeXzStream(load("zeros.xz"), limits))).rejects.toThrow("more than 1048576 bytes");
    const small = { ...limits, maxBytes: 1000 };
    await expect(collect(decodeLzmaAlone(load("sized.lzma"), small))).rejects.toThrow("more than 1000 bytes");
  });

  it("refuses LZMA whose end it could not tell from a cut", async () => {
    await expect(collect(decodeLzmaAlone(load("sample.lzma"), limits))).rejects.toThrow("does not say its size");
  });
});

describe("detectCodec", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["text", Buffer.from("BZhello, or not")],
    ["ELF", Buffer.from("\x7fELF\x02\x01\x01")],
    ["zeros", new Uint8Array(64)],
    ["raw BTF", Uint8Array.of(0x9f, 0xeb, 1, 0, 24, 0, 0, 0)],
  ])("takes %s for no compression", (_, bytes) => {
    expect(detectCodec(bytes)).toBeNull();
  });
});
