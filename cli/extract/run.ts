import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256 } from "../../corpus/bundle/bundle.ts";
import { compressTar } from "../../corpus/bundle/container.ts";
import { packTar } from "../../corpus/bundle/tar.ts";
import type { KernelBtf, KernelIdentity } from "../../corpus/kernel.ts";
import { missingOptions } from "../../corpus/source/identity.ts";
import {
  isLooseModule,
  isPassedOver,
  isProblem,
  type LooseModule,
  type SourceItem,
  type SourceOptions,
  type SourceProblem,
} from "../../corpus/source/item.ts";
import { kernelsOfBytes } from "../../corpus/source/kernels-of-bytes.ts";
import { readFileKernels } from "../../corpus/source/read-kernels.ts";
import { walkFiles } from "../../corpus/source/walk.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { makeDirectory, writeFiles } from "../atomic.ts";
import type { Args } from "../command.ts";
import type { extract as command } from "../commands/extract.ts";
import { UsageError } from "../errors.ts";
import { identityOf, pathsOf } from "../inputs/identity-request.ts";
import { readInput, STDIN_NAME } from "../inputs/input.ts";

const MIB = 1 << 20;
/** What may be a part of a file's name: nothing from a package's data leads out of the directory. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+~:-]*$/;

/** What to write, and where. */
export interface ExtractRequest {
  readonly directory: string;
  readonly layout: "raw" | "btfhub";
  readonly options: SourceOptions;
}

/** A file that was written, or was there already with these bytes. */
export interface ExtractedFile {
  readonly origin: string;
  /** Below the output directory, with `/`. */
  readonly file: string;
  readonly identity: KernelIdentity;
  /** Bytes of the raw BTF, and its SHA-256. */
  readonly bytes: number;
  readonly sha256: string;
  readonly modules: number;
}

/** What a run left behind. */
export interface Extracted {
  readonly files: readonly ExtractedFile[];
  readonly problems: readonly SourceProblem[];
  /** Files of directories that hold no kernel. */
  readonly passedOver: number;
}

/** The command line's arguments. Throws UsageError. */
export function requestOf(args: Args<typeof command>): ExtractRequest {
  const mib = args["max-size"];
  if (mib !== undefined && !(mib > 0)) throw new UsageError("extract: --max-size takes a number of MiB above 0");
  const paths = pathsOf(args.paths);
  const options = {
    modules: args.modules,
    identity: identityOf(args),
    ...(paths && { paths }),
    ...(mib === undefined ? {} : { maxBytes: Math.floor(mib * MIB) }),
  };
  return { directory: args.output, layout: args.layout ?? "raw", options };
}

/** Writes every kernel as it is found, atomically each; problems are collected. */
export async function runExtract(sources: readonly string[], request: ExtractRequest): Promise<Extracted> {
  const files: ExtractedFile[] = [];
  const problems: SourceProblem[] = [];
  const taken: Taken = new Map();
  let passedOver = 0;
  for await (const { item, isNamed } of itemsOf(sources, request.options)) {
    if (isProblem(item)) {
      if (isPassedOver(item, isNamed)) passedOver++;
      else problems.push(item);
      continue;
    }
    const parts = isLooseModule(item) ? [extractModule(item, request, taken)] : extractKernel(item, request, taken);
    for await (const part of parts) {
      if (isProblem(part)) problems.push(part);
      else files.push(part);
    }
  }
  return { files, problems, passedOver };
}

async function* itemsOf(sources: readonly string[], options: SourceOptions) {
  for (const source of sources) {
    if (source === "-") {
      for await (const item of kernelsOfBytes(readInput("-"), STDIN_NAME, "", options)) yield { item, isNamed: true };
      continue;
    }
    for (const file of walkFiles(source)) {
      if (isProblem(file)) yield { item: file as SourceItem, isNamed: false };
      else for await (const item of readFileKernels(file, options)) yield { item, isNamed: file.isNamed };
    }
  }
}

/** Files of this run, with the SHA-256 of the BTF in each. */
type Taken = Map<string, string>;
type Part = ExtractedFile | SourceProblem;

/** A kernel, and what is wrong with its modules. */
async function* extractKernel(kernel: KernelBtf, request: ExtractRequest, taken: Taken): AsyncGenerator<Part> {
  const { origin, identity, btf, modules } = kernel;
  const stem = stemOf(identity, request.layout, origin);
  if (isProblem(stem)) return yield stem;
  const damage = damageOf(btf.bytes, origin);
  if (damage !== null) return yield damage;
  const hash = sha256(btf.bytes);
  const file = `${stem.name}${request.layout === "raw" ? ".btf" : ".btf.tar.xz"}`;
  const before = taken.get(file);
  if (before !== undefined && before !== hash) return yield alreadyThere("kernel", file, origin);
  if (before === undefined) {
    write(request, file, request.layout === "raw" ? btf.bytes : await archived(btf.bytes, identity.release ?? ""));
    taken.set(file, hash);
  }
  let written = 0;
  for (const { source, bytes } of modules) {
    const module = writeModule(source, bytes, stem.name, origin, request, taken);
    if (isProblem(module)) yield module;
    else written++;
  }
  yield { origin, file, identity, bytes: btf.bytes.length, sha256: hash, modules: written };
}

function extractModule(item: LooseModule, request: ExtractRequest, taken: Taken): Part {
  const { origin, identity, module, btf } = item;
  const stem = stemOf(identity, request.layout, origin);
  if (isProblem(stem)) return stem;
  const written = writeModule(module, btf.bytes, stem.name, origin, request, taken);
  if (isProblem(written)) return written;
  return { origin, file: written.file, identity, bytes: btf.bytes.length, sha256: written.hash, modules: 0 };
}

function writeModule(
  module: string,
  bytes: Uint8Array,
  stem: string,
  origin: string,
  request: ExtractRequest,
  taken: Taken,
): { readonly file: string; readonly hash: string } | SourceProblem {
  if (!SAFE_NAME.test(module)) return { origin, code: "bad-archive", problem: "a module's name is no name" };
  const file = `${stem}.modules/${module}.btf`;
  const hash = sha256(bytes);
  const before = taken.get(file);
  if (before !== undefined && before !== hash) return alreadyThere("module", file, origin);
  if (before === undefined) write(request, file, bytes);
  taken.set(file, hash);
  return { file, hash };
}

function alreadyThere(what: "kernel" | "module", file: string, origin: string): SourceProblem {
  return { origin, code: "no-kernel", problem: `another ${what} with other BTF is ${file} already` };
}

/** The file's name without its suffix, or what is not known and how to say it. */
function stemOf(identity: KernelIdentity, layout: "raw" | "btfhub", origin: string): { name: string } | SourceProblem {
  const { id, versionId, arch, release } = identity;
  const parts = layout === "raw" ? [release] : [id, versionId, arch, release];
  const missing = missingOptions(identity).filter((option) => layout === "btfhub" || option === "--release");
  if (missing.length > 0) {
    return {
      origin,
      code: "no-kernel",
      problem: `which kernel this is, is not known: pass ${missing.join(", ")}, or --paths`,
    };
  }
  if (!parts.every((part) => SAFE_NAME.test(part ?? ""))) {
    return { origin, code: "bad-archive", problem: `its name (${parts.join("/")}) cannot be a file's` };
  }
  return { name: parts.join("/") };
}

function damageOf(bytes: Uint8Array, origin: string): SourceProblem | null {
  try {
    parseBtf(bytes, { source: origin });
    return null;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { origin, code: error.code, problem: error.message.slice(origin.length + 2) };
  }
}

async function archived(bytes: Uint8Array, release: string): Promise<Uint8Array> {
  return compressTar(await packTar([{ name: `${release}.btf`, bytes }]), "tar.xz");
}

function write({ directory }: ExtractRequest, file: string, bytes: Uint8Array): void {
  const path = join(directory, file);
  makeDirectory(dirname(path), true);
  // The same bytes need no second write: an extraction that is repeated touches nothing.
  if (existsSync(path) && Buffer.compare(readFileSync(path), bytes) === 0) return;
  writeFiles([{ path, bytes }]);
}
