import * as v from "valibot";
import type { Loader } from "../../lib/loader/loader.ts";
import { InputError } from "../errors.ts";

/** What a loader file says it is, and the version that is read and written. */
const FORMAT = "btfgen loader";
const VERSION = 1;

/** As much as a context may have (kernel/bpf: U16_MAX), and as a map's value. */
const MOST_CONTEXT = 0xffff;
const MOST_DATA = 0x7fff_ffff;
const INSN_BYTES = 8;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const Text = v.pipe(v.string(), v.maxLength(4096));
/** Read and written again, it is the same: a pattern overflows the stack on megabytes of data. */
const Bytes = v.pipe(
  v.string(),
  v.check((text) => Buffer.from(text, "base64").toString("base64") === text, "should be base64"),
  v.transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
);

const MapSchema = v.strictObject({
  name: Text,
  kernelName: Text,
  origin: v.picklist(["declared", "data", "rodata", "bss", "kconfig", "struct_ops"]),
  section: Text,
  type: Count,
  keySize: Count,
  valueSize: Count,
  maxEntries: Count,
  flags: Count,
  entryPerCpu: v.boolean(),
  pinned: v.boolean(),
  frozen: v.boolean(),
  maxEntriesAt: Count,
  contentsAt: v.nullable(Count),
  variables: v.array(v.strictObject({ name: Text, offset: Count, size: Count })),
  descriptorAt: Count,
});

const LoaderSchema = v.strictObject({
  format: v.literal(FORMAT),
  version: v.literal(VERSION, "is of a version that this program does not read"),
  object: Text,
  name: Text,
  byteOrder: v.picklist(["little", "big"]),
  relocated: v.boolean(),
  since: Text,
  dataSize: v.pipe(Count, v.maxValue(MOST_DATA)),
  contextSize: v.pipe(Count, v.maxValue(MOST_CONTEXT)),
  steps: v.array(
    v.strictObject({
      action: v.picklist(["check-data", "load-btf", "create-map", "fill-map", "freeze-map", "find", "load-program"]),
      name: Text,
    }),
  ),
  maps: v.array(MapSchema),
  programs: v.array(
    v.strictObject({ name: Text, section: Text, type: v.nullable(Text), attachType: Count, descriptorAt: Count }),
  ),
  instructions: Bytes,
  data: Bytes,
  signature: v.nullable(v.strictObject({ scheme: v.picklist(["hash", "data"]), pkcs7: Bytes })),
});

/** A loader file's bytes: JSON, in which code and data are base64. */
export function encodeLoader({ littleEndian, instructions, data, signature, hashAt: _, ...rest }: Loader): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  const { object, name, ...others } = rest;
  const document = {
    format: FORMAT,
    version: VERSION,
    object,
    name,
    byteOrder: littleEndian ? "little" : "big",
    ...others,
    instructions: base64(instructions),
    data: base64(data),
    signature: signature === null ? null : { scheme: signature.scheme, pkcs7: base64(signature.pkcs7) },
  };
  return new TextEncoder().encode(`${JSON.stringify(document)}\n`);
}

/** Reads a loader file. Throws InputError for what is none, or is damaged. */
export function decodeLoader(bytes: Uint8Array, source: string): Loader {
  const document = documentOf(bytes);
  if (document?.format !== FORMAT) throw new InputError(source, "is no loader file: btfgen loader writes one");
  const parsed = v.safeParse(LoaderSchema, document);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new InputError(source, `${v.getDotPath(issue) ?? "the document"} ${issue.message}`);
  }
  const { format: _, version: __, byteOrder, programs, ...rest } = parsed.output;
  const loader: Loader = {
    ...rest,
    littleEndian: byteOrder === "little",
    // It is in its place already.
    hashAt: [],
    programs: programs as Loader["programs"],
  };
  const problem = problemOf(loader);
  if (problem !== null) throw new InputError(source, problem);
  return loader;
}

function documentOf(bytes: Uint8Array): { readonly format?: unknown } | null {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as { format?: unknown } | null;
  } catch {
    return null;
  }
}

/** What does not add up: places beyond the data or the context. */
function problemOf({ instructions, data, dataSize, contextSize, maps, programs }: Loader): string | null {
  if (instructions.length === 0 || instructions.length % INSN_BYTES !== 0)
    return "its instructions are no whole number";
  if (data.length > dataSize) return `its data has ${data.length} bytes, but dataSize is ${dataSize}`;
  const descriptors = [...maps, ...programs].map(({ descriptorAt }) => descriptorAt);
  if (descriptors.some((at) => at + 4 > contextSize)) return "a descriptor is beyond the context";
  for (const { name, maxEntriesAt, contentsAt, valueSize, variables } of maps) {
    const isBeyond = maxEntriesAt + 4 > dataSize || (contentsAt !== null && contentsAt + valueSize > dataSize);
    const isOutside = variables.some(({ offset, size }) => offset + size > valueSize);
    if (isBeyond || isOutside) return `the map ${name} has a place beyond the data`;
  }
  return null;
}
