import { compareText } from "../../lib/btf/text-order.ts";
import type { KernelIdentity } from "../kernel.ts";

/** A release in two parts: what counts up, and which of the parallel kernels it is. */
export interface SplitRelease {
  /** `6.1.0-56`, `5.4.0-1024`, `4.18.0-348.el8`. */
  readonly version: string;
  /** `cloud-amd64`, `aws`, `rt`; empty where there is none. */
  readonly flavour: string;
}

/** `.x86_64` at the end of an rpm's release, perhaps with a variant behind it: `.x86_64+debug`. */
const RPM_ARCH = /\.(?:x86_64|aarch64|s390x|ppc64le|ppc64|i[3-6]86|riscv64|armv7hl)(?:[+.]([a-z][\w-]*))?$/;
/** Parts that count: those that begin with a number, or `6.2.0-rc3`; but `arm64-16k` is a flavour with its page size. */
const COUNTING = /^(?!\d+k$)(?:\d|rc\d)/;

/**
 * Splits `uname -r`. The flavour is what stands behind the last part that counts (`6.1.0-56-cloud-amd64` has
 * `cloud-amd64`, `5.4.0-42-generic` `generic`), or what an rpm has behind its architecture. A release that begins with
 * no number is all version.
 */
export function splitRelease(release: string): SplitRelease {
  const rpm = RPM_ARCH.exec(release);
  if (rpm !== null) return { version: release.slice(0, rpm.index), flavour: rpm[1] ?? "" };
  const parts = release.split("-");
  let counting = parts.length;
  while (counting > 1 && !COUNTING.test(parts[counting - 1] as string)) counting--;
  return { version: parts.slice(0, counting).join("-"), flavour: parts.slice(counting).join("-") };
}

/** Numbers, words, and the `~` and `rc` which make a version come before the one without them. */
const TOKEN = /\d+|[a-z]+|~/gi;

/**
 * Compares versions as people count: 6.1.0-9 comes before 6.1.0-10, 6.2-rc1 before 6.2, 6.2 before 6.2.1. Numbers come
 * behind words, as rpm has it. Zero only for versions that are the same but for their punctuation; the caller decides
 * between those.
 */
export function compareVersions(a: string, b: string): number {
  const left = a.match(TOKEN) ?? [];
  const right = b.match(TOKEN) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = compareTokens(left[i], right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareTokens(a: string | undefined, b: string | undefined): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0 || a === undefined || b === undefined) return rank;
  if (rankOf(a) !== RANK_NUMBER) return compareText(a, b);
  // Builds may have more digits than a number holds exactly (dates with times do).
  const left = a.replace(/^0+(?=\d)/, "");
  const right = b.replace(/^0+(?=\d)/, "");
  return left.length - right.length || compareText(left, right);
}

const RANK_BEFORE_END = 0;
const RANK_END = 1;
const RANK_WORD = 2;
const RANK_NUMBER = 3;

function rankOf(token: string | undefined): number {
  if (token === undefined) return RANK_END;
  if (token === "~" || token === "rc") return RANK_BEFORE_END;
  return /\d/.test(token) ? RANK_NUMBER : RANK_WORD;
}

/**
 * The order of a matrix: distribution, its version, architecture, flavour, release. A part that is not known comes
 * first. Zero only for equal identities.
 */
export function compareIdentities(a: KernelIdentity, b: KernelIdentity): number {
  const left = splitRelease(a.release ?? "");
  const right = splitRelease(b.release ?? "");
  return (
    compareTexts(a.id, b.id) ||
    compareVersions(a.versionId ?? "", b.versionId ?? "") ||
    compareTexts(a.versionId, b.versionId) ||
    compareTexts(a.arch, b.arch) ||
    compareTexts(left.flavour, right.flavour) ||
    compareVersions(left.version, right.version) ||
    compareTexts(a.release, b.release)
  );
}

function compareTexts(a: string | null, b: string | null): number {
  return compareText(a ?? "", b ?? "");
}
