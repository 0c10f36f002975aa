import { readFileSync } from "node:fs";
import { HOST_LITTLE_ENDIAN } from "../../checker/native.ts";
import type { CannotRun, NativeLevel } from "../../checker/protocol.ts";
import { NATIVE_LEVELS } from "../../checker/protocol.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { compareLoaderCode, type LoaderComparison } from "../../lib/verify/loader-code.ts";
import { judgeLoads, type ObjectVerdicts } from "../../lib/verify/verdicts.ts";
import { byteOrderOf } from "../inputs/byte-order.ts";
import { checkOnHost, type NativeAnswer } from "./checker-process.ts";
import { checkInVm, type VmKernel, whyNotInVm } from "./vm-check.ts";

/** How far a check goes, each level with all before it. */
export type VerifyLevel = "replay" | "instructions" | NativeLevel;

/** Their names, in order. */
export const VERIFY_LEVELS: readonly VerifyLevel[] = ["replay", "instructions", ...NATIVE_LEVELS];

/** Where the levels that need a kernel are to run. */
export const HOST = "host";
/** The running kernel's own BTF. */
const HOST_BTF = "/sys/kernel/btf/vmlinux";

/** What the native levels are about. */
export interface NativeInput {
  readonly level: NativeLevel;
  /** True where `--kernel host` was said: FULL is to be the running kernel's. */
  readonly onHost: boolean;
  /** The kernel to boot instead of asking this machine's; null for this machine's. */
  readonly vm: VmKernel | null;
  readonly objects: readonly BpfObject[];
  readonly full: Btf;
  readonly fullBytes: Uint8Array;
  readonly small: Btf;
  readonly smallBytes: Uint8Array;
  /** True where modules take part. */
  readonly hasModules: boolean;
  readonly silenceMs: number;
}

/** What the native levels came to. */
export interface NativeResult {
  /** Null where not even the checker was asked. */
  readonly answer: NativeAnswer | null;
  readonly cannot: CannotRun | null;
  /** By object, where level `libbpf` ran. */
  readonly code: readonly LoaderComparison[] | null;
  /** By object, where level `kernel` ran. */
  readonly verdicts: readonly ObjectVerdicts[] | null;
}

/** Runs the levels that need a kernel, as far as asked and as far as this machine lets them. */
export async function checkNatively(input: NativeInput): Promise<NativeResult> {
  const reason = whyNotAtAll(input);
  if (reason !== null) return { answer: null, cannot: { level: "btf-load", reason }, code: null, verdicts: null };
  const check = {
    level: input.level,
    full: input.fullBytes,
    small: input.smallBytes,
    objects: input.objects.map(({ elf }) => elf.bytes),
    silenceMs: input.silenceMs,
  };
  const answer = await (input.vm === null ? checkOnHost(check) : checkInVm(check, input.vm));
  const ran = (level: NativeLevel) =>
    NATIVE_LEVELS.indexOf(level) <= NATIVE_LEVELS.indexOf(input.level) &&
    (answer.cannot === null || NATIVE_LEVELS.indexOf(level) < NATIVE_LEVELS.indexOf(answer.cannot.level));
  if (!ran("libbpf")) return { answer, cannot: answer.cannot, code: null, verdicts: null };
  const indexes = { full: indexCandidates(input.full), small: indexCandidates(input.small) };
  const runs = input.objects.map((_, i) => answer.runs.filter(({ object }) => object === i));
  const code = input.objects.map((object, i) => compareLoaderCode(object, runs[i] ?? [], indexes));
  if (!ran("kernel")) return { answer, cannot: answer.cannot, code, verdicts: null };
  const verdicts = input.objects.map((object, i) =>
    judgeLoads(object.programs, runs[i] ?? [], code[i]?.withTypeIds ?? new Set()),
  );
  return { answer, cannot: answer.cannot, code, verdicts };
}

/** What stands against every native level before anything is asked; null for nothing. */
function whyNotAtAll({ onHost, vm, level, full, fullBytes, hasModules }: NativeInput): string | null {
  if (hasModules) {
    return "kernels take no split BTF, and libbpf reads no modules beside the BTF that it is given: leave them out";
  }
  if (vm !== null) return whyNotInVm(vm, fullBytes);
  if ((byteOrderOf(full) === "little") !== HOST_LITTLE_ENDIAN) {
    return "the BTF is of the other byte order than this machine";
  }
  return onHost || level === "kernel" ? whyNotHost(fullBytes) : null;
}

/** Why this machine's kernel cannot take programs that are relocated for that full BTF, and the way out; null where it can. */
function whyNotHost(full: Uint8Array): string | null {
  const wayOut =
    "boot the kernel that FULL is of (--kernel IMAGE), or leave --kernel out and go no further than --level libbpf";
  try {
    if (readFileSync(HOST_BTF).equals(full)) return null;
  } catch {
    return `the running kernel shows no BTF (${HOST_BTF}): ${wayOut}`;
  }
  return `FULL is not the running kernel's BTF: give ${HOST_BTF} as --full (and small BTF made from it), ${wayOut}`;
}
