import { release } from "node:os";
import { NEWEST_TRAMPOLINE_RULES, type TrampolineRules, trampolineRules } from "../../lib/core/trampoline-rules.ts";

/** Where a kernel release was taken from. */
export type ReleaseSource = "option" | "running kernel" | "image" | "file name" | "none";

/** A kernel's release and architecture, as far as its name tells. */
export interface NamedKernel {
  /** `6.1.0-56-cloud-amd64`; null where nothing tells. */
  readonly release: string | null;
  readonly from: ReleaseSource;
  /** True where the running machine's, or the name's, is x86_64. */
  readonly isX86: boolean;
}

const RUNNING = "/sys/kernel/btf/";
/** A release in a file's name: three numbers, at the start or behind a `-`, `_` or `v`. */
const RELEASE = /(?:^|[-_v])(\d+\.\d+\.\d+[^_/]*)/;
const X86 = /(?:^|[^a-z0-9])(?:x86_64|amd64|x86-64)(?:[^a-z0-9]|$)/;

/** What the path of a kernel's BTF says of it: of BTFHub's archives, packages and images, and of the running kernel's. */
export function kernelNamedBy(path: string): NamedKernel {
  if (path.startsWith(RUNNING)) return { release: release(), from: "running kernel", isX86: process.arch === "x64" };
  const name = path.slice(path.lastIndexOf("/") + 1);
  const found = RELEASE.exec(name)?.[1]?.replace(/\.(btf|tar|deb|rpm|vmlinux|ko)\b.*$/, "") ?? null;
  return { release: found, from: found === null ? "none" : "file name", isX86: X86.test(path) };
}

/** By which rules a kernel's functions are judged, and how that is known. */
export interface KernelRules {
  readonly rules: TrampolineRules;
  /** Null for the newest rules. */
  readonly release: string | null;
  readonly from: ReleaseSource;
  /** `x86_64`, or null for what every architecture refuses. */
  readonly architecture: string | null;
}

/** A kernel's rules: those of its release, else the newest. */
export function rulesOfKernel({ release, from, isX86 }: NamedKernel): KernelRules {
  const architecture = isX86 ? "x86_64" : null;
  const rules = release === null ? undefined : trampolineRules(release);
  if (rules === undefined) return { rules: NEWEST_TRAMPOLINE_RULES, release: null, from: "none", architecture };
  return { rules, release, from, architecture };
}
