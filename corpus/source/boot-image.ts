import { createHash } from "node:crypto";
import { FormatError } from "../../lib/btf/error.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { EM_BPF } from "../../lib/elf/format.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { looksLikeAr } from "../archive/ar.ts";
import { openDeb, readDebData } from "../archive/deb.ts";
import type { ArchiveOptions, Member } from "../archive/member.ts";
import { looksLikeRpm, openRpm, readRpmPayload } from "../archive/rpm.ts";
import { releaseOfBanner } from "../image/banner.ts";
import { btfFromImage, looksLikeImage } from "../image/kernel-image.ts";
import { DEFAULT_MAX_BYTES, type SourceOptions } from "./item.ts";
import { isImageName } from "./package.ts";

/** A kernel that can be booted, with its BTF. */
export interface BootImage {
  /** The image as a boot loader takes it. */
  readonly image: Uint8Array;
  /** `file`, or `package!member`. */
  readonly origin: string;
  /** Raw BTF, out of the very image. */
  readonly btf: Uint8Array;
  /** BTFHub's name of the architecture, or null. */
  readonly arch: string | null;
  /** `uname -r`, or null where the image does not say. */
  readonly release: string | null;
  /** How it was configured (`CONFIG_...=y`, lines), where the package says; else null. */
  readonly config: Uint8Array | null;
}

/** A configuration beside the image: Debian's and openSUSE's place, Fedora's. */
const CONFIG_NAME = /^(?:boot\/config-[^/]+|(?:usr\/)?lib\/modules\/[^/]+\/config)$/;

/** How much of a file tells whether bootImageOf may find something in it: s390's images say late what they are. */
export const BOOT_IMAGE_HEAD_BYTES = 1 << 17;

/** Whether a file that begins like this is a kernel image, or a package that may have one. */
export function mayHaveBootImage(head: Uint8Array): boolean {
  return looksLikeAr(head) || looksLikeRpm(head) || looksLikeImage(head) || looksLikeElf(head);
}

/**
 * The kernel image in a file's bytes: an image (or ELF vmlinux) itself, or the first one in a .deb or .rpm that has BTF.
 * @throws FormatError for damage, or a file that has none.
 */
export async function bootImageOf(bytes: Uint8Array, origin: string, options: SourceOptions = {}): Promise<BootImage> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const archive: ArchiveOptions = { source: origin, wanted: isWanted, maxBytes };
  if (looksLikeAr(bytes)) {
    const deb = await openDeb(bytes, origin);
    return firstOf(readDebData(deb, archive), archive, deb.control.sums);
  }
  if (looksLikeRpm(bytes)) return firstOf(readRpmPayload(openRpm(bytes, origin), archive), archive);
  return bootImage(bytes, origin, maxBytes);
}

function isWanted(name: string): boolean {
  return isImageName(name) || CONFIG_NAME.test(name);
}

async function bootImage(image: Uint8Array, origin: string, maxBytes: number): Promise<BootImage> {
  if (!looksLikeImage(image) && !looksLikeElf(image)) {
    throw new FormatError("bad-archive", "not a kernel image, nor a package with one", { source: origin });
  }
  if (looksLikeElf(image) && openElf(image, origin).machine === EM_BPF) {
    throw new FormatError("bad-archive", "a BPF object, not a kernel image", { source: origin });
  }
  const { btf, banner, arch } = await btfFromImage(image, { source: origin, maxBytes });
  return {
    image,
    origin,
    btf: new Uint8Array(btf),
    arch,
    release: banner === null ? null : releaseOfBanner(banner),
    config: null,
  };
}

/** `sums` are MD5 of the files, hexadecimal, where the package has them. */
async function firstOf(
  members: AsyncIterable<Member>,
  { source, maxBytes }: ArchiveOptions,
  sums: ReadonlyMap<string, string> = new Map(),
): Promise<BootImage> {
  let problem: FormatError | undefined;
  // Names are sorted in packages, so that it comes first.
  let config: Uint8Array | null = null;
  for await (const { name, bytes } of members) {
    const sum = sums.get(name);
    if (sum !== undefined && createHash("md5").update(bytes).digest("hex") !== sum) {
      const detail = "the file is not the one whose sum the package has: it is damaged";
      throw new FormatError("bad-archive", detail, { source: `${source}!${name}` });
    }
    if (CONFIG_NAME.test(name)) {
      config = bytes;
      continue;
    }
    try {
      return { ...(await bootImage(bytes, `${source}!${name}`, maxBytes)), config };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problem ??= error;
    }
  }
  const detail = "the package has no kernel image (some come in a package beside: linux-binary-*, kernel-core)";
  throw problem ?? new FormatError("missing-btf", detail, { source });
}
