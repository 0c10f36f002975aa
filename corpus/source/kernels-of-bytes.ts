import { FormatError } from "../../lib/btf/error.ts";
import { looksLikeBtf } from "../../lib/btf/header.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { looksLikeAr } from "../archive/ar.ts";
import { looksLikeCpio, readCpio } from "../archive/cpio.ts";
import type { ArchiveOptions, Member } from "../archive/member.ts";
import { looksLikeRpm } from "../archive/rpm.ts";
import { looksLikeTar, readTar } from "../archive/tar.ts";
import { decompressChunks, joined } from "../codec/decompress.ts";
import { detectCodec } from "../codec/detect.ts";
import { looksLikeImage } from "../image/kernel-image.ts";
import type { KernelIdentity } from "../kernel.ts";
import { identityOfPath, mergeIdentities, promisesBtf } from "./identity.ts";
import { isProblem, type SourceItem, type SourceOptions } from "./item.ts";
import { readDebKernels, readRpmKernels } from "./package.ts";
import { identityByPattern } from "./path-pattern.ts";
import { elfItem, imageKernel, maxBytesOf, type Place, rawItem } from "./place.ts";

/** An archive in an archive in a compression: deeper is a trap. */
const MAX_DEPTH = 6;

/**
 * The kernels in a file's bytes, whatever it is (judged by its content): raw BTF, ELF, a kernel image, a compression
 * or an archive of them, a package. What is wrong comes as data and in its place: the kernels before it have come, and
 * those of other members come still where the archive itself is sound.
 *
 * `path` is where the file is, for what its path tells of the kernel; `origin` is its name for messages.
 */
export async function* kernelsOfBytes(
  bytes: Uint8Array,
  origin: string,
  path: string,
  options: SourceOptions = {},
): AsyncGenerator<SourceItem, void, undefined> {
  yield* caught({ origin, identity: identityAt(path, options), depth: 0 }, (place) => read(bytes, place, options));
}

/** As kernelsOfBytes for a tar that comes in pieces: one too large for memory. */
export async function* kernelsOfTar(
  chunks: AsyncIterable<Uint8Array>,
  origin: string,
  path: string,
  options: SourceOptions = {},
): AsyncGenerator<SourceItem, void, undefined> {
  const place = { origin, identity: identityAt(path, options), depth: 0 };
  yield* caught(place, () => members((archive) => readTar(chunks, archive), place, options));
}

/** Turns a damaged part into data. */
async function* caught(
  place: Place,
  action: (place: Place) => AsyncIterable<SourceItem>,
): AsyncGenerator<SourceItem, void, undefined> {
  try {
    yield* action(place);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // The error's own source may be deeper than what we know; where it is this one, it need not be said twice.
    const inside = error.source?.startsWith(place.origin) ? error.source : place.origin;
    const prefix = `${error.source}: `;
    const problem = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
    yield { origin: inside, code: error.code, problem };
  }
}

async function* read(bytes: Uint8Array, place: Place, options: SourceOptions): AsyncGenerator<SourceItem, void> {
  const { origin, depth } = place;
  const nothing = (problem: string): SourceItem => ({ origin, code: "no-kernel", problem });
  if (depth > MAX_DEPTH)
    throw new FormatError("too-large", "archives inside each other, without end", { source: origin });
  if (bytes.length === 0) yield nothing("is empty");
  else if (looksLikeBtf(bytes)) yield rawItem(bytes, place, options);
  else if (looksLikeElf(bytes)) yield elfItem(bytes, place, options);
  else if (looksLikeAr(bytes)) yield* readDebKernels(bytes, place, options);
  else if (looksLikeRpm(bytes)) yield* readRpmKernels(bytes, place, options);
  else if (looksLikeCpio(bytes)) yield* members((archive) => readCpio(once(bytes), archive), place, options);
  else if (looksLikeTar(bytes)) yield* members((archive) => readTar(once(bytes), archive), place, options);
  else if (looksLikeImage(bytes)) yield await imageKernel(bytes, place, options);
  else if (detectCodec(bytes) !== null) yield* compressed(bytes, place, options);
  else yield nothing("holds no BTF: not raw BTF, an ELF file, a kernel image, a package, or an archive of these");
}

/** A compression of one file, or of a tar: which, its first bytes tell. */
async function* compressed(bytes: Uint8Array, place: Place, options: SourceOptions): AsyncGenerator<SourceItem, void> {
  const maxBytes = maxBytesOf(options);
  // A tar may be of any size: its members are bounded, one by one.
  const { memory } = options;
  const all = decompressChunks(bytes, {
    source: place.origin,
    maxBytes: Number.MAX_SAFE_INTEGER,
    ...(memory && { memory }),
  });
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const piece of all) {
    pieces.push(piece);
    total += piece.length;
    if (total > maxBytes) {
      const detail = `more than ${maxBytes} bytes when unpacked (--max-size)`;
      throw new FormatError("too-large", detail, { source: place.origin });
    }
    const start = pieces.length === 1 || total < 1024 ? joined(pieces) : undefined;
    if (start !== undefined && looksLikeTar(start)) {
      yield* members((archive) => readTar(resumed(start, all), archive), place, options);
      return;
    }
  }
  yield* read(joined(pieces), { ...place, depth: place.depth + 1 }, options);
}

async function* resumed(start: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield start;
  yield* rest;
}

/**
 * Each member of an archive as a file of its own. An archive in which no member has a kernel says so once. Members without
 * one are passed over, but not where their names promise BTF.
 */
async function* members(
  open: (archive: ArchiveOptions) => AsyncIterable<Member>,
  place: Place,
  options: SourceOptions,
): AsyncGenerator<SourceItem, void> {
  const others: SourceItem[] = [];
  const onOther = (name: string, problem: string) => {
    if (promisesBtf(name)) others.push({ origin: `${place.origin}!${name}`, code: "no-kernel", problem });
  };
  const archive = { source: place.origin, wanted: () => true, maxBytes: maxBytesOf(options), onOther };
  let found = 0;
  for await (const { name, bytes } of open(archive)) {
    const inside = {
      origin: `${place.origin}!${name}`,
      identity: mergeIdentities(identityAt(name, options), place.identity),
      depth: place.depth + 1,
    };
    for await (const item of caught(inside, (at) => read(bytes, at, options))) {
      if (isProblem(item) && item.code === "no-kernel" && !promisesBtf(item.origin)) continue;
      found++;
      yield item;
    }
  }
  yield* others;
  if (found + others.length === 0)
    yield { origin: place.origin, code: "no-kernel", problem: "the archive has no kernel's BTF" };
}

function identityAt(path: string, { paths }: SourceOptions): KernelIdentity {
  const usual = identityOfPath(path);
  return paths === undefined ? usual : mergeIdentities(identityByPattern(paths, path), usual);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
