/** The way to the kernel, or why there is none: what the checker and the runner find out before they ask anything. */
import { readFileSync } from "node:fs";
import { EPERM, errnoName } from "../lib/verify/errno.ts";
import { type BpfCall, type BpfSyscall, bpfCall, bpfSyscall } from "./kernel.ts";
import { liftLockedMemory, lockedMemoryLimit } from "./locked-memory.ts";
import { KOFFI_MISSING, type Koffi } from "./native.ts";

const UNPRIVILEGED_SWITCH = "/proc/sys/kernel/unprivileged_bpf_disabled";

/** A kernel that takes programs from this process. */
export interface OpenKernel {
  readonly koffi: Koffi;
  readonly call: BpfCall;
  readonly bpf: BpfSyscall;
}

/** Tries bpf(2) with a program that does nothing; where that is refused, the reason in words. */
export function openKernel(koffi: Koffi | null): OpenKernel | { readonly reason: string } {
  if (koffi === null) return { reason: KOFFI_MISSING };
  const call = bpfCall(koffi);
  if (call === null) return { reason: `calling the kernel on ${process.arch} is not built yet` };
  liftLockedMemory(koffi);
  const bpf = bpfSyscall(koffi, call);
  const errno = bpf.tryProgram();
  return errno === 0 ? { koffi, call, bpf } : { reason: whyRefused(errno) };
}

function whyRefused(errno: number): string {
  const name = errnoName(errno);
  if (errno !== EPERM) return `bpf(2) gives ${name}: this kernel, or a filter of system calls, has no BPF`;
  const locked = lockedMemoryLimit();
  if (locked !== null) {
    return `bpf(2) gives ${name}: this kernel counts BPF as locked memory, of which ${locked} are allowed: ulimit -l unlimited`;
  }
  if (process.getuid?.() === 0)
    return `bpf(2) gives ${name} to root: a filter of system calls or a lockdown forbids it`;
  const off = unprivilegedSwitch();
  const note = off === "1" || off === "2" ? ` (kernel.unprivileged_bpf_disabled is ${off})` : "";
  return `bpf(2) gives ${name}${note}: run as root, or with CAP_BPF, CAP_PERFMON and, for what sees packets, CAP_NET_ADMIN`;
}

function unprivilegedSwitch(): string | null {
  try {
    return readFileSync(UNPRIVILEGED_SWITCH, "utf8").trim();
  } catch {
    return null;
  }
}
