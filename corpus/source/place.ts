import { isSplitBtf } from "../../lib/btf/header.ts";
import { btfBytes, btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { type Elf, openElf } from "../../lib/elf/elf.ts";
import { EM_BPF } from "../../lib/elf/format.ts";
import { bannerOf, releaseOfBanner } from "../image/banner.ts";
import { archOfElf, btfFromImage } from "../image/kernel-image.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";
import { mergeIdentities, UNKNOWN_IDENTITY } from "./identity.ts";
import { DEFAULT_MAX_BYTES, NOT_A_KERNEL, type SourceItem, type SourceOptions } from "./item.ts";
import { moduleInfo, moduleNameOf } from "./module.ts";

/** What is known on the way down into a file. */
export interface Place {
  /** For messages: `file`, `archive!member`. */
  readonly origin: string;
  /** From packages around it, and paths. */
  readonly identity: KernelIdentity;
  /** Archives and compressions around it. */
  readonly depth: number;
}

/** Raw BTF at a place, as the kernel it is of; the caller's word counts before all. */
export function kernelAt(bytes: Uint8Array, { origin, identity }: Place, options: SourceOptions): KernelBtf {
  const known = mergeIdentities(options.identity ?? UNKNOWN_IDENTITY, identity);
  return { identity: known, origin, btf: { bytes, source: origin }, modules: [] };
}

/**
 * Raw BTF: a kernel's, or a module's.
 * @throws FormatError for a header that makes no sense, or says more than there is.
 */
export function rawItem(bytes: Uint8Array, place: Place, options: SourceOptions): SourceItem {
  if (!isSplitBtf(bytes, place.origin)) return kernelAt(bytes, place, options);
  const { origin } = place;
  if (!options.modules) return withoutKernel(origin);
  const identity = mergeIdentities(options.identity ?? UNKNOWN_IDENTITY, place.identity);
  return { identity, origin, module: moduleNameOf(origin), btf: { bytes, source: origin }, distilledBase: null };
}

function withoutKernel(origin: string): SourceItem {
  const problem = "a kernel module's BTF, which is of use with its kernel's only (--modules takes it all the same)";
  return { origin, code: "module", problem };
}

/**
 * A kernel image's kernel. The image is the best witness of its release and architecture.
 * @throws FormatError as btfFromImage.
 */
export async function imageKernel(bytes: Uint8Array, place: Place, options: SourceOptions): Promise<KernelBtf> {
  const { btf, banner, arch } = await btfFromImage(bytes, { source: place.origin, maxBytes: maxBytesOf(options) });
  return kernelAt(copied(btf), witnessed(place, arch, banner), options);
}

/** A vmlinux or a module, by what the ELF file says of itself. @throws FormatError. */
export function elfItem(bytes: Uint8Array, place: Place, options: SourceOptions): SourceItem {
  const { origin } = place;
  const elf = openElf(bytes, origin);
  if (elf.machine === EM_BPF) return { origin, code: "no-kernel", problem: NOT_A_KERNEL };
  const info = moduleInfo(elf, origin);
  if (info !== null) return moduleItem(elf, info.name, info.release, place, options);
  return kernelAt(copied(btfBytes(bytes, origin)), witnessed(place, archOfElf(elf), bannerOf(bytes)), options);
}

function moduleItem(
  elf: Elf,
  module: string,
  release: string | null,
  place: Place,
  options: SourceOptions,
): SourceItem {
  const { origin } = place;
  const { btf, btfBase } = btfSectionsOf(elf);
  if (btf === undefined) return { origin, code: "missing-btf", problem: "the module has no BTF" };
  if (!options.modules) return withoutKernel(origin);
  const own = { arch: archOfElf(elf), release };
  const identity = mergeIdentities(options.identity ?? UNKNOWN_IDENTITY, own, place.identity);
  const distilledBase = btfBase === undefined ? null : copied(btfBase);
  return { identity, origin, module, btf: { bytes: copied(btf), source: origin }, distilledBase };
}

/** A copy, which lets go of the file around it; the slice() of a Buffer would not. */
function copied(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function witnessed(place: Place, arch: string | null, banner: string | null): Place {
  const release = banner === null ? null : releaseOfBanner(banner);
  return { ...place, identity: mergeIdentities({ arch, release }, place.identity) };
}

/** The bound for what is unpacked. */
export function maxBytesOf({ maxBytes = DEFAULT_MAX_BYTES }: SourceOptions): number {
  return maxBytes;
}
