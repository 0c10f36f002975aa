import { indexCandidates } from "../../lib/core/candidates.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { emitC } from "../../lib/loader/emit-c.ts";
import { emitGo } from "../../lib/loader/emit-go.ts";
import { emitTypeScript } from "../../lib/loader/emit-ts.ts";
import type { Loader } from "../../lib/loader/loader.ts";
import type { Plan } from "../../lib/prepare/plan.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { choiceHint } from "../choice.ts";
import { UsageError } from "../errors.ts";
import { type ByteOrder, requireByteOrder } from "../inputs/byte-order.ts";
import { readObjects } from "../inputs/object-input.ts";
import { planOptions } from "../inputs/plan-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import { encodeLoader } from "./file.ts";
import type { Signer } from "./sign-loader.ts";

/** What to write, of what, for which kernel. */
interface LoaderRequest {
  readonly object: string;
  readonly output: string;
  readonly emit: string | undefined;
  readonly target: string | undefined;
  readonly module: readonly string[];
  readonly kconfig: string | undefined;
  readonly name: string | undefined;
  readonly btfFor: string | undefined;
  /** Programs to leave out. */
  readonly skip: readonly string[];
  /** `MAP=COUNT` */
  readonly maxEntries: readonly string[];
  /** The private key and its certificate; undefined for a loader that is not signed. */
  readonly sign: string | undefined;
  readonly cert: string | undefined;
  readonly scheme: string | undefined;
}

/** The document of `btfgen loader --json`; docs/FORMATS.md has it in words. */
export interface LoaderReport {
  readonly object: string;
  /** Null where it is refused: then nothing is written. */
  readonly output: string | null;
  readonly emit: string;
  readonly target: string | null;
  readonly byteOrder: ByteOrder;
  /** CO-RE relocations of the object. */
  readonly relocations: number;
  /** Why there is no loader. */
  readonly refusals: readonly string[];
  /** The first kernel release that has what the loader uses; null where it is refused. */
  readonly since: string | null;
  /** Instructions of the loader program, bytes of its data, bytes of the file. */
  readonly size: { readonly instructions: number; readonly data: number; readonly file: number };
  readonly steps: Loader["steps"];
  readonly maps: Loader["maps"];
  readonly programs: Loader["programs"];
  /** Externs of `.kconfig` that nobody has given a value yet. */
  readonly unset: readonly string[];
}

const MOST_ENTRIES = 0xffff_ffff;

const EMITTERS: Readonly<Record<string, (loader: Loader) => Uint8Array>> = {
  raw: encodeLoader,
  c: (loader) => new TextEncoder().encode(emitC(loader)),
  go: (loader) => new TextEncoder().encode(emitGo(loader)),
  ts: (loader) => new TextEncoder().encode(emitTypeScript(loader)),
};

/** Reads the inputs and writes the loader, to memory. Throws UsageError, InputError or FormatError. */
export async function writeLoader(request: LoaderRequest): Promise<{ report: LoaderReport; bytes: Uint8Array | null }> {
  const { target: kernel, module, kconfig, emit = "raw" } = request;
  checkStandardInput("loader", [kernel, kconfig, ...module, request.object]);
  if (kernel === undefined && module.length > 0) throw new UsageError("loader: --module needs --target BTF");
  const options = planOptions("loader", request);
  const signer = signerOf(request);
  const { objects } = readObjects([request.object], kernel === undefined);
  const [object] = objects;
  if (object === undefined || objects.length > 1) {
    const names = objects.slice(0, 3).map(({ source }) => source);
    const hint = `Name one of them: ${names.join(", ")}${objects.length > names.length ? ", ..." : ""}`;
    throw new UsageError(`loader: ${request.object} holds ${objects.length} objects: a loader is one object's`, hint);
  }
  const target = kernel === undefined ? null : (await readTarget(kernel, module)).target;
  if (target !== null) requireByteOrder(object, target);
  const whole = prepare(object, target === null ? null : indexCandidates(target), options);
  const plan = withMaxEntries(withoutPrograms(whole, request.skip), request.maxEntries);
  const built = buildLoader(object, plan, { checksData: signer?.scheme === "hash" });
  const common = {
    object: object.source,
    emit,
    target: target?.source ?? null,
    byteOrder: object.littleEndian ? "little" : "big",
    relocations: object.relocations.length,
  } as const;
  if ("refusals" in built) {
    const size = { instructions: 0, data: 0, file: 0 };
    const nothing = { output: null, since: null, size, steps: [], maps: [], programs: [], unset: [] };
    return { report: { ...common, ...nothing, refusals: built.refusals }, bytes: null };
  }
  const unset = plan.externs
    .filter(({ kind, state }) => kind === "kconfig" && state === "needed")
    .map((one) => one.name);
  const signed = signer === null ? built : (await import("./sign-loader.ts")).signLoader(built, unset, signer);
  const bytes = (EMITTERS[emit] ?? encodeLoader)(signed);
  const { steps, maps, programs, since } = built;
  return {
    report: {
      ...common,
      output: request.output,
      refusals: [],
      since,
      size: { instructions: built.instructions.length / 8, data: built.dataSize, file: bytes.length },
      ...{ steps, maps, programs, unset },
    },
    bytes,
  };
}

/** Throws UsageError for half a signer, or where the source that is asked for could not carry a signature. */
function signerOf({ sign, cert, scheme, emit = "raw" }: LoaderRequest): Signer | null {
  if (sign === undefined && cert === undefined && scheme === undefined) return null;
  if (sign === undefined || cert === undefined) throw new UsageError("loader: --sign KEY and --cert CERT go together");
  if (emit !== "raw") {
    const hint = "Use --emit raw, which run-loader runs.";
    throw new UsageError(`loader: --emit ${emit} lets its data be changed, which a signature forbids`, hint);
  }
  return { key: sign, certificate: cert, scheme: scheme === "data" ? "data" : "hash" };
}

/** What the tools of an object do at run time: programs left out, maps' sizes set. Throws UsageError for an unknown name. */
function withoutPrograms(plan: Plan, skip: readonly string[]): Plan {
  const names = plan.programs.map(({ name }) => name);
  const wrong = skip.find((name) => !names.includes(name));
  if (wrong !== undefined) {
    throw new UsageError(`loader: --skip ${wrong}: the object has no such program`, choiceHint(wrong, names));
  }
  const left = new Set(skip);
  const programs = plan.programs.map((one) => (left.has(one.name) ? { ...one, autoload: false } : one));
  return { ...plan, programs };
}

function withMaxEntries(plan: Plan, settings: readonly string[]): Plan {
  const counts = new Map<string, number>();
  const names = plan.maps.map((map) => map.name);
  for (const setting of settings) {
    const [, name, text] = /^(.+)=(\d{1,10})$/.exec(setting) ?? [];
    const count = Number(text);
    if (name === undefined || !(count <= MOST_ENTRIES)) {
      throw new UsageError(`loader: --max-entries ${setting}: should be MAP=COUNT`);
    }
    if (!names.includes(name)) {
      throw new UsageError(`loader: --max-entries ${setting}: the object has no such map`, choiceHint(name, names));
    }
    counts.set(name, count);
  }
  const maps = plan.maps.map((map) => {
    const maxEntries = counts.get(map.name);
    return maxEntries === undefined ? map : { ...map, maxEntries, entryPerCpu: false };
  });
  return { ...plan, maps };
}
