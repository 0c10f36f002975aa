import * as v from "valibot";
import { FormatError } from "../../lib/btf/error.ts";
import { compareText } from "../../lib/btf/text-order.ts";
import type { KernelIdentity } from "../kernel.ts";
import type { BundleEntry } from "./bundle.ts";

/** The index of a store, inside the bundle. */
export const INDEX_NAME = "index.json";
/** What `version` says; a reader refuses any other. */
export const INDEX_VERSION = 1;
/** For a part of an identity that is not known. */
const UNKNOWN = "-";
/** More than any index has: 100,000 kernels take 3 MB. A bound for what is parsed. */
const MAX_INDEX_BYTES = 64 << 20;

const HashSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hexadecimal"));
const PartSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const BlobNumberSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/**
 * `index.json`, version 1: only what selection needs. `blobs` are the hashes of the distinct blobs in ascending order,
 * each the file `btf/HASH.btf` (or `object/HASH.o` where `content` says so); `kernels` leads from ID, VERSION_ID, arch and release to a blob's place in `blobs`.
 */
const IndexSchema = v.strictObject({
  version: v.literal(INDEX_VERSION, "is of a version that this program does not read"),
  // Not there for BTF, as it was not before there were others.
  content: v.optional(v.literal("object")),
  blobs: v.array(HashSchema),
  kernels: v.record(PartSchema, v.record(PartSchema, v.record(PartSchema, v.record(PartSchema, BlobNumberSchema)))),
});

/** The parsed index of a store. */
export type StoreIndex = v.InferOutput<typeof IndexSchema>;

/** A kernel of an index with the hash of its blob. */
export interface IndexedKernel {
  readonly identity: KernelIdentity;
  readonly blobHash: string;
}

/** What a store holds: small BTF, or objects that were relocated ahead of time. */
export type BundleContent = "btf" | "object";

/** The file of a blob in a store. */
export function blobName(hash: string, content: BundleContent = "btf"): string {
  return content === "btf" ? `btf/${hash}.btf` : `object/${hash}.o`;
}

/** The hash in a blob's file name, or null for another file. */
export function hashOfBlobName(name: string): string | null {
  return /^(?:btf\/([0-9a-f]{64})\.btf|object\/([0-9a-f]{64})\.o)$/.exec(name)?.slice(1).find(Boolean) ?? null;
}

/** The index of entries, in one line: no space, and a newline at the end. */
export function formatIndex(entries: readonly BundleEntry[], content: BundleContent = "btf"): string {
  const blobs = [...new Set(entries.map(({ blobHash }) => blobHash))].sort();
  const numbers = new Map(blobs.map((hash, number) => [hash, number]));
  const kernels = new Map<string, Map<string, Map<string, Map<string, number>>>>();
  for (const { identity, blobHash } of entries) {
    const versions = inner(kernels, identity.id ?? UNKNOWN);
    const arches = inner(versions, identity.versionId ?? UNKNOWN);
    inner(arches, identity.arch ?? UNKNOWN).set(identity.release ?? UNKNOWN, numbers.get(blobHash) ?? -1);
  }
  const said = content === "btf" ? "" : `"content":"${content}",`;
  return `{"version":${INDEX_VERSION},${said}"blobs":${JSON.stringify(blobs)},"kernels":${ordered(kernels)}}\n`;
}

function inner<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = new Map<string, V>();
  map.set(key, made);
  return made;
}

/**
 * Nested maps as JSON, their keys in the order of bytes. An object would not do: JavaScript puts keys that look like
 * numbers (`12`, a VERSION_ID) before all others, and a reader in another language would wonder about the order.
 */
function ordered(value: unknown): string {
  if (!(value instanceof Map)) return JSON.stringify(value);
  const pairs = [...value].sort(([a], [b]) => compareText(String(a), String(b)));
  return `{${pairs.map(([key, item]) => `${JSON.stringify(key)}:${ordered(item)}`).join(",")}}`;
}

/**
 * Reads and validates an index.
 * @throws FormatError naming the place in the document and what it must be.
 */
export function parseIndex(bytes: Uint8Array, source: string): StoreIndex {
  const wrong = (reason: string) => new FormatError("bad-archive", reason, { source, section: INDEX_NAME });
  if (bytes.length > MAX_INDEX_BYTES) {
    throw new FormatError("too-large", `has ${bytes.length} bytes`, { source, section: INDEX_NAME });
  }
  const index = validated(IndexSchema, parseJson(bytes, source, INDEX_NAME), source, INDEX_NAME);
  const numbers = Object.values(index.kernels).flatMap(Object.values).flatMap(Object.values).flatMap(Object.values);
  const beyond = numbers.find((number) => number >= index.blobs.length);
  if (beyond !== undefined) throw wrong(`a kernel has blob ${beyond}, and there are ${index.blobs.length}`);
  if (new Set(index.blobs).size !== index.blobs.length) throw wrong("a blob is listed twice");
  return index;
}

/** The kernels of an index, in its order. */
export function kernelsOfIndex(index: StoreIndex): IndexedKernel[] {
  const kernels: IndexedKernel[] = [];
  for (const [id, versions] of Object.entries(index.kernels)) {
    for (const [versionId, arches] of Object.entries(versions)) {
      for (const [arch, releases] of Object.entries(arches)) {
        for (const [release, number] of Object.entries(releases)) {
          const identity = { id: known(id), versionId: known(versionId), arch: known(arch), release: known(release) };
          kernels.push({ identity, blobHash: index.blobs[number] ?? "" });
        }
      }
    }
  }
  return kernels;
}

function known(part: string): string | null {
  return part === UNKNOWN ? null : part;
}

/** Parses JSON of an untrusted file; its name goes into the message. @throws FormatError */
export function parseJson(bytes: Uint8Array, source: string, section: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FormatError("bad-archive", "is not JSON, or not all of it is there", { source, section });
  }
}

/** A document checked against its schema. @throws FormatError with the first thing that is wrong, and where. */
export function validated<S extends v.GenericSchema>(
  schema: S,
  document: unknown,
  source: string,
  section: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, document, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new FormatError("bad-archive", `${path === null ? "" : `${path} `}${issue.message}`, { source, section });
}
