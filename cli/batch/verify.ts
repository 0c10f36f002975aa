/**
 * `batch --verify-kernel`: kernels of the corpus whose images are at hand are booted, one after the other, and asked
 * about the small BTF that the run has made for them. It comes behind the run, over what that has found.
 */
import { fileHash } from "../../corpus/batch/file-hash.ts";
import type { ObjectTag } from "../../corpus/batch/object-tag.ts";
import type { PlannedFile } from "../../corpus/batch/plan.ts";
import type { TalliedKernel } from "../../corpus/batch/tally.ts";
import { compareVersions } from "../../corpus/compat/release-order.ts";
import { CouldNotRunError } from "../../corpus/could-not-run.ts";
import { kernelKey } from "../../corpus/kernel.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { compareText } from "../../lib/btf/text-order.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { RunError } from "../errors.ts";
import { parseTarget } from "../inputs/btf-input.ts";
import { headOf, readInput } from "../inputs/input.ts";
import { checkNatively } from "../verify/levels.ts";
import { targetOfVmKernel } from "../verify/vm-check.ts";
import type { PreparedBatch } from "./run.ts";
import { judgeKernel, type KernelAnswer, untestedKernel } from "./verify-report.ts";

/** How many kernels to ask: all that can be, or so many, from the oldest to the newest. */
export type KernelSample = "all" | number;

/** What became of a kernel that was to be asked. */
export interface KernelCheck extends KernelAnswer {
  /** `ID/VERSION_ID/ARCH/RELEASE`. */
  readonly kernel: string;
  readonly origin: string;
  readonly milliseconds: number;
}

/** All of them. */
export interface KernelChecks {
  readonly asked: KernelSample;
  /** Those that were taken up, from the oldest to the newest. */
  readonly checks: readonly KernelCheck[];
  /** Kernels of the bundle that were not, by the reason. */
  readonly notAsked: readonly { readonly reason: string; readonly kernels: number; readonly first: string }[];
}

/** A kernel, the file that it comes from, and why it cannot be asked (null where it can). */
interface Candidate {
  readonly key: string;
  readonly kernel: TalliedKernel;
  readonly job: PlannedFile | undefined;
  readonly blocked: string | null;
}

/** How long a step may take in a machine that is emulated, on cores that do other things too. */
const STEP_MS = 120_000;
const GUEST_ARCH = "x86_64";

/**
 * Says before any work is done what stands against booting kernels here.
 * Throws CouldNotRunError: no qemu, no koffi, no libbpf; or RunError: no file of the corpus can have a kernel image.
 */
export async function requireMachines(jobs: readonly PlannedFile[], isShard: boolean): Promise<void> {
  const [{ requireMonitor }, { requireLoader }] = await Promise.all([
    import("../../vm/qemu.ts"),
    import("../../vm/initramfs.ts"),
  ]);
  requireMonitor();
  requireLoader(import.meta.dirname, process.env.BTFGEN_LIBBPF ?? null);
  // Another shard may have them all.
  if (isShard) return;
  const heads = await headReader();
  if (!jobs.some(({ path }) => heads(path))) {
    throw new RunError("--verify-kernel: no file of the corpus is a kernel image, or a package that can have one");
  }
}

/** Asks the kernels; `onCheck` is told of each as soon as it has answered. */
export async function verifyKernels(
  prepared: PreparedBatch,
  kernels: readonly TalliedKernel[],
  asked: KernelSample,
  onCheck: (check: KernelCheck) => void,
): Promise<KernelChecks> {
  const candidates = await candidatesOf(prepared, kernels);
  const able = candidates.filter(({ blocked }) => blocked === null);
  const chosen = sampleOf(able, asked);
  const checks: KernelCheck[] = [];
  for (const candidate of chosen) {
    const begin = performance.now();
    const answer = await checkKernel(prepared, candidate);
    const milliseconds = Math.round(performance.now() - begin);
    const check = { kernel: candidate.key, origin: candidate.kernel.origin, ...answer, milliseconds };
    checks.push(check);
    onCheck(check);
  }
  const isChosen = new Set(chosen);
  const groups = new Map<string, { kernels: number; readonly first: string }>();
  for (const candidate of candidates) {
    if (isChosen.has(candidate)) continue;
    const reason = candidate.blocked ?? "not in the sample";
    const group = groups.get(reason);
    if (group === undefined) groups.set(reason, { kernels: 1, first: candidate.key });
    else group.kernels++;
  }
  return { asked, checks, notAsked: [...groups].map(([reason, group]) => ({ reason, ...group })) };
}

/** Each kernel once, from the oldest release to the newest; of several sources of one the first that has an image. */
async function candidatesOf(prepared: PreparedBatch, kernels: readonly TalliedKernel[]): Promise<Candidate[]> {
  const hasImage = await headReader();
  const found = new Map<string, Candidate>();
  for (const kernel of kernels) {
    const key = kernelKey(kernel.identity);
    const known = found.get(key);
    if (known !== undefined && known.blocked === null) continue;
    const job = jobOf(prepared.plan.jobs, kernel.origin);
    const candidate = { key, kernel, job, blocked: whyNot(prepared, kernel, job, hasImage) };
    if (known === undefined || candidate.blocked === null) found.set(key, candidate);
  }
  const release = ({ kernel }: Candidate) => kernel.identity.release ?? "";
  return [...found.values()].sort((a, b) => compareVersions(release(a), release(b)) || compareText(a.key, b.key));
}

/** The file that a part's origin (`FILE`, `FILE!MEMBER`) begins with. */
function jobOf(jobs: readonly PlannedFile[], origin: string): PlannedFile | undefined {
  return jobs.find(({ name }) => origin === name || origin.startsWith(`${name}!`));
}

function whyNot(
  prepared: PreparedBatch,
  { identity, origin }: TalliedKernel,
  job: PlannedFile | undefined,
  hasImage: (path: string) => boolean,
): string | null {
  if (job === undefined || !hasImage(job.path)) return "its BTF came without a kernel image";
  // A package in an archive: what can be booted is a file's own image.
  if (origin.slice(job.name.length).split("!").length > 2) return "its image is in a package inside another file";
  if (identity.arch !== GUEST_ARCH)
    return `kernels for ${identity.arch ?? "an unknown architecture"} are not booted here`;
  return objectsFor(prepared, identity.arch).length === 0 ? "no object is for it" : null;
}

function objectsFor({ setup, objects }: PreparedBatch, arch: string): readonly BpfObject[] {
  const isFor = (tag: ObjectTag | null) => tag === null || tag.arches.includes(arch);
  return objects.filter((_, i) => setup.objects[i]?.littleEndian === true && isFor(setup.objects[i]?.tag ?? null));
}

/** So many, evenly from the first to the last; one alone is the last. */
function sampleOf<T>(all: readonly T[], asked: KernelSample): readonly T[] {
  if (asked === "all" || asked >= all.length) return all;
  if (asked === 1) return all.slice(-1);
  const places = Array.from({ length: asked }, (_, i) => Math.round((i * (all.length - 1)) / (asked - 1)));
  return places.flatMap((place) => all[place] ?? []);
}

async function checkKernel(prepared: PreparedBatch, { kernel, job }: Candidate): Promise<KernelAnswer> {
  try {
    return await askKernel(prepared, kernel, job?.path ?? "");
  } catch (error) {
    if (error instanceof FormatError) return untestedKernel(error.message);
    const isMachines = error instanceof CouldNotRunError || error instanceof RunError;
    if (isMachines) return { ...untestedKernel(error.message), verdict: "no-answer" };
    throw error;
  }
}

async function askKernel(
  prepared: PreparedBatch,
  { origin, sourceHash, bytes, identity }: TalliedKernel,
  path: string,
): Promise<KernelAnswer> {
  const { bootImageOf } = await import("../../corpus/source/boot-image.ts");
  const { options } = prepared.setup;
  const file = readInput(path);
  if (fileHash(file) !== sourceHash) return untestedKernel("its file has changed since the run read it");
  const vm = await bootImageOf(file, path, { maxBytes: options.maxBytes });
  if (vm.release !== null && identity.release !== null && vm.release !== identity.release) {
    return untestedKernel(`another image of its file is booted, that of ${vm.release}`);
  }
  const { target, base } = targetOfVmKernel(vm);
  const objects = objectsFor(prepared, identity.arch ?? "");
  const native = await checkNatively({
    level: "kernel",
    onHost: false,
    vm,
    objects,
    full: target,
    fullBytes: base,
    small: parseTarget({ bytes, source: origin }),
    smallBytes: bytes,
    hasModules: false,
    silenceMs: STEP_MS,
  });
  return judgeKernel(native, objects);
}

/** Tells by a file's first bytes whether a kernel image can be in it; each file is looked at once. */
async function headReader(): Promise<(path: string) => boolean> {
  const { BOOT_IMAGE_HEAD_BYTES, mayHaveBootImage } = await import("../../corpus/source/boot-image.ts");
  const known = new Map<string, boolean>();
  return (path) => {
    const answer = known.get(path) ?? mayHaveBootImage(headOf(path, BOOT_IMAGE_HEAD_BYTES));
    known.set(path, answer);
    return answer;
  };
}
