import type { BootImage } from "../../corpus/source/boot-image.ts";
import type { VmLine } from "../../vm/protocol.ts";
import { RunError } from "../errors.ts";
import { parseTarget } from "../inputs/btf-input.ts";
import { readInput } from "../inputs/input.ts";
import type { TargetInput } from "../inputs/target-input.ts";
import { Collected, type NativeAnswer, type NativeCheck } from "./checker-process.ts";

/** A kernel to boot. */
export type VmKernel = BootImage;

/** The architecture, as Node and as BTFHub name it, of kernels that can be booted so far. */
const BOOTABLE = { node: "x64", kernel: "x86_64" } as const;
/** The guest itself watches the checker: the machine around it is given up later. */
const PATIENCE = 2;
/** What a busy machine may take to boot a kernel in emulation, however short a step's time is. */
const LEAST_SILENCE_MS = 60_000;

/** Reads a kernel image, or a package with one. Throws InputError, or FormatError. */
export async function readVmKernel(path: string): Promise<VmKernel> {
  const { bootImageOf } = await import("../../corpus/source/boot-image.ts");
  return bootImageOf(readInput(path), path);
}

/** Its own BTF as the full one. Throws FormatError. */
export function targetOfVmKernel({ btf, origin }: VmKernel): TargetInput {
  return { target: parseTarget({ bytes: btf, source: origin }), base: btf, bytes: btf.length };
}

/** How long a machine may be silent in which a step may take so long, in milliseconds. */
export function machineSilence(stepMs: number): number {
  return Math.max(stepMs * PATIENCE, LEAST_SILENCE_MS);
}

/** Why this kernel cannot be booted here; null where it can. */
export function whyNotBootable({ arch }: VmKernel): string | null {
  if (arch === BOOTABLE.kernel && process.arch === BOOTABLE.node) return null;
  const own = `what runs in the machine is this one's own Node and libbpf (${process.arch})`;
  return `kernels for ${arch ?? "an unknown architecture"} are not booted here: ${own}; so far ${BOOTABLE.kernel} boots itself`;
}

/** Why this kernel cannot be asked here about that full BTF; null where it can. */
export function whyNotInVm(kernel: VmKernel, full: Uint8Array): string | null {
  const { btf, origin } = kernel;
  if (Buffer.compare(btf, full) === 0) return whyNotBootable(kernel);
  return whyNotBootable(kernel) ?? `FULL is not the BTF of ${origin}: leave --full out, its own is taken then`;
}

/**
 * Has everything checked by a kernel booted for it; like checkOnHost otherwise.
 * Throws RunError, or CouldNotRunError where the machine does not come to an answer.
 */
export async function checkInVm(check: NativeCheck, kernel: VmKernel): Promise<NativeAnswer> {
  const [{ initramfs }, { runVm }] = await Promise.all([import("../../vm/initramfs.ts"), import("../../vm/qemu.ts")]);
  let answer = new Collected();
  const { release } = kernel;
  const config = release === null || kernel.config === null ? null : { release, bytes: kernel.config };
  let hasOwnBtf: boolean | null = null;
  const onLine = (line: VmLine) => {
    if (line.type === "guest") hasOwnBtf = line.sameBtf;
    else if (line.type === "broken") answer.breakOff(line.how);
    else if (line.type !== "failed" && line.type !== "loader") answer.take(line);
  };
  await runVm({
    image: kernel.image,
    source: kernel.origin,
    initramfs: initramfs(import.meta.dirname, { ...check, libbpf: process.env.BTFGEN_LIBBPF ?? null, config }),
    silenceMs: machineSilence(check.silenceMs),
    onLine,
    onRestart: () => {
      answer = new Collected();
      hasOwnBtf = null;
    },
  });
  if (hasOwnBtf !== true) {
    const what = hasOwnBtf === null ? "shows no BTF" : "has other BTF than its image";
    throw new RunError(`${kernel.origin}: booted, it ${what}`);
  }
  return answer.result();
}
