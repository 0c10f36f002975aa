/**
 * One architecture has many names: BTFHub's tree says `arm64`, `uname -m` says `aarch64`, Debian `amd64`, rpm `x86_64`,
 * Go `amd64`, the kernel's source `x86`. Inside, BTFHub's name is the one.
 */

interface Architecture {
  /** As in BTFHub's tree, and in KernelIdentity. */
  readonly name: string;
  /** `uname -m` of its kernels. */
  readonly machine: string;
  /** GOARCH. */
  readonly go: string;
  /** Every other name it goes by in packages, file names and version strings. */
  readonly also: readonly string[];
}

const ARCHITECTURES: readonly Architecture[] = [
  { name: "x86_64", machine: "x86_64", go: "amd64", also: ["x86-64", "x64"] },
  { name: "x86", machine: "i686", go: "386", also: ["i386", "i486", "i586"] },
  { name: "arm64", machine: "aarch64", go: "arm64", also: ["armv8l"] },
  { name: "arm", machine: "armv7l", go: "arm", also: ["armhf", "armel", "armv6l", "armv7hl"] },
  { name: "s390x", machine: "s390x", go: "s390x", also: [] },
  { name: "ppc64le", machine: "ppc64le", go: "ppc64le", also: ["ppc64el", "powerpc64le"] },
  { name: "ppc64", machine: "ppc64", go: "ppc64", also: ["powerpc64"] },
  { name: "riscv64", machine: "riscv64", go: "riscv64", also: [] },
  { name: "loong64", machine: "loongarch64", go: "loong64", also: ["loongarch"] },
  { name: "mips64el", machine: "mips64", go: "mips64le", also: ["mips64le"] },
];

const BY_ANY_NAME: ReadonlyMap<string, Architecture> = new Map(
  ARCHITECTURES.flatMap((arch) =>
    [arch.name, arch.machine, arch.go, ...arch.also].map((name) => [name, arch] as const),
  ),
);

/** Every name of every architecture, in lower case. */
export const ARCHITECTURE_NAMES: readonly string[] = [...BY_ANY_NAME.keys()];

/** BTFHub's name of an architecture by any of its names (`aarch64` gives `arm64`, `amd64` gives `x86_64`), or null. */
export function knownArch(word: string): string | null {
  return BY_ANY_NAME.get(word.toLowerCase())?.name ?? null;
}

/** As knownArch, and the word itself for an architecture nobody has told us of. */
export function canonicalArch(word: string): string {
  return knownArch(word) ?? word;
}

/** What `uname -m` says on an architecture, given by any name; the word itself where it is unknown. */
export function machineOf(arch: string): string {
  return BY_ANY_NAME.get(arch.toLowerCase())?.machine ?? arch;
}

/** GOARCH of an architecture, given by any name; the word itself where it is unknown. */
export function goArchOf(arch: string): string {
  return BY_ANY_NAME.get(arch.toLowerCase())?.go ?? arch;
}
