import { gunzipSync } from "node:zlib";
import { relocateDistilled } from "../lib/btf/distilled.ts";
import { looksLikeBtf } from "../lib/btf/header.ts";
import { type BtfInput, parseBtf, parseModules } from "../lib/btf/parse.ts";
import type { Btf } from "../lib/btf/view.ts";
import { btfBytes, readBtfSections } from "../lib/elf/btf-section.ts";
import { looksLikeElf } from "../lib/elf/reader.ts";
import { ArchiveError, looksLikeArchive, readArchive } from "./archive.ts";
import { InputError } from "./errors.ts";
import { readInput, STDIN_NAME } from "./input.ts";

const GZIP_MAGIC_0 = 0x1f;
const GZIP_MAGIC_1 = 0x8b;
/** A bound for hostile gzip: a kernel's BTF has 10 MB, a whole vmlinux less than this. */
const MAX_INFLATED_BYTES = 1 << 30;
const BTF_SUFFIX = ".btf";

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
 * Reads a BTF argument, judged by its content: raw BTF, an ELF file with a `.BTF` section (vmlinux, a module, an
 * object), either of them in gzip, or a BTFHub archive (tar, plain or in xz, gzip or bzip2) with one `*.btf` file; `-` is
 * standard input. Throws InputError, or FormatError for a file that is damaged.
 */
export async function readBtf(path: string): Promise<BtfBlob> {
  const blobs = await readAllBtf(path);
  const [blob] = blobs;
  if (blob === undefined || blobs.length > 1) {
    const names = blobs.map(({ source }) => source.slice(source.lastIndexOf(":") + 1));
    throw new InputError(nameOfInput(path), `one .btf file is expected in the archive, it has ${names.join(", ")}`);
  }
  return blob;
}

/** As readBtf, but an archive may hold any number of `*.btf` files (at least one): all of them, in its order. */
export async function readAllBtf(path: string): Promise<BtfBlob[]> {
  const source = nameOfInput(path);
  const bytes = inflated(readInput(path), source);
  if (bytes.length === 0) throw new InputError(source, "is empty");
  if (!looksLikeArchive(bytes)) return [blobOf(bytes, source)];
  const files = await archived(bytes, source);
  if (files.length === 0) throw new InputError(source, "no .btf file is in the archive");
  return files.map((file) => blobOf(file.bytes, `${source}:${file.path}`));
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

function blobOf(bytes: Uint8Array, source: string): BtfBlob {
  if (looksLikeBtf(bytes)) return { source, bytes };
  if (!looksLikeElf(bytes)) {
    throw new InputError(
      source,
      "holds no BTF: not raw BTF, an ELF file, or an archive (tar, also in xz, gzip or bzip2)",
    );
  }
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

function inflated(bytes: Uint8Array, source: string): Uint8Array {
  if (bytes[0] !== GZIP_MAGIC_0 || bytes[1] !== GZIP_MAGIC_1) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (error) {
    throw new InputError(source, `the gzip data is damaged: ${error instanceof Error ? error.message : error}`);
  }
}

async function archived(bytes: Uint8Array, source: string) {
  try {
    return await readArchive(bytes, (path) => path.endsWith(BTF_SUFFIX));
  } catch (error) {
    if (error instanceof ArchiveError) throw new InputError(source, error.message);
    throw error;
  }
}
