import * as v from "valibot";
import { FormatError } from "../../lib/btf/error.ts";
import { compareText } from "../../lib/btf/text-order.ts";
import { type KernelIdentity, kernelKey } from "../kernel.ts";
import { joinShards } from "./shards.ts";
import { parseJson, validated } from "./store-index.ts";

/** What `version` says; a reader refuses any other. */
export const PROVENANCE_VERSION = 1;

const HashSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hexadecimal"));
const FileHashSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{128}$/, "must be a BLAKE2b-512 in lower-case hexadecimal"),
);
const PartSchema = v.nullable(v.string());
/** From 1. */
const NumberSchema = v.pipe(v.number(), v.integer(), v.minValue(1));
const CountSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const KernelSchema = v.strictObject({
  id: PartSchema,
  versionId: PartSchema,
  arch: PartSchema,
  release: PartSchema,
  /** What the full BTF was read from: its name as the run was given it, and what `b2sum` says of that file. */
  source: v.strictObject({ name: v.string(), blake2b: FileHashSchema }),
  /** SHA-256 of the small BTF, and its size in bytes. */
  blob: HashSchema,
  bytes: CountSchema,
  /** Whatever was counted on the way: `types`, `relocations`, `unresolved`, ... */
  counts: v.record(v.string(), CountSchema),
  /** That kernel, booted, took every program with the small BTF that it took with its own; absent where it was not asked. */
  verified: v.optional(
    v.strictObject({
      /** `uname -r`, and libbpf's version. */
      release: v.string(),
      libbpf: v.string(),
      /** Programs that it takes both ways, and those it takes neither way. */
      accepted: CountSchema,
      notTested: CountSchema,
    }),
  ),
});

const ObjectSchema = v.strictObject({
  /** The file, or `file#object`. */
  name: v.string(),
  sha256: HashSchema,
  /** The architecture it was tagged with. */
  arch: v.nullable(v.string()),
});

/** `OUT.provenance.json`, version 1: where each part of a bundle comes from. It need not ship. */
const ProvenanceSchema = v.strictObject({
  version: v.literal(PROVENANCE_VERSION, "is of a version that this program does not read"),
  tool: v.strictObject({ name: v.string(), version: v.string() }),
  /** Options that change what comes out, by name. */
  options: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.array(v.string())])),
  objects: v.array(ObjectSchema),
  kernels: v.array(KernelSchema),
  /** Which shards of a run it has; absent where it has all. */
  shards: v.optional(v.array(v.strictObject({ plan: HashSchema, of: NumberSchema, has: v.array(NumberSchema) }))),
});

/** Where a bundle comes from. */
export type Provenance = v.InferOutput<typeof ProvenanceSchema>;
/** Where one kernel's entry comes from. */
export type ProvenanceKernel = v.InferOutput<typeof KernelSchema>;
/** An object that the entries were made for. */
export type ProvenanceObject = v.InferOutput<typeof ObjectSchema>;

/** The document, with everything in a fixed order whatever order it came in. Two spaces a level, a newline at the end. */
export function formatProvenance(provenance: Provenance): string {
  const { version, tool, options, objects, kernels, shards = [] } = provenance;
  const document = {
    version,
    tool: { name: tool.name, version: tool.version },
    options: sortedRecord(options),
    objects: objects
      .map(({ name, sha256, arch }) => ({ name, sha256, arch }))
      .sort((a, b) => compareText(objectKey(a), objectKey(b))),
    kernels: uniqueKernels(kernels).map(({ id, versionId, arch, release, source, blob, bytes, counts, verified }) => ({
      id,
      versionId,
      arch,
      release,
      source: { name: source.name, blake2b: source.blake2b },
      blob,
      bytes,
      counts: sortedRecord(counts),
      ...(verified !== undefined && {
        verified: {
          release: verified.release,
          libbpf: verified.libbpf,
          accepted: verified.accepted,
          notTested: verified.notTested,
        },
      }),
    })),
    ...(shards.length > 0 && { shards: shards.map(({ plan, of, has }) => ({ plan, of, has })) }),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** @throws FormatError naming the place in the document and what it must be. */
export function parseProvenance(bytes: Uint8Array, source: string): Provenance {
  const provenance = validated(ProvenanceSchema, parseJson(bytes, source, "provenance"), source, "provenance");
  const seen = new Set<string>();
  for (const kernel of provenance.kernels) {
    const key = kernelKey(kernel);
    if (seen.has(key)) {
      throw new FormatError("bad-archive", `${key} is there twice`, { source, section: "provenance" });
    }
    seen.add(key);
  }
  return provenance;
}

/** Provenance with its file's name, for messages. */
export interface NamedProvenance {
  readonly path: string;
  readonly provenance: Provenance;
}

/**
 * The provenance of a merged bundle: the kernels and shards of all. Tool, options and objects must be the same in all of them,
 * for otherwise the parts are not of one run. Returns what differs, in words, instead.
 */
export function mergeProvenance(parts: readonly NamedProvenance[]): Provenance | { readonly differs: string } {
  const [first, ...rest] = parts;
  if (first === undefined) return { differs: "there is no provenance" };
  for (const part of rest) {
    for (const what of ["tool", "options", "objects"] as const) {
      if (headOf(part.provenance, what) !== headOf(first.provenance, what)) {
        return { differs: `${first.path} and ${part.path} are of different runs: their ${what} differ` };
      }
    }
  }
  const { shards: _, ...head } = first.provenance;
  const shards = joinShards(parts.map(({ provenance }) => provenance.shards ?? []));
  const kernels = uniqueKernels(parts.flatMap(({ provenance }) => provenance.kernels));
  return { ...head, kernels, ...(shards.length > 0 && { shards }) };
}

function headOf(provenance: Provenance, what: "tool" | "options" | "objects"): string {
  const document: Record<string, unknown> = JSON.parse(formatProvenance({ ...provenance, kernels: [] }));
  return JSON.stringify(document[what]);
}

/** Sorted by key. A kernel that two sources had is the one whose source comes first by name. */
function uniqueKernels(kernels: readonly ProvenanceKernel[]): ProvenanceKernel[] {
  const sorted = [...kernels].sort(
    (a, b) =>
      compareText(kernelKey(a satisfies KernelIdentity), kernelKey(b)) ||
      compareText(a.source.name, b.source.name) ||
      compareText(a.source.blake2b, b.source.blake2b),
  );
  return sorted.filter((kernel, i) => {
    const before = sorted[i - 1];
    return before === undefined || kernelKey(before) !== kernelKey(kernel);
  });
}

function objectKey({ name, sha256, arch }: ProvenanceObject): string {
  return `${name}\0${arch ?? ""}\0${sha256}`;
}

function sortedRecord<V>(record: Readonly<Record<string, V>>): Record<string, V> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareText(a, b)));
}
