import { createHash } from "node:crypto";
import { relocateDistilled } from "../../lib/btf/distilled.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { type BtfInput, parseBtf } from "../../lib/btf/parse.ts";
import { compareText } from "../../lib/btf/text-order.ts";
import { openDeb, readDebData } from "../archive/deb.ts";
import type { ArchiveOptions, Member } from "../archive/member.ts";
import { openRpm, readRpmPayload } from "../archive/rpm.ts";
import { decompress } from "../codec/decompress.ts";
import { detectCodec } from "../codec/detect.ts";
import type { KernelBtf } from "../kernel.ts";
import { identityOfDeb, identityOfPath, identityOfRpm, mergeIdentities } from "./identity.ts";
import { isLooseModule, isProblem, type LooseModule, type SourceItem, type SourceOptions } from "./item.ts";
import { isModuleName } from "./module.ts";
import { elfItem, imageKernel, maxBytesOf, type Place } from "./place.ts";

/** Where packages have kernel images: Debian's, Fedora's, Arch's, and those of debug packages. */
const IMAGE_NAMES = [
  /^boot\/(?:vmlinu[xz]|bzImage|zImage|Image|kernel)[^/]*$/,
  /(?:^|\/)lib\/modules\/[^/]+\/(?:vmlinu[xz]|bzImage|zImage|uImage|Image)[^/]*$/,
  /^usr\/lib\/debug\/boot\/vmlinux[^/]*$/,
];
/** Beside images there are signatures and checksums of them. */
const NOT_IMAGES = /\.(hmac|sig|asc|map)$/;

/** A Debian package's kernel. @throws FormatError. */
export async function* readDebKernels(bytes: Uint8Array, place: Place, options: SourceOptions) {
  const deb = await openDeb(bytes, place.origin);
  const { sums } = deb.control;
  const isProved = ({ name, bytes: file }: Member) => {
    const sum = sums.get(name);
    if (sum === undefined) return false;
    if (createHash("md5").update(file).digest("hex") === sum) return true;
    const source = `${place.origin}!${name}`;
    throw new FormatError("bad-archive", "the file is not the one whose sum the package has: it is damaged", {
      source,
    });
  };
  const known = { ...place, identity: mergeIdentities(identityOfDeb(deb.control), place.identity) };
  yield* packageKernels((wanted) => readDebData(deb, wanted), isProved, known, options);
}

/** An rpm package's kernel. @throws FormatError. */
export async function* readRpmKernels(bytes: Uint8Array, place: Place, options: SourceOptions) {
  const rpm = openRpm(bytes, place.origin);
  const digest = rpm.tags.payloadDigest;
  const isSound = digest.length === 64 && createHash("sha256").update(rpm.payload).digest("hex") === digest;
  if (digest.length === 64 && !isSound) {
    throw new FormatError("bad-archive", "the payload's checksum does not match", { source: place.origin });
  }
  const known = { ...place, identity: mergeIdentities(identityOfRpm(rpm.tags), place.identity) };
  yield* packageKernels(
    (wanted) => readRpmPayload(rpm, wanted),
    () => isSound,
    known,
    options,
  );
}

/**
 * The kernel of a package, with its modules where they are asked for; the modules alone of a package that has no kernel.
 * A package is read to its end, because its checksum is there, but where the image is proved to be whole by other
 * means and nothing more is wanted: that saves nine tenths of the time.
 */
async function* packageKernels(
  open: (options: ArchiveOptions) => AsyncIterable<Member>,
  isProved: (member: Member) => boolean,
  place: Place,
  options: SourceOptions,
): AsyncGenerator<SourceItem, void> {
  let kernel: KernelBtf | null = null;
  const modules: LooseModule[] = [];
  const problems: SourceItem[] = [];
  const wanted = (name: string) =>
    (kernel === null && isImageName(name)) || (options.modules === true && isModuleName(name));
  for await (const member of open({ source: place.origin, wanted, maxBytes: maxBytesOf(options) })) {
    const inside = {
      origin: `${place.origin}!${member.name}`,
      identity: mergeIdentities(place.identity, identityOfPath(member.name)),
      depth: place.depth + 1,
    };
    try {
      if (isModuleName(member.name)) {
        const item = await moduleOf(member, inside, options);
        if (isLooseModule(item)) modules.push(item);
        else if (isProblem(item) && item.code !== "missing-btf") problems.push(item);
        continue;
      }
      const proved = isProved(member);
      kernel = await imageKernel(member.bytes, inside, options);
      if (options.modules !== true && proved) break;
    } catch (error) {
      if (!(error instanceof FormatError) || error.source !== inside.origin) throw error;
      problems.push({ origin: inside.origin, code: error.code, problem: withoutSource(error) });
    }
  }
  if (kernel !== null) yield withModules(kernel, modules);
  else yield* modules;
  // Another image of the same package may be without BTF (a compressed copy of it): no problem where one was found.
  for (const problem of problems)
    if (kernel === null || ("origin" in problem && isModuleName(problem.origin))) yield problem;
  if (kernel === null && modules.length === 0 && problems.length === 0) {
    const problem = "the package has no kernel image (some come in a package beside: linux-binary-*, kernel-core)";
    yield { origin: place.origin, code: "no-kernel", problem };
  }
}

/** True for the name of a kernel image in a package, of any distribution. */
export function isImageName(name: string): boolean {
  return IMAGE_NAMES.some((pattern) => pattern.test(name)) && !NOT_IMAGES.test(name);
}

async function moduleOf({ bytes }: Member, place: Place, options: SourceOptions): Promise<SourceItem> {
  const codec = detectCodec(bytes);
  const limits = { source: place.origin, maxBytes: maxBytesOf(options) };
  return elfItem(codec === null ? bytes : await decompress(bytes, limits, codec), place, options);
}

/** A kernel and its modules, by name; those with a distilled base get the kernel's types for it. @throws FormatError. */
export function withModules(kernel: KernelBtf, loose: readonly LooseModule[]): KernelBtf {
  if (loose.length === 0) return kernel;
  const sorted = [...loose].sort((a, b) => compareText(a.module, b.module));
  const needsBase = sorted.some(({ distilledBase }) => distilledBase !== null);
  const base = needsBase ? parseBtf(kernel.btf.bytes, { source: kernel.origin }) : null;
  const modules = sorted.map(({ btf, module, distilledBase }): BtfInput => {
    if (distilledBase === null || base === null) return { bytes: btf.bytes, source: module };
    return { bytes: relocateDistilled(btf.bytes, distilledBase, base, btf.source), source: module };
  });
  return { ...kernel, modules };
}

function withoutSource(error: FormatError): string {
  return error.message.slice(error.source === undefined ? 0 : error.source.length + 2);
}
