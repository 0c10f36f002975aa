/** What a kernel's externs of `.kconfig` are that no config file has: libbpf makes these up at run time (libbpf.c, bpf_object__resolve_externs). */

/** The running kernel. */
export interface RunningKernel {
  /** `uname -r` */
  readonly release: string;
  /** As Node names it. */
  readonly arch: string;
}

/** bpf_get_attach_cookie came with Linux 5.15. */
const COOKIE_SINCE = 0x050f00;
/** System calls behind a wrapper: since Linux 4.17 on these. */
const WRAPPED: ReadonlySet<string> = new Set(["x64", "s390x", "arm64", "riscv64"]);

/** `6.1.192` as the kernel's macros have it: 8 bits each, the last at most 255. */
export function versionCode(release: string): number {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release) ?? []).slice(1).map(Number);
  return (major << 16) | (minor << 8) | Math.min(Number.isNaN(patch) ? 0 : patch, 0xff);
}

/** The value of such an extern; null for one that a config file has. */
export function madeUpSetting(name: string, { release, arch }: RunningKernel): number | null {
  switch (name) {
    case "LINUX_KERNEL_VERSION":
      return versionCode(release);
    case "LINUX_HAS_BPF_COOKIE":
      return versionCode(release) >= COOKIE_SINCE ? 1 : 0;
    case "LINUX_HAS_SYSCALL_WRAPPER":
      return WRAPPED.has(arch) ? 1 : 0;
    default:
      return null;
  }
}
