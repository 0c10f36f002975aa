/** A kernel release taken apart: `5.15.0-1049-aws` is 5.15.0, build 1049, flavour `aws`. */
export interface KernelRelease {
  /** Version: up to three numbers, those that are missing are 0. */
  readonly version: readonly [number, number, number];
  /** The numbers behind the version, up to the first word that is none: what a distribution counts its builds by. */
  readonly build: readonly number[];
  /** The rest, without numbers: `aws`, `cloud-amd64`, `el8.x86_64`. Kernels of one flavour share a configuration. */
  readonly flavour: string;
}

/** Takes a release apart; what does not look like one has version 0.0.0 and is all flavour. */
export function parseRelease(release: string): KernelRelease {
  const [head = ""] = /^\d+(?:\.\d+){0,2}/.exec(release) ?? [];
  const [major = 0, minor = 0, patch = 0] = head.split(".").map(Number);
  const words = release
    .slice(head.length)
    .split(/[-.+_~]/)
    .filter((word) => word !== "");
  const firstWord = words.findIndex((word) => !/^\d+$/.test(word));
  const numbers = firstWord === -1 ? words : words.slice(0, firstWord);
  const rest = firstWord === -1 ? [] : words.slice(firstWord);
  // Numbers among the words (el7_9.2, deb12u1's rebuilds) are builds too, not another configuration.
  const flavour = rest.filter((word) => !/^\d+$/.test(word)).join("-");
  return { version: [major, minor, patch], build: numbers.map(Number), flavour };
}

/**
 * How far two releases are apart, as numbers to be compared one after the other: difference of major and of minor
 * version, another flavour or not, difference of the patch level, then of the build numbers. The flavour comes before
 * the patch level because it is another configuration, and a configuration changes more structs than a stable update.
 */
export function releaseDistance(a: KernelRelease, b: KernelRelease): readonly number[] {
  const difference = (x: number | undefined, y: number | undefined) => Math.abs((x ?? 0) - (y ?? 0));
  const builds = Array.from({ length: Math.max(a.build.length, b.build.length) }, (_, i) =>
    difference(a.build[i], b.build[i]),
  );
  return [
    difference(a.version[0], b.version[0]),
    difference(a.version[1], b.version[1]),
    a.flavour === b.flavour ? 0 : 1,
    difference(a.version[2], b.version[2]),
    ...builds,
  ];
}

/** Compares two distances; a missing number is 0. */
export function compareDistances(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
