import { typeCount } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { resolveSets } from "../../lib/core/resolve-sets.ts";
import { compareInstructions } from "../../lib/verify/instructions.ts";
import { prove, resolveFull } from "../../lib/verify/prove.ts";
import { UsageError } from "../errors.ts";
import { parseTarget, readKernel, readModules } from "../inputs/btf-input.ts";
import { type KernelRules, kernelNamedBy, rulesOfKernel } from "../inputs/kernel-release.ts";
import { readObjects } from "../inputs/object-input.ts";
import { checkStandardInput, readTarget } from "../inputs/target-input.ts";
import type { LoaderName } from "../minimize/proof-report.ts";
import { ruleSetsOf } from "../minimize/run.ts";
import { checkNatively, HOST, VERIFY_LEVELS, type VerifyLevel } from "./levels.ts";
import type { VerifyFindings } from "./report.ts";
import { readVmKernel, targetOfVmKernel, type VmKernel } from "./vm-check.ts";

/** What to check, and how far. */
export interface VerifyRequest {
  readonly small: string;
  /** Undefined for the BTF of the kernel that is to be booted. */
  readonly full: string | undefined;
  readonly objects: readonly string[];
  readonly fullModules: readonly string[];
  readonly smallModules: readonly string[];
  readonly loaders: readonly LoaderName[];
  readonly level: VerifyLevel | undefined;
  /** `host`, a kernel image or a package with one, or undefined. */
  readonly kernel: string | undefined;
  /** Seconds. */
  readonly timeout: number | undefined;
}

/** A check that has ended. */
export interface VerifyRun {
  readonly findings: VerifyFindings;
  /** True where the small BTF has more types than the full one: most likely each was given for the other. */
  readonly isSwapped: boolean;
  /** True where not to go as far as asked is an error: a level was named, or the wrong kernel's BTF. */
  readonly isNamed: boolean;
}

const DEFAULT_TIMEOUT_SECONDS = 60;
/** Twice as long, which a machine may be silent, is still what a timer takes: 2^31 ms. */
const MOST_TIMEOUT_SECONDS = 1_000_000;
const MS_PER_SECOND = 1000;
const NO_FULL = "verify needs --full FILE, or a kernel to boot (--kernel IMAGE), whose BTF it is then";
/** The highest level that asks nobody. */
const HIGHEST_PURE: VerifyLevel = "instructions";

/** Runs a check to its end. Throws UsageError, InputError, FormatError, or RunError. */
export async function runVerify(request: VerifyRequest): Promise<VerifyRun> {
  const { small, full, objects, fullModules, smallModules, kernel } = request;
  const timeout = request.timeout ?? DEFAULT_TIMEOUT_SECONDS;
  if (!(timeout > 0 && timeout <= MOST_TIMEOUT_SECONDS)) {
    throw new UsageError(`verify: --timeout wants a number of seconds above 0, up to ${MOST_TIMEOUT_SECONDS}`);
  }
  // With a kernel to ask and no level named: as far as it goes.
  const asked = request.level ?? (kernel === undefined ? HIGHEST_PURE : "kernel");
  const booted = kernel === HOST ? undefined : kernel;
  if (full === undefined && booted === undefined) throw new UsageError(NO_FULL, "See btfgen verify --help.");
  checkStandardInput("verify", [small, full, booted, ...objects, ...fullModules, ...smallModules]);
  const inputs = readObjects(objects);
  const vm = booted === undefined ? null : await readVmKernel(booted);
  const { target, base } =
    full === undefined && vm !== null ? targetOfVmKernel(vm) : await readTarget(full ?? "", fullModules);
  const smallBase = await readKernel(small);
  const modules = (await Promise.all(smallModules.map(readModules))).flat();
  const smallTarget = parseTarget(smallBase, modules);
  const ruleSets = ruleSetsOf(request.loaders);
  const side = resolveFull(target, inputs.objects, ruleSets);
  const proof = prove(inputs.objects, side, [smallBase, ...modules]);
  const instructions = reaches(asked, "instructions")
    ? compareInstructions(
        inputs.objects,
        side.sets,
        resolveSets(inputs.objects, indexCandidates(smallTarget), ruleSets, false),
      )
    : null;
  const native =
    asked === "replay" || asked === "instructions"
      ? null
      : await checkNatively({
          level: asked,
          onHost: kernel === HOST,
          vm,
          objects: inputs.objects,
          full: target,
          fullBytes: base,
          small: smallTarget,
          smallBytes: smallBase.bytes,
          hasModules: fullModules.length + smallModules.length > 0,
          silenceMs: timeout * MS_PER_SECOND,
        });
  const names = [smallBase, ...modules].map(({ source }) => source);
  return {
    findings: { asked, proof, full: side, inputs, small: names, rules: rulesOf(full, vm), instructions, native },
    isSwapped: typeCount(smallTarget) > typeCount(target),
    isNamed: request.level !== undefined || native?.answer === null,
  };
}

function reaches(asked: VerifyLevel, level: VerifyLevel): boolean {
  return VERIFY_LEVELS.indexOf(asked) >= VERIFY_LEVELS.indexOf(level);
}

/** By which rules the full BTF's kernel makes trampolines: the image knows its release, a file's name may tell it. */
function rulesOf(full: string | undefined, vm: VmKernel | null): KernelRules {
  if (vm === null) return rulesOfKernel(kernelNamedBy(full ?? ""));
  return rulesOfKernel({ release: vm.release, from: "image", isX86: vm.arch === "x86_64" });
}
