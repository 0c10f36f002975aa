import { type BtfInput, parseBtf, parseModules } from "../btf/parse.ts";
import type { Btf } from "../btf/view.ts";
import { attachTargets } from "../core/attach-targets.ts";
import type { BpfObject } from "../core/object.ts";
import { DEFAULT_RULE_SETS, type RuleSetRecords } from "../core/resolve-sets.ts";
import type { MatchRules } from "../core/rules.ts";
import { type Minimized, type MinimizeOptions, minimize } from "../minimize/minimize.ts";
import { type Proof, prove, resolveFull } from "../verify/prove.ts";

/** One kernel to minimize. */
export interface Target {
  readonly base: BtfInput;
  /** Modules' split BTF on that base. */
  readonly modules?: readonly BtfInput[];
}

/** What is wanted of the result. */
export interface JobOptions extends MinimizeOptions {
  /** The rule sets to serve: each is kept, and proved by its own rules. libbpf and kernel by default. */
  readonly ruleSets?: readonly MatchRules[];
  /** Keep the signatures of what the objects attach to, besides `attachTargets`. */
  readonly keepAttachTargets?: boolean;
}

/**
 * The result of one job: the bytes, what became of every relocation, and the proof. A proof that holds says that the small
 * BTF gives the same outcomes, not that they are good ones: what a loader makes of them is what `judge` says.
 */
export interface JobResult extends Minimized {
  /** The full BTF, parsed. */
  readonly target: Btf;
  /** Every relocation resolved against the full BTF, by rule set. */
  readonly sets: readonly RuleSetRecords[];
  /** Bytes may be used only when `proof.holds`. */
  readonly proof: Proof;
}

/**
 * The main job, whole and pure: parses a kernel's BTF, resolves the objects' relocations against it, writes what they
 * need and proves the result.
 * @throws FormatError when the target is no BTF; findings are in the proof.
 */
export function runJob(target: Target, objects: readonly BpfObject[], options: JobOptions = {}): JobResult {
  const base = parseBtf(target.base.bytes, { source: target.base.source });
  const modules = target.modules ?? [];
  return runParsed(modules.length === 0 ? base : parseModules(base, modules), objects, options);
}

/**
 * The main job for a target that is parsed already: by parseBtf, with parseModules behind it where there are modules. One
 * that serves many jobs is parsed once.
 * @throws FormatError where types run in circles that would hang a loader; findings are in the proof.
 */
export function runParsed(target: Btf, objects: readonly BpfObject[], options: JobOptions = {}): JobResult {
  const ruleSets = options.ruleSets ?? DEFAULT_RULE_SETS;
  const full = resolveFull(target, objects, ruleSets, true);
  const records = full.sets.flatMap((set) => set.records);
  const targets = options.keepAttachTargets === true ? objects.flatMap(attachTargets) : [];
  const attach = [...(options.attachTargets ?? []), ...targets];
  const wholeStrings = options.wholeStrings === true || ruleSets.some(({ algorithm }) => algorithm === "cilium");
  const minimized = minimize(target, records, { ...options, wholeStrings, attachTargets: attach });
  const proof = prove(objects, full, minimized.blobs);
  return { ...minimized, ...full, proof };
}
