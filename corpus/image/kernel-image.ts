import { FormatError } from "../../lib/btf/error.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { type Elf, openElf } from "../../lib/elf/elf.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import type { CodecName, CodecOptions } from "../codec/codec.ts";
import { decompress, decompressChunks, joined } from "../codec/decompress.ts";
import { detectCodec, MAGICS } from "../codec/detect.ts";
import { bannerOf } from "./banner.ts";
import { findBtf } from "./find-btf.ts";
import { type ImageLayout, imageLayout } from "./payload.ts";

/** A kernel's BTF and what the image tells of the kernel. */
export interface ImageBtf {
  /** Raw BTF; a view of the unpacked image. */
  readonly btf: Uint8Array;
  /** `Linux version ...`, or null where the image has none. */
  readonly banner: string | null;
  /** BTFHub's name of the architecture, or null. */
  readonly arch: string | null;
}

/** How an image is read. */
export interface ImageOptions {
  readonly source: string;
  /** Bound for the unpacked kernel, in bytes. */
  readonly maxBytes: number;
}

/** `e_machine` of kernels, by BTFHub's name; PowerPC's says nothing of the byte order. */
const MACHINES: Readonly<Record<number, string>> = {
  3: "x86",
  22: "s390x",
  40: "arm",
  62: "x86_64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};
const EM_PPC64 = 21;
/** A payload is larger than a kernel's own text messages about it; magics inside are tried up to this often. */
const MAX_TRIES = 64;
/** The least a kernel has; smaller results of a scan are something else. */
const LEAST_KERNEL_BYTES = 1 << 20;
const SIZE_BYTES = 4;

/** True for bytes that btfFromImage takes: a known kind of kernel image. ELF files are not meant: they say more. */
export function looksLikeImage(bytes: Uint8Array): boolean {
  return imageLayout(bytes) !== null;
}

/**
 * The BTF of a kernel image: bzImage, EFI zboot, Image, s390's, ELF (vmlinux, also ppc64le's), the kernel inside
 * compressed in any of the kernel's ways or not at all.
 * @throws FormatError `missing-btf` where the kernel has none, `truncated`, `bad-archive`, `too-large`.
 */
export async function btfFromImage(bytes: Uint8Array, options: ImageOptions): Promise<ImageBtf> {
  if (looksLikeElf(bytes)) return elfKernel(bytes, options.source, null);
  const layout = imageLayout(bytes) ?? { arch: null, payload: null };
  if (layout.payload !== null) return inner(await stated(bytes, layout.payload, options), layout, options);
  const flat = flatKernel(bytes, layout.arch, options.source);
  if (flat !== null) return flat;
  return scanned(bytes, layout, options);
}

/** The payload a header points to. Behind it most kernels have its unpacked size, which must agree. */
async function stated(
  bytes: Uint8Array,
  { start, size }: { readonly start: number; readonly size: number },
  options: ImageOptions,
): Promise<Uint8Array> {
  if (start + size > bytes.length) {
    const detail = `the kernel inside ends at byte ${start + size}, but the file has ${bytes.length}: it is cut off`;
    throw new FormatError("truncated", detail, { source: options.source });
  }
  const payload = bytes.subarray(start, start + size);
  if (looksLikeElf(payload)) return payload;
  const codec = detectCodec(payload);
  if (codec === null) {
    throw new FormatError("bad-archive", "the kernel inside is in no known compression", {
      source: options.source,
      offset: start,
    });
  }
  const kernel = await decompress(payload, inside(options), codec);
  checkStatedSize(bytes, start + size, kernel.length, codec, options);
  return kernel;
}

function checkStatedSize(
  bytes: Uint8Array,
  end: number,
  size: number,
  codec: CodecName,
  { source }: ImageOptions,
): void {
  // bzImage counts the four bytes as the payload's, zboot has them behind it; gzip has them as its own.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places = [end - SIZE_BYTES, end].filter((at) => at >= 0 && at + SIZE_BYTES <= bytes.length);
  if (codec === "gzip" || places.some((at) => view.getUint32(at, true) === size >>> 0)) return;
  const detail = `${size} bytes were unpacked, which is not what the image says: it is damaged`;
  throw new FormatError("truncated", detail, { source });
}

/**
 * Images that do not say where their kernel is: every magic number of a compression is tried. What the tries make is bounded
 * together, as that of one is: noise makes little.
 */
async function scanned(bytes: Uint8Array, layout: ImageLayout, options: ImageOptions): Promise<ImageBtf> {
  let problem: FormatError | undefined;
  let left = options.maxBytes;
  for (const [codec, at] of magicPlaces(bytes).slice(0, MAX_TRIES)) {
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of decompressChunks(bytes.subarray(at), inside(options), codec)) {
        left -= piece.length;
        if (left < 0) throw tooLarge(options);
        pieces.push(piece);
      }
      const kernel = joined(pieces);
      if (kernel.length < LEAST_KERNEL_BYTES) continue;
      return inner(kernel, layout, options);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      // What is in the middle of a payload is noise; what went furthest wrong is worth telling.
      if (problem === undefined || error.code === "truncated" || error.code === "too-large") problem = error;
    }
  }
  throw problem ?? noBtf(options.source);
}

function magicPlaces(bytes: Uint8Array): [CodecName, number][] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: [CodecName, number][] = [];
  const add = (codec: CodecName, magic: Uint8Array) => {
    let tries = 0;
    for (let at = buffer.indexOf(magic); at !== -1 && tries < MAX_TRIES; at = buffer.indexOf(magic, at + 1)) {
      if (detectCodec(bytes, at) !== codec) continue;
      places.push([codec, at]);
      tries++;
    }
  };
  for (const [codec, magic] of MAGICS) add(codec, Uint8Array.from(magic));
  add("bzip2", Buffer.from("BZh"));
  add("lzma", Uint8Array.of(0x5d, 0, 0));
  return places.sort((a, b) => a[1] - b[1]);
}

function inner(kernel: Uint8Array, layout: ImageLayout, options: ImageOptions): ImageBtf {
  if (looksLikeElf(kernel)) return elfKernel(kernel, options.source, layout.arch);
  const flat = flatKernel(kernel, layout.arch ?? imageLayout(kernel)?.arch ?? null, options.source);
  if (flat === null) throw noBtf(options.source);
  return flat;
}

function elfKernel(bytes: Uint8Array, source: string, outerArch: string | null): ImageBtf {
  const elf = openElf(bytes, source);
  const { btf } = btfSectionsOf(elf);
  // A kernel whose section table was stripped still has the bytes.
  const found = btf ?? (elf.sections.length === 0 ? findBtf(bytes, source) : null);
  if (found === null) throw noBtf(source);
  return { btf: found, banner: bannerOf(bytes), arch: archOfElf(elf) ?? outerArch };
}

/** BTFHub's name of an ELF file's architecture, or null where it is none of those kernels run on. */
export function archOfElf({ machine, littleEndian }: Elf): string | null {
  if (machine === EM_PPC64) return littleEndian ? "ppc64le" : "ppc64";
  return MACHINES[machine] ?? null;
}

function flatKernel(bytes: Uint8Array, arch: string | null, source: string): ImageBtf | null {
  const btf = findBtf(bytes, source);
  return btf === null ? null : { btf, banner: bannerOf(bytes), arch };
}

function inside({ source, maxBytes }: ImageOptions): CodecOptions {
  return { source, maxBytes, trailing: "ignore" };
}

function tooLarge({ source, maxBytes }: ImageOptions): FormatError {
  const detail = `what is compressed in it has more than ${maxBytes} bytes when unpacked (--max-size)`;
  return new FormatError("too-large", detail, { source });
}

function noBtf(source: string): FormatError {
  const detail = "the kernel has no BTF: was it built with CONFIG_DEBUG_INFO_BTF?";
  return new FormatError("missing-btf", detail, { source });
}
