import { statSync } from "node:fs";
import { defaultCache } from "../../corpus/batch/cache.ts";
import { parseShard, type Shard } from "../../corpus/batch/plan.ts";
import type { BatchOptions } from "../../corpus/batch/setup.ts";
import type { BundleShape } from "../../corpus/bundle/layout.ts";
import { DEFAULT_RULE_SETS } from "../../lib/core/resolve-sets.ts";
import { CILIUM_RULES } from "../../lib/core/rules.ts";
import { checkBundleName } from "../bundle/output.ts";
import type { Args } from "../command.ts";
import type { batch as command } from "../commands/batch.ts";
import { UsageError } from "../errors.ts";
import { identityOf, pathsOf } from "../inputs/identity-request.ts";
import { objectPaths } from "../inputs/tagged-objects.ts";
import { checkStandardInput } from "../inputs/target-input.ts";
import type { KernelSample } from "./verify.ts";

/** A batch as the command line asks for it, checked as far as that can be done without looking at any file. */
export interface BatchRequest {
  readonly corpora: readonly string[];
  /** As given: `ARCH=PATH` or a path. */
  readonly objects: readonly string[];
  /** Empty where only the plan is wanted. */
  readonly output: string;
  readonly shape: BundleShape;
  /** What goes into the bundle: small BTF, or the objects relocated for each kernel. */
  readonly emit: "btf" | "objects";
  readonly options: BatchOptions;
  readonly shard: Shard | null;
  /** Null for all cores. */
  readonly jobs: number | null;
  /** In seconds. */
  readonly timeout: number | null;
  readonly resume: boolean;
  readonly failFast: boolean;
  readonly cache: string | null;
  readonly queue: string | null;
  /** How many kernels to boot and ask; null for none. */
  readonly verifyKernel: KernelSample | null;
  readonly strict: boolean;
  readonly allow: string | undefined;
  readonly json: boolean;
}

const MEBIBYTE = 1 << 20;
const MAX_SIZE_MIB = 1024;

/** Checks the arguments of a batch. Throws UsageError or InputError. */
export function requestOf(args: Args<typeof command>): BatchRequest {
  const { output, plan, shard, strict, allow, modules, flatten } = args;
  if (args.object.length === 0) throw new UsageError("batch: no object given", "Name objects with --object FILE.");
  if (output === undefined && !plan)
    throw new UsageError("batch needs --output BUNDLE", "Or --plan, to see what it would do.");
  if (output !== undefined) checkBundleName(output);
  if (flatten && !modules) throw new UsageError("batch: --flatten needs --modules");
  if (allow !== undefined && !strict) throw new UsageError("batch: --allow needs --strict");
  if (args.naming !== undefined && args.layout === "store") {
    throw new UsageError("batch: a store has names of its own", "--naming is for --layout tree.");
  }
  checkStandardInput("batch", [...objectPaths(args.object), allow]);
  const parsed = shard === undefined ? null : parseShard(shard);
  if (shard !== undefined && parsed === null) {
    throw new UsageError(`batch: --shard ${shard}: should be I/N with I from 1 to N`);
  }
  return {
    corpora: args.corpus,
    objects: args.object,
    output: output ?? "",
    emit: emitOf(args),
    shape: { layout: args.layout ?? "tree", naming: args.naming ?? "btfhub" },
    options: optionsOf(args),
    shard: parsed,
    jobs: countOf("jobs", args.jobs),
    timeout: positive("timeout", args.timeout),
    resume: args.resume,
    failFast: args["fail-fast"],
    cache: cacheOf(args.cache, args["no-cache"]),
    queue: args.queue === undefined ? null : queueUrl(args.queue),
    verifyKernel: sampleOf(args["verify-kernel"], modules),
    strict,
    allow,
    json: args.json,
  };
}

/** A queue's URL. Throws UsageError for another one: looking for a server of that name would tell less. */
export function queueUrl(text: string): string {
  // `rediss` is Redis over TLS.
  if (/^rediss?:\/\/[^/]/.test(text)) return text;
  throw new UsageError(`--queue ${text}: should be a URL of Redis`, "As redis://HOST:PORT.");
}

function emitOf({ emit, layout, naming, loader }: Args<typeof command>): BatchRequest["emit"] {
  if (emit !== "objects") return "btf";
  if (layout === "tree" || naming !== undefined) {
    throw new UsageError("batch: --emit objects writes stores, in which kernels share what is the same for them");
  }
  if (loader.length > 0 && !loader.includes("libbpf")) {
    throw new UsageError("batch: --emit objects follows libbpf's rules, which --loader leaves out");
  }
  return emit;
}

function sampleOf(text: string | undefined, modules: boolean): KernelSample | null {
  if (text === undefined) return null;
  if (modules) {
    throw new UsageError("batch: --verify-kernel and --modules exclude each other: kernels take no BTF of modules so");
  }
  if (text === "all") return text;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new UsageError(`--verify-kernel: ${text} is neither all nor a count of 1 or more`);
  return Number(text);
}

/**
 * The cache's directory by the two options; null for none. Throws UsageError where both are given, or --cache names a
 * file: a cache is never a reason to fail later, so nobody would learn that nothing is kept.
 */
export function cacheOf(cache: string | undefined, noCache: boolean): string | null {
  if (cache !== undefined && noCache) throw new UsageError("--cache and --no-cache exclude each other");
  if (cache !== undefined && statSync(cache, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new UsageError(`--cache: ${cache} is not a directory`);
  }
  return noCache ? null : (cache ?? defaultCache(process.env));
}

/** A number of workers; null where none is given. Throws UsageError. */
export function countOf(name: string, value: number | undefined): number | null {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
    throw new UsageError(`--${name}: ${value} is not a count of 1 or more`);
  }
  return value ?? null;
}

/** A number above 0; null where none is given. Throws UsageError. */
export function positive(name: string, value: number | undefined): number | null {
  if (value !== undefined && value <= 0) throw new UsageError(`--${name}: ${value} is not more than 0`);
  return value ?? null;
}

/** Whoever looks a bundle's names up reads its BTF: Inspektor Gadget does that with cilium/ebpf. */
function loadersFor(naming: string | undefined): BatchOptions["loaders"] {
  const loaders = DEFAULT_RULE_SETS.map(({ name }) => name);
  return naming?.startsWith("inspektor-gadget") === true ? [...loaders, CILIUM_RULES.name] : loaders;
}

function optionsOf(args: Args<typeof command>): BatchOptions {
  return {
    keepNames: args["keep-names"],
    keepLong: args["keep-long"],
    layoutSection: args["layout-section"],
    padding: args.padding ?? "offsets",
    keep: args.keep,
    keepAttachTargets: args["keep-attach-targets"],
    loaders: args.loader.length === 0 ? loadersFor(args.naming) : [...new Set(args.loader)],
    modules: args.modules,
    identity: identityOf(args),
    // Workers compile it for themselves.
    paths: pathsOf(args.paths)?.text ?? null,
    maxBytes: Math.floor((positive("max-size", args["max-size"]) ?? MAX_SIZE_MIB) * MEBIBYTE),
  };
}
