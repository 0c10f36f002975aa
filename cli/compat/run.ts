import { defaultJobs, failureReason, startThreads } from "../../corpus/batch/pool.ts";
import type { CompatRules } from "../../corpus/compat/assess.ts";
import type { CompatSetup, FileAssessment } from "../../corpus/compat/assess-file.ts";
import type { CompatMatrix } from "../../corpus/compat/matrix.ts";
import { runCompat } from "../../corpus/compat/run.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import { isPassedOver, isProblem, NO_KERNEL, type SourceProblem } from "../../corpus/source/item.ts";
import type { PathPattern } from "../../corpus/source/path-pattern.ts";
import { type SourceFile, walkFiles } from "../../corpus/source/walk.ts";
import { startProgress } from "../batch/progress.ts";
import { countOf, positive } from "../batch/request.ts";
import { workerFile } from "../batch/run.ts";
import type { Args } from "../command.ts";
import type { compat as command } from "../commands/compat.ts";
import { InputError, UsageError } from "../errors.ts";
import { type FORMATS, formatOf } from "../format.ts";
import { readAllowList } from "../inputs/allow-list.ts";
import { identityOf, pathsOf } from "../inputs/identity-request.ts";
import { markInput, requireThere } from "../inputs/input.ts";
import { type KernelRule, parseKernelAllowList } from "../inputs/kernel-allow.ts";
import { objectPaths, readTagged } from "../inputs/tagged-objects.ts";
import { checkStandardInput } from "../inputs/target-input.ts";

const MEBIBYTE = 1 << 20;
const MAX_SIZE_MIB = 1024;

/** A matrix as the command line asks for it. */
export interface CompatRequest {
  /** Each as given: `ARCH=PATH` or a path. */
  readonly objects: readonly string[];
  readonly corpora: readonly string[];
  readonly byProgram: boolean;
  readonly rules: CompatRules;
  /** Take the kernels' modules too, where they come with them. */
  readonly modules: boolean;
  /** Largest size that anything may have when unpacked. */
  readonly maxBytes: number;
  /** What is known of all kernels, and how paths tell the rest. */
  readonly identity: KernelIdentity;
  readonly paths: PathPattern | null;
  readonly jobs: number | null;
  readonly format: (typeof FORMATS)[number];
  readonly html: string | undefined;
  readonly strict: boolean;
  readonly allow: string | undefined;
}

/** A matrix made, and what may be wrong in it. */
export interface CompatRun {
  readonly matrix: CompatMatrix;
  /** Files of directories that hold no kernel. */
  readonly passedOver: number;
  /** Null without --strict. */
  readonly allowed: readonly KernelRule[] | null;
}

/** Checks the arguments of a matrix. Throws UsageError or InputError. */
export function compatRequestOf(args: Args<typeof command>): CompatRequest {
  const { strict, allow, html } = args;
  const objects = [...args.objects, ...args.object];
  if (objects.length === 0) throw new UsageError("compat: no object given", "See btfgen compat --help.");
  if (args.corpus.length === 0) throw new UsageError("compat needs --corpus FILE", "See btfgen compat --help.");
  if (allow !== undefined && !strict) throw new UsageError("compat: --allow needs --strict");
  checkStandardInput("compat", [...objectPaths(objects), allow]);
  return {
    objects,
    corpora: args.corpus,
    byProgram: args.programs,
    rules: args.loader ?? "libbpf",
    modules: args.modules,
    maxBytes: Math.floor((positive("max-size", args["max-size"]) ?? MAX_SIZE_MIB) * MEBIBYTE),
    identity: identityOf(args),
    paths: pathsOf(args.paths),
    jobs: countOf("jobs", args.jobs),
    format: formatOf("compat", args) ?? "text",
    html,
    strict,
    allow,
  };
}

/** Reads the objects and compares them with every kernel. Throws UsageError, InputError or FormatError. */
export async function runCompatRequest(request: CompatRequest): Promise<CompatRun> {
  const allowed = request.strict ? readAllowList(request.allow, parseKernelAllowList) : null;
  const objects = request.objects.flatMap(readTagged);
  requireThere(request.corpora);
  const found = request.corpora.flatMap((corpus) => [...walkFiles(corpus)]);
  const files = found.filter((file): file is SourceFile => !isProblem(file));
  const left = found.filter(isProblem);
  const problems = left.filter((problem) => !isPassedOver(problem, false));
  if (files.length + problems.length === 0)
    throw new InputError(request.corpora.join(", "), "no file is in the corpus");
  if (request.html !== undefined) for (const { path } of files) markInput(path);
  const setup: CompatSetup = {
    rules: request.rules,
    source: {
      modules: request.modules,
      maxBytes: request.maxBytes,
      identity: request.identity,
      ...(request.paths && { paths: request.paths }),
    },
    objects: objects.map(({ object, tag }) => ({ name: object.source, bytes: ownBytes(object.elf.bytes), tag })),
  };
  const jobs = Math.max(1, Math.min(request.jobs ?? defaultJobs(), files.length));
  const assessor = await startThreads<SourceFile, FileAssessment>("assess", setup, {
    workerFile: workerFile(),
    jobs,
    timeout: null,
  });
  const progress = startProgress(false);
  const query = { objects, rules: request.rules, byProgram: request.byProgram };
  try {
    progress.onEvent({
      event: "start",
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      workers: jobs,
      plan: "",
      shard: null,
    });
    const onFile = ({ name: file }: SourceFile, index: number) => {
      const bytes = files[index]?.size ?? 0;
      progress.onEvent({ event: "file", index, file, bytes, from: "work", milliseconds: 0, kernels: [] });
    };
    const { matrix, passedOver } = await runCompat(files, assessor, query, { reasonOf: failureReason, onFile });
    if (matrix.kernels.length + matrix.unreadable.length + problems.length === 0) {
      throw new InputError(request.corpora.join(", "), NO_KERNEL);
    }
    return {
      matrix: { ...matrix, unreadable: [...problems.map(unreadable), ...matrix.unreadable] },
      passedOver: passedOver + left.length - problems.length,
      allowed,
    };
  } finally {
    progress.end();
    await assessor.close();
  }
}

/** A view of a large file (an executable with objects in it) would take all of the file to each worker. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function unreadable({ origin, problem }: SourceProblem) {
  return { origin, reason: problem };
}
