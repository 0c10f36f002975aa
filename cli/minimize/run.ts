import { basename, join } from "node:path";
import { type ObjectArgument, tagFor } from "../../corpus/batch/object-tag.ts";
import { attachTargets } from "../../lib/core/attach-targets.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { DEFAULT_RULE_SETS } from "../../lib/core/resolve-sets.ts";
import { type MatchRules, RULE_SETS } from "../../lib/core/rules.ts";
import { runParsed } from "../../lib/job/job.ts";
import type { MinimizedBlob, MinimizeOptions } from "../../lib/minimize/minimize.ts";
import { UsageError } from "../errors.ts";
import { parseAllowList, readAllowList } from "../inputs/allow-list.ts";
import { isObjectFile, readObjects } from "../inputs/object-input.ts";
import { objectArgument } from "../inputs/tagged-objects.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import { EXIT_FINDING, EXIT_FINE, type Outcome, type OutputFile } from "../outcome.ts";
import type { LoaderName } from "./proof-report.ts";
import { type Detail, hasFindings, type MinimizeReport, reportMinimize, type TaggedInputs } from "./report.ts";
import { minimizeNotes, minimizeText } from "./text.ts";

/** What to minimize, for what, and where to. */
export interface MinimizeRequest {
  readonly command: string;
  readonly kernel: string;
  readonly modules: readonly string[];
  readonly objects: readonly string[];
  readonly output: string;
  /** Write kernel and modules as separate files into the directory `output`. */
  readonly split: boolean;
  /** Whose rules to serve; both when empty. */
  readonly loaders: readonly LoaderName[];
  readonly options: MinimizeOptions;
  /** Keep what the objects attach to. */
  readonly keepAttachTargets: boolean;
  readonly strict: boolean;
  readonly allow: string | undefined;
  readonly detail: Detail;
}

/** A job done. */
export interface MinimizeRun {
  readonly report: MinimizeReport;
  readonly files: readonly OutputFile[];
}

/**
 * Reads the inputs, minimizes, proves, and says what is to be written: nothing where the proof fails.
 * Throws UsageError, InputError or FormatError.
 */
export async function runMinimize(request: MinimizeRequest): Promise<MinimizeRun> {
  const { kernel, modules, objects, options, command } = request;
  const given = objects.map(objectArgument);
  checkStandardInput(command, [kernel, ...modules, ...given.map(({ path }) => path), request.allow]);
  const rules = request.strict ? readAllowList(request.allow, parseAllowList) : null;
  // Before the objects: where the two are swapped, the object is the one that is always known for what it is.
  const { target, bytes } = await readTarget(kernel, modules);
  const inputs = readTagged(given);
  const result = runParsed(target, inputs.objects, {
    ...options,
    ruleSets: ruleSetsOf(request.loaders),
    attachTargets: request.keepAttachTargets ? inputs.objects.flatMap(attachTargets) : [],
  });
  const wrong = result.keepProblems.find(({ what }) => what === "syntax");
  if (wrong !== undefined) throw new UsageError(`${command}: --keep ${wrong.spec}: ${wrong.reason}`);
  const paths = outputPaths(request, result.blobs);
  const files = result.blobs.map((blob, i) => ({ path: paths[i] as string, bytes: blob.bytes }));
  const report = reportMinimize(result, {
    inputs,
    bytesBefore: bytes,
    outputs: result.blobs.map(({ source, bytes }, i) => ({ source, path: paths[i] as string, bytes: bytes.length })),
    rules,
    detail: request.detail,
  });
  return { report, files: result.proof.holds ? files : [] };
}

/**
 * What the command does with a run. The file is written whenever the proof holds; the exit code says whether a
 * loader would refuse an object. `quiet` leaves out the summary.
 */
export function minimizeOutcome(run: MinimizeRun, request: MinimizeRequest, quiet = false): Outcome {
  const { report, files } = run;
  const { holds } = report.proof;
  // Standard output was to have the BTF: it gets nothing at all instead.
  const none = request.output === "-" ? [{ path: "-", bytes: new Uint8Array() }] : [];
  return {
    exitCode: holds && !hasFindings(report) ? EXIT_FINE : EXIT_FINDING,
    json: report,
    text: () => (holds && !quiet ? minimizeText(report) : ""),
    notes: minimizeNotes(report, request.allow),
    directories: request.split && holds ? [request.output] : [],
    files: holds ? files : none,
  };
}

/** Reads objects and notes for which architectures each is, as far as an argument (`arm64=x.o`) or a name says so. */
function readTagged(given: readonly ObjectArgument[]): TaggedInputs {
  const objects: BpfObject[] = [];
  const arches = new Map<BpfObject, readonly string[]>();
  let passedOver = 0;
  for (const { path, tag } of given) {
    const read = readObjects([path]);
    passedOver += read.passedOver;
    for (const object of read.objects) {
      objects.push(object);
      const found = tagFor(tag, object.source);
      if (found !== null) arches.set(object, found.arches);
    }
  }
  return { objects, passedOver, arches };
}

/** The sets of rules by their loaders' names, each once; the default ones when none is named. */
export function ruleSetsOf(loaders: readonly LoaderName[]): readonly MatchRules[] {
  return loaders.length === 0 ? DEFAULT_RULE_SETS : [...new Set(loaders)].map((name) => RULE_SETS[name]);
}

/** A file's own path, or one in the directory for each blob: `DIR/6.1.0.btf`, `DIR/veth.btf`. */
function outputPaths(request: MinimizeRequest, blobs: readonly MinimizedBlob[]): string[] {
  const { output, split, command } = request;
  const paths = split ? blobs.map(({ source }) => join(output, `${nameOf(source)}.btf`)) : [output];
  const object = paths.find((path) => isObjectFile(path));
  if (object !== undefined) {
    throw new UsageError(`${command}: cannot write ${object}: a BPF object is there`, `See btfgen ${command} --help.`);
  }
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new UsageError(`${command}: two inputs would both be written to ${twice}`);
  return paths;
}

/** The name of the kernel or module a blob is of: its file's, without directories, archive and suffix. */
function nameOf(source: string): string {
  const file = basename(source.slice(source.lastIndexOf(":") + 1));
  return file.replace(/(\.ko)?(\.btf|\.gz|\.ko)?$/, "");
}
