import { canonicalArch } from "../../corpus/arch.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import { type PathPattern, parsePathPattern } from "../../corpus/source/path-pattern.ts";
import { UsageError } from "../errors.ts";

/** The options of IDENTITY_OPTIONS as given; `release` where a command has it. */
interface IdentityArgs {
  readonly id: string | undefined;
  readonly "version-id": string | undefined;
  readonly arch: string | undefined;
  readonly release?: string | undefined;
}

/** What the command line says of all kernels; null for what it does not. */
export function identityOf({ id, "version-id": versionId, arch, release }: IdentityArgs): KernelIdentity {
  return {
    id: id ?? null,
    versionId: versionId ?? null,
    arch: arch === undefined ? null : canonicalArch(arch),
    release: release ?? null,
  };
}

/** The pattern of `--paths`, compiled; null where there is none. Throws UsageError. */
export function pathsOf(text: string | undefined): PathPattern | null {
  if (text === undefined) return null;
  const pattern = parsePathPattern(text);
  if (typeof pattern !== "string") return pattern;
  throw new UsageError(
    `--paths ${text}: ${pattern}`,
    "A pattern is as in --paths '{id}-{version_id}/{release}-{arch}'.",
  );
}
