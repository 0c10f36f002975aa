import { existsSync, statSync } from "node:fs";
import type { SourceItem, SourceProblem } from "../corpus/source/item.ts";
import { relocateDistilled } from "../lib/btf/distilled.ts";
import { looksLikeBtf } from "../lib/btf/header.ts";
import { type BtfInput, parseBtf, parseModules } from "../lib/btf/parse.ts";
import type { Btf } from "../lib/btf/view.ts";
import { btfBytes, readBtfSections } from "../lib/elf/btf-section.ts";
import { looksLikeElf } from "../lib/elf/reader.ts";
import { InputError } from "./errors.ts";
import { readInput, STDIN_NAME } from "./input.ts";

/** Modules are taken where the argument is one; a package's own need its kernel, and are many. */
const OPTIONS = { modules: "alone" } as const;
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
  /** True for a BPF object's own types: `.BTF.ext` beside them names strings, too. */
  readonly hasExt?: boolean;
}

/**
 * Reads a BTF argument, judged by its content: raw BTF, an ELF file with a `.BTF` section (vmlinux, a module, an object),
 * or anything that holds just one kernel: its image, package or archive, in any compression, or a directory with one; `-`
 * is standard input; `BUNDLE!ENTRY` is one kernel of several. Throws InputError, or FormatError for a file that is
 * damaged.
 */
export async function readBtf(path: string): Promise<BtfBlob> {
  const blobs = await collect(path, MOST_NAMED + 1);
  const [blob] = blobs;
  if (blob === undefined || blobs.length > 1) {
    const names = blobs.slice(0, MOST_NAMED).map(({ source }) => partOf(source, path));
    const more = blobs.length > MOST_NAMED ? " and more" : "";
    throw new InputError(nameOfInput(path), `one kernel is expected, it has ${names.join(", ")}${more}`);
  }
  return blob;
}

/** As readBtf, but for any number of kernels or modules (at least one): all of them, in their order. */
export function readAllBtf(path: string): Promise<BtfBlob[]> {
  return collect(path, Number.POSITIVE_INFINITY);
}

async function collect(path: string, most: number): Promise<BtfBlob[]> {
  const source = nameOfInput(path);
  if (path !== "-" && isDirectory(path)) {
    const { readKernels } = await import("../corpus/source/read-kernels.ts");
    return blobsOf(readKernels(path, OPTIONS), source, most);
  }
  if (path.includes("!") && !existsSync(path)) {
    const { readEntryArgument } = await import("./bundle-entry.ts");
    const entry = await readEntryArgument(path);
    if (entry !== undefined) return [entry];
  }
  const bytes = readInput(path);
  if (bytes.length === 0) throw new InputError(source, "is empty");
  // Most arguments are one of these two, and need none of what reads the others.
  if (looksLikeBtf(bytes) || looksLikeElf(bytes)) return [blobOf(bytes, source)];
  const { kernelsOfBytes } = await import("../corpus/source/kernels-of-bytes.ts");
  return blobsOf(kernelsOfBytes(bytes, source, path, OPTIONS), source, most);
}

/** What is sound and no kernel is passed over where there is a kernel; what is damaged is not. */
async function blobsOf(items: AsyncIterable<SourceItem>, source: string, most: number): Promise<BtfBlob[]> {
  const blobs: BtfBlob[] = [];
  let nothing: SourceProblem | undefined;
  for await (const item of items) {
    if ("problem" in item) {
      if (item.code !== "no-kernel") throw new InputError(item.origin, item.problem);
      nothing ??= item;
      continue;
    }
    const distilledBase = "module" in item ? item.distilledBase : null;
    blobs.push({
      source: nameOfPart(item.origin, source),
      bytes: item.btf.bytes,
      ...(distilledBase && { distilledBase }),
    });
    if (blobs.length >= most) break;
  }
  if (blobs.length > 0) return blobs;
  const isOne = nothing?.origin === source;
  throw new InputError(source, isOne && nothing !== undefined ? nothing.problem : "no kernel's BTF was found in it");
}

/** A target as the engine wants it: a base, and any modules behind it. Throws FormatError. */
export function parseTarget(base: BtfBlob, modules: readonly BtfBlob[] = []): Btf {
  if (modules.length > 0 && base.distilledBase !== undefined) {
    throw new InputError(base.source, "is a module itself, where the kernel's own BTF is needed");
  }
  const parsed = parseAlone(base);
  if (modules.length === 0) return parsed;
  const inputs = modules.map(({ bytes, distilledBase, source }): BtfInput => {
    if (distilledBase === undefined) return { bytes, source };
    return { bytes: relocateDistilled(bytes, distilledBase, parsed, source), source };
  });
  return parseModules(parsed, inputs);
}

/** A module that brings its own distilled base can be read without the kernel's: behind that one, as bpftool does. */
function parseAlone({ bytes, distilledBase, source }: BtfBlob): Btf {
  if (distilledBase === undefined) return parseBtf(bytes, { source });
  return parseModules(parseBtf(distilledBase, { source: `${source} .BTF.base` }), [{ bytes, source }]);
}

function nameOfInput(path: string): string {
  return path === "-" ? STDIN_NAME : path;
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
  const { btf, btfBase, btfExt } = readBtfSections(bytes, source);
  // A file without .BTF is refused by btfBytes, which has the words for it.
  const found = btf ?? btfBytes(bytes, source);
  return {
    source,
    bytes: found,
    ...(btfBase && { distilledBase: btfBase }),
    ...(btfExt && { hasExt: true }),
  };
}
