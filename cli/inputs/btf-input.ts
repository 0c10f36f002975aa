import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import {
  NO_KERNEL,
  NOT_A_KERNEL,
  type SourceItem,
  type SourceOptions,
  type SourceProblem,
} from "../../corpus/source/item.ts";
import { isModuleName } from "../../corpus/source/module.ts";
import { relocateDistilled } from "../../lib/btf/distilled.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { isSplitBtf, looksLikeBtf } from "../../lib/btf/header.ts";
import { type BtfInput, parseBtf, parseModules } from "../../lib/btf/parse.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { btfBytes, btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { EM_BPF } from "../../lib/elf/format.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { InputError } from "../errors.ts";
import { nameOfInput, readInput, SWAPPED, UNPACK } from "./input.ts";

/** Where a kernel is asked for, modules are taken if they are what the argument is; a package's own are many. */
const ALONE = { modules: "alone" } as const;
const WITH_MODULES = { modules: true } as const;
/** A file of a bundle: ID/VERSION_ID/ARCH/RELEASE.btf. */
const BUNDLE_ENTRY = /^[^/!]+(\/[^/!]+){3}\.btf$/;
/** A file with more kernels than that is not read to its end to say so. */
const MOST_NAMED = 4;

/** One blob of BTF out of an input file. */
export interface BtfBlob {
  /** The file's name for messages; `archive:entry` for a blob out of an archive. */
  readonly source: string;
  /** Raw BTF. */
  readonly bytes: Uint8Array;
  /** A kernel module's distilled base (`.BTF.base`). */
  readonly distilledBase?: Uint8Array;
  /** True where `.BTF.ext` beside the types names strings, too. */
  readonly hasExt?: boolean;
  /** True for a BPF object, whose types are no kernel's. */
  readonly isObject?: boolean;
  /** True for split BTF of a package, an archive or a directory. */
  readonly isModule?: boolean;
  /** Which kernel's it is, as far as what it came in says. */
  readonly identity?: KernelIdentity;
}

/**
 * Reads a BTF argument, judged by its content: raw BTF, an ELF file with a `.BTF` section (vmlinux, a module, an object),
 * or anything that holds just one kernel: its image, package or archive, in any compression, or a directory with one; `-`
 * is standard input; `BUNDLE!ENTRY` is one kernel of several. Throws InputError, or FormatError for a file that is
 * damaged.
 */
export async function readBtf(path: string): Promise<BtfBlob> {
  return onlyBlob(path, await collect(path, ALONE, MOST_NAMED + 1));
}

/** As readBtf, where it must be a kernel's. Throws InputError, or FormatError. */
export async function readKernel(path: string): Promise<BtfBlob> {
  const blob = await readBtf(path);
  requireKernel(blob);
  return blob;
}

/** Throws InputError for BTF of a BPF object or of a module: against either, a loader would find next to nothing. */
export function requireKernel({ source, isObject, distilledBase }: BtfBlob): void {
  if (isObject) throw new InputError(source, NOT_A_KERNEL, SWAPPED);
  if (distilledBase !== undefined) throw new InputError(source, "a kernel module, not a kernel");
}

/** Throws InputError for BTF of a BPF object, or of a kernel: it would be read as if its ids went on where another's end. */
export function requireModule({ source, bytes, isObject, isModule, distilledBase }: BtfBlob): void {
  if (isObject) throw new InputError(source, "a BPF object, not a kernel module");
  if (isModule !== true && distilledBase === undefined && !isSplitBtf(bytes, source)) {
    throw new InputError(source, "a kernel, not a kernel module");
  }
}

/** As readBtf, with the modules that the package, archive or directory has beside the kernel: in their order. */
export async function readBtfAndModules(
  path: string,
): Promise<{ readonly kernel: BtfBlob; readonly modules: readonly BtfBlob[] }> {
  const blobs = await collect(path, WITH_MODULES);
  const kernels = blobs.filter(({ isModule }) => isModule !== true);
  if (kernels.length === 0) throw withoutKernel(path);
  return { kernel: onlyBlob(path, kernels), modules: blobs.filter(({ isModule }) => isModule === true) };
}

/** Reads modules (at least one): one, or all of a package, archive or directory, whose kernel is passed over. */
export async function readModules(path: string): Promise<BtfBlob[]> {
  const blobs = await collect(path, WITH_MODULES);
  const modules = blobs.filter(({ isModule }) => isModule === true);
  return modules.length > 0 ? modules : blobs;
}

function withoutKernel(path: string): InputError {
  return new InputError(nameOfInput(path), "has modules, and not the kernel that they are of");
}

function onlyBlob(path: string, blobs: readonly BtfBlob[]): BtfBlob {
  const [blob] = blobs;
  if (blob === undefined || blobs.length > 1) {
    if (blobs.every(({ isModule }) => isModule === true)) throw withoutKernel(path);
    const names = blobs.slice(0, MOST_NAMED).map(({ source }) => partOf(source, path));
    const more = blobs.length > MOST_NAMED ? " and more" : "";
    throw new InputError(
      nameOfInput(path),
      `one kernel is expected, it has ${names.join(", ")}${more}`,
      oneOf(path, names),
    );
  }
  return blob;
}

/** How to name one kernel of a directory's or a bundle's. */
function oneOf(path: string, [first = ""]: readonly string[]): string | undefined {
  if (isDirectory(path)) return `Name one of them: ${join(path, first.split("!", 1)[0] ?? "")}`;
  // In quotes: bash takes ! in a command line for one of its own.
  return BUNDLE_ENTRY.test(first) ? `Name one of them: '${path}!${first}'` : undefined;
}

async function collect(path: string, options: SourceOptions, most = Number.POSITIVE_INFINITY): Promise<BtfBlob[]> {
  const source = nameOfInput(path);
  if (path !== "-" && isDirectory(path)) {
    const { readKernels } = await import("../../corpus/source/read-kernels.ts");
    return blobsOf(readKernels(path, options), source, most);
  }
  if (path.includes("!") && !existsSync(path)) {
    const { readEntryArgument } = await import("../bundle/entry.ts");
    const entry = await readEntryArgument(path);
    if (entry !== undefined) return [entry];
  }
  const bytes = readInput(path);
  if (bytes.length === 0) throw new InputError(source, "is empty");
  // Most arguments are one of these two, and need none of what reads the others.
  if (looksLikeBtf(bytes) || looksLikeElf(bytes)) return [blobOf(bytes, source)];
  const { kernelsOfBytes } = await import("../../corpus/source/kernels-of-bytes.ts");
  return blobsOf(kernelsOfBytes(bytes, source, path, options), source, most);
}

/** What is sound and no kernel is passed over where there is a kernel; what is damaged is not. */
async function blobsOf(items: AsyncIterable<SourceItem>, source: string, most: number): Promise<BtfBlob[]> {
  const blobs: BtfBlob[] = [];
  let nothing: SourceProblem | undefined;
  for await (const item of items) {
    if ("problem" in item) {
      // A few modules have no types.
      const isEmpty = item.code === "missing-btf" && isModuleName(item.origin) && item.origin !== source;
      if (item.code !== "no-kernel" && !isEmpty) throw new InputError(item.origin, item.problem);
      nothing ??= item;
      continue;
    }
    const { identity } = item;
    const blob = { source: nameOfPart(item.origin, source), bytes: item.btf.bytes, identity };
    if ("module" in item) {
      blobs.push({ ...blob, isModule: true, ...(item.distilledBase && { distilledBase: item.distilledBase }) });
    } else {
      blobs.push(blob, ...item.modules.map((module) => ({ ...module, isModule: true, identity })));
    }
    if (blobs.length >= most) break;
  }
  if (blobs.length > 0) return blobs;
  const problem = nothing?.origin === source ? nothing.problem : NO_KERNEL;
  throw new InputError(source, problem, problem === NOT_A_KERNEL ? UNPACK : undefined);
}

/** A target as the engine wants it: a base, and any modules behind it, for which it must be a kernel's. Throws FormatError. */
export function parseTarget(base: BtfBlob, modules: readonly BtfBlob[] = []): Btf {
  if (modules.length > 0) requireKernel(base);
  modules.forEach(requireModule);
  const parsed = parseAlone(base);
  if (modules.length === 0) return parsed;
  try {
    const inputs = modules.map(({ bytes, distilledBase, source }): BtfInput => {
      if (distilledBase === undefined) return { bytes, source };
      return { bytes: relocateDistilled(bytes, distilledBase, parsed, source), source };
    });
    return parseModules(parsed, inputs);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // The types of a module are sound behind those of its own kernel alone.
    const { source = base.source, message } = error;
    throw new InputError(source, message.replace(`${source}: `, ""), `Is it of that kernel, ${base.source}?`);
  }
}

/** A module that brings its own distilled base can be read without the kernel's: behind that one, as bpftool does. */
function parseAlone({ bytes, distilledBase, source }: BtfBlob): Btf {
  if (distilledBase === undefined) return parseBtf(bytes, { source });
  return parseModules(parseBtf(distilledBase, { source: `${source} .BTF.base` }), [{ bytes, source }]);
}

/** `archive:entry`, as messages of one kernel have it. */
function nameOfPart(origin: string, source: string): string {
  return origin.startsWith(`${source}!`) ? `${source}:${origin.slice(source.length + 1)}` : origin;
}

/** A blob's name inside its archive or directory. */
function partOf(source: string, path: string): string {
  const inside = source.startsWith(path) ? source.slice(path.length) : source;
  return inside.replace(/^[:/]/, "") || source;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function blobOf(bytes: Uint8Array, source: string): BtfBlob {
  if (looksLikeBtf(bytes)) return { source, bytes };
  const elf = openElf(bytes, source);
  const { btf, btfBase, btfExt } = btfSectionsOf(elf);
  const isObject = elf.machine === EM_BPF;
  if (btf === undefined && isObject) throw new InputError(source, "a BPF object without types (.BTF)");
  // Another file without .BTF is refused by btfBytes, which has the words for it.
  const found = btf ?? btfBytes(bytes, source);
  return {
    source,
    bytes: found,
    ...(btfBase && { distilledBase: btfBase }),
    ...(btfExt && { hasExt: true }),
    ...(isObject && { isObject }),
  };
}
