/** The limit of locked memory, as which kernels before 5.11 count BPF programs and maps (setrlimit(2), RLIMIT_MEMLOCK). */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import type { Koffi } from "./native.ts";

const RLIMIT_MEMLOCK = 8;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** The first kernel that counts them as their control group's memory. */
const FIRST_WITHOUT = [5, 11] as const;

/** Lifts the limit where that is allowed; libbpf does so itself, but later than the first question. */
export function liftLockedMemory(koffi: Koffi): void {
  const unlimited = Buffer.from(new BigUint64Array([ALL_ONES, ALL_ONES]).buffer);
  koffi.load("libc.so.6").func("int setrlimit(int resource, void *limit)")(RLIMIT_MEMLOCK, unlimited);
}

/** The limit in words, where it can be what a refusal (EPERM) is about; else null. */
export function lockedMemoryLimit(): string | null {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major > FIRST_WITHOUT[0] || (major === FIRST_WITHOUT[0] && minor >= FIRST_WITHOUT[1])) return null;
  const limit = /^Max locked memory\s+(\S+)/m.exec(limits())?.[1];
  return limit === undefined || limit === "unlimited" ? null : `${limit} bytes`;
}

function limits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
