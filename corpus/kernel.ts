import type { BtfInput } from "../lib/btf/parse.ts";

/** Which kernel a BTF belongs to, as BTFHub's tree has it; null where it is not known. */
export interface KernelIdentity {
  /** Distribution: `ID` of os-release (`debian`, `ubuntu`, `amzn`). */
  readonly id: string | null;
  /** Its version: `VERSION_ID` of os-release (`12`, `22.04`). */
  readonly versionId: string | null;
  /** Architecture as BTFHub names it: `x86_64`, `arm64`, `s390x`, `ppc64le`, `riscv64`. */
  readonly arch: string | null;
  /** Kernel release: `uname -r`. */
  readonly release: string | null;
}

/** One kernel's BTF, out of whatever it was packed in. */
export interface KernelBtf {
  readonly identity: KernelIdentity;
  /** The input it comes from, for messages: a path, or `archive!member`. */
  readonly origin: string;
  /** The kernel's own BTF, raw. */
  readonly btf: BtfInput;
  /** Its modules' split BTF, in the order of their names; empty unless asked for. */
  readonly modules: readonly BtfInput[];
}

/** The four parts joined by `/`, with `-` for an unknown one. */
export function kernelKey({ id, versionId, arch, release }: KernelIdentity): string {
  return [id, versionId, arch, release].map((part) => part ?? "-").join("/");
}
