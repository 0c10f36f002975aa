import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { btfFromImage, looksLikeImage } from "../../../corpus/image/kernel-image.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { cpuMilliseconds } from "../../cpu-time.ts";
import { bzImage, flatKernel, kernelBtf, plainImage, s390Image, vmlinux, zboot } from "../kernels.ts";

const RELEASE = "6.9.1-test";
const limits = { source: "vmlinuz", maxBytes: 64 << 20 };
const elf = vmlinux("elf", RELEASE);
const flat = flatKernel("flat", RELEASE);
const big = flatKernel("big", RELEASE, false);

describe("btfFromImage", () => {
  it.each<[string, Uint8Array, Uint8Array, string | null]>([
    ["vmlinux", elf, kernelBtf("elf"), "x86_64"],
    ["vmlinux of ppc64le", vmlinux("p", RELEASE, 21), kernelBtf("p"), "ppc64le"],
    ["vmlinux of s390x", vmlinux("s", RELEASE, 22, false), kernelBtf("s", false), "s390x"],
    ["bzImage, gzip", bzImage(gzipSync(elf), null), kernelBtf("elf"), "x86_64"],
    ["bzImage, not compressed", bzImage(elf, null), kernelBtf("elf"), "x86_64"],
    ["zboot", zboot(gzipSync(plainImage(flat, "arm64")), null), kernelBtf("flat"), "arm64"],
    ["zboot of riscv64", zboot(gzipSync(plainImage(flat, "riscv64")), null, 0x5064), kernelBtf("flat"), "riscv64"],
    ["arm64 Image", plainImage(flat, "arm64"), kernelBtf("flat"), "arm64"],
    ["riscv64 Image", plainImage(flat, "riscv64"), kernelBtf("flat"), "riscv64"],
    ["s390x image", s390Image(gzipSync(big)), kernelBtf("big", false), "s390x"],
  ])("%s", async (_, image, btf, arch) => {
    const found = await btfFromImage(image, limits);
    expect(Buffer.compare(found.btf, btf)).toBe(0);
    expect(found.arch).toBe(arch);
    expect(found.banner).toMatch(/^Linux version 6\.9\.1-test \(builder/);
  });

  it.each<[string, Uint8Array, string, string]>([
    ["bzImage cut in its payload", bzImage(gzipSync(elf), null).subarray(0, 2400), "truncated", "it is cut off"],
    ["bzImage with a hole", holed(bzImage(gzipSync(elf), null), 2300), "bad-archive", "damaged"],
    ["bzImage of something else", bzImage(Buffer.from("not compressed at all"), null), "bad-archive", "no known"],
    ["zboot cut", zboot(gzipSync(flat), null).subarray(0, 700), "truncated", "it is cut off"],
    ["s390x image cut", s390Image(gzipSync(big)).subarray(0, 0x11000 + 900), "truncated", "cut off"],
    ["kernel without BTF", bzImage(gzipSync(Buffer.alloc(5000, 1)), null), "missing-btf", "CONFIG_DEBUG_INFO_BTF"],
    ["image without anything", plainImage(Buffer.alloc(5000), "arm64"), "missing-btf", "CONFIG_DEBUG_INFO_BTF"],
  ])("%s", async (_, image, code, words) => {
    const error = await btfFromImage(image, limits).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).code).toBe(code);
    expect((error as FormatError).message).toContain(words);
  });

  it("refuses a kernel that unpacks to more than allowed", async () => {
    const small = { source: "x", maxBytes: 100_000 };
    await expect(btfFromImage(zboot(gzipSync(flat), null), small)).rejects.toThrow("more than 100000 bytes");
  });

  it("unpacks no more than allowed in all that looks compressed", async () => {
    const bomb = gzipSync(Buffer.alloc(16 << 20));
    bomb[bomb.length - 5] = 1;
    const image = plainImage(Buffer.concat([Buffer.alloc(64), ...Array.from({ length: 64 }, () => bomb)]), "arm64");
    const start = cpuMilliseconds();
    await expect(btfFromImage(image, limits)).rejects.toThrow(
      "has more than 67108864 bytes when unpacked (--max-size)",
    );
    expect(cpuMilliseconds() - start).toBeLessThan(4000);
  });

  it("believes no image whose stated size is another", async () => {
    // LZ4's legacy frame has no end mark: only the size behind it tells that a whole block is missing.
    const block = Buffer.from([0x02, 0x21, 0x4c, 0x18, 5, 0, 0, 0, 0x40, 1, 2, 3, 4]);
    await expect(btfFromImage(bzImage(block, 8 << 20), limits)).rejects.toThrow("4 bytes were unpacked");
    await expect(btfFromImage(bzImage(block, 4), limits)).rejects.toThrow("no BTF");
  });
});

describe("what looks like BTF in an image", () => {
  it("may be there often", async () => {
    const image = Buffer.from(flatKernel("flat", RELEASE));
    const decoy = image.subarray(20_000, 22_500);
    for (let at = 400_000; at < 1_000_000; at += 3000) image.set(decoy, at);
    const { btf } = await btfFromImage(plainImage(image, "arm64"), limits);
    expect(Buffer.compare(btf, kernelBtf("flat"))).toBe(0);
  });

  it.each<[string, (size: number) => Buffer]>([
    ["each of which goes to the end", headersToTheEnd],
    ["none of which makes sense", (size) => Buffer.alloc(size, Buffer.of(0x9f, 0xeb, 1, 0))],
  ])("is not judged without end: headers everywhere, %s", async (_, make) => {
    const image = plainImage(make(1 << 20), "arm64");
    const start = cpuMilliseconds();
    await expect(btfFromImage(image, limits)).rejects.toThrow("vmlinuz: what looks like BTF is in too many places");
    expect(cpuMilliseconds() - start).toBeLessThan(500);
  });
});

/** BTF headers right behind each other, whose types and strings are all the rest. */
function headersToTheEnd(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 200 < size; at += 24) {
    // The strings are the next header's zeros.
    const types = Math.floor((size - at - 200) / 24) * 24 + 8;
    for (const [i, word] of [0x1eb9f, 24, 0, types, types, 4].entries()) bytes.writeUInt32LE(word, at + 4 * i);
  }
  return bytes;
}

describe("looksLikeImage", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["text", Buffer.from("MZ, a text")],
    ["ELF", elf],
    ["BTF", kernelBtf("x")],
  ])("is false for %s", (_, bytes) => {
    expect(looksLikeImage(bytes)).toBe(false);
  });
});

function holed(bytes: Buffer, at: number): Buffer {
  bytes.fill(0, at, at + 60);
  return bytes;
}
