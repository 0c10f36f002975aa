import type { FormatErrorCode } from "../../lib/btf/error.ts";
import type { BtfInput } from "../../lib/btf/parse.ts";
import type { OutputMemory } from "../codec/codec.ts";
import type { KernelBtf, KernelIdentity } from "../kernel.ts";
import { promisesBtf } from "./identity.ts";
import type { PathPattern } from "./path-pattern.ts";

/** A module that came without its kernel: split BTF, to be read behind that kernel's. Only where modules are asked for. */
export interface LooseModule {
  readonly identity: KernelIdentity;
  readonly origin: string;
  /** The module's name, as `lsmod` has it. */
  readonly module: string;
  readonly btf: BtfInput;
  /** Its `.BTF.base`, which stands in for the kernel's BTF (Linux 6.11 and later, modules built apart), or null. */
  readonly distilledBase: Uint8Array | null;
}

/**
 * What is wrong with an input: a FormatError's code for what is damaged, or `unreadable` (the system says no), `no-kernel`
 * (sound, but nothing of a kernel's: in a directory it is passed over), `module` (a module, which needs its kernel),
 * `bundle` (in a directory: small BTF of ours, which is no kernel's own).
 */
export type SourceProblemCode = FormatErrorCode | "unreadable" | "no-kernel" | "module" | "bundle";

/** An input, or a part of one, that gave no kernel. The others go on. */
export interface SourceProblem {
  readonly origin: string;
  readonly code: SourceProblemCode;
  /** What is wrong, without the origin. */
  readonly problem: string;
}

/** What reading a source gives, one by one. */
export type SourceItem = KernelBtf | LooseModule | SourceProblem;

/** How sources are read. */
export interface SourceOptions {
  /** Bound for everything that is unpacked, in bytes each; DEFAULT_MAX_BYTES when absent. */
  readonly maxBytes?: number;
  /** Modules' split BTF, too: all, or only that of files which are modules themselves (not what a package is full of). */
  readonly modules?: boolean | "alone";
  /** Memory for a compressed file's content: good until the source is read to its end. New memory where absent. */
  readonly memory?: OutputMemory;
  /** What the caller knows better than the source. */
  readonly identity?: Partial<KernelIdentity>;
  /** How paths tell which kernel a file has, where they are not BTFHub's. */
  readonly paths?: PathPattern;
}

/** What is said of a BPF object where a kernel is expected: types of its own are no kernel's. */
export const NOT_A_KERNEL = "a BPF object, not a kernel";
/** What is said where a kernel was to be found among whatever there is. */
export const NO_KERNEL = "no kernel's BTF was found in it";

/** More than any kernel has unpacked (an unstripped vmlinux: 0.9 GB). */
export const DEFAULT_MAX_BYTES = 1 << 30;

/** True for what is wrong. */
export function isProblem(item: object): item is SourceProblem {
  return "problem" in item;
}

/**
 * True for a problem that is none: nothing of a kernel's in a file that nobody named, but found in a directory. Where the
 * name promises BTF it is one all the same: an empty RELEASE.btf.tar.xz is a download that failed.
 */
export function isPassedOver({ code, origin }: SourceProblem, isNamed: boolean): boolean {
  return !isNamed && (code === "bundle" || code === "module" || (code === "no-kernel" && !promisesBtf(origin)));
}

/** True for a module without its kernel. */
export function isLooseModule(item: SourceItem): item is LooseModule {
  return "module" in item;
}
