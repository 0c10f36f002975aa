import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { BpfObject } from "../../lib/core/object.ts";
import type { MatchRules } from "../../lib/core/rules.ts";
import { sha256 } from "../bundle/bundle.ts";
import type { KernelIdentity } from "../kernel.ts";
import { partsOfPattern } from "../source/path-pattern.ts";
import type { ObjectTag } from "./object-tag.ts";

/** An object of a batch, as workers get it. */
export interface BatchObject {
  /** The file, or `file#object`: for messages. */
  readonly name: string;
  /** The ELF file's own bytes. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly littleEndian: boolean;
  /** Null where it is for kernels of every architecture. */
  readonly tag: ObjectTag | null;
}

/** Options that decide what comes out; plain data, for they travel to workers and into keys. */
export interface BatchOptions {
  readonly keepNames: boolean;
  readonly keepLong: boolean;
  /** Write the layout section. */
  readonly layoutSection: boolean;
  readonly padding: "offsets" | "explicit";
  readonly keep: readonly string[];
  readonly keepAttachTargets: boolean;
  /** Rule sets to serve, the first is the one that is counted. */
  readonly loaders: readonly MatchRules["name"][];
  /** Take each kernel's modules too, and write one BTF of all. */
  readonly modules: boolean;
  /** Largest size that anything may have when unpacked, in bytes. */
  readonly maxBytes: number;
  /** What is known of all kernels; null for what is not. */
  readonly identity: KernelIdentity;
  /** A pattern for what paths tell of each (see parsePathPattern), or null. */
  readonly paths: string | null;
}

/** All that a worker needs to know besides the file: the same for a whole run. */
export interface BatchSetup {
  /** What identifies the program: version and digest of its worker's code. */
  readonly build: string;
  readonly objects: readonly BatchObject[];
  readonly options: BatchOptions;
  /** SHA-256 over all of the above but the objects' names. */
  readonly digest: string;
}

/** A parsed object as a batch wants it. */
export function batchObject(object: BpfObject, tag: ObjectTag | null): BatchObject {
  const { bytes } = object.elf;
  return { name: object.source, bytes, sha256: sha256(bytes), littleEndian: object.littleEndian, tag };
}

/** Seals the parts of a setup. */
export function batchSetup(build: string, objects: readonly BatchObject[], options: BatchOptions): BatchSetup {
  const told = objects.map(({ sha256: hash, tag }) => [hash, tag?.arches ?? null]);
  // Options in a fixed order, whatever order they were written in.
  const digest = digestOf(JSON.stringify([build, told, Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))]));
  return { build, objects, options, digest };
}

/**
 * The key of a file's results: what it holds, what is asked of it, and what its path says of it. Two runs with the same
 * key have the same results.
 */
export function contentKey(setup: Pick<BatchSetup, "digest">, sourceHash: string, hint: string): string {
  return digestOf(`${setup.digest}\0${sourceHash}\0${hint}`);
}

/** How much of a path may say which kernel a file has: BTFHub's `ID/VERSION_ID/ARCH/RELEASE.btf.tar.xz`. */
const HINT_PARTS = 4;

/** What a file's results may depend on besides its bytes: the end of its path, and whether it must have a kernel. */
export function fileHint(
  { path, isNamed }: { readonly path: string; readonly isNamed: boolean },
  { options: { paths } }: Pick<BatchSetup, "options">,
): string {
  const parts = Math.max(HINT_PARTS, paths === null ? 0 : partsOfPattern(paths));
  const end = resolve(path).split("/").slice(-parts).join("/");
  return isNamed ? `${end}\0named` : end;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
