import type { MapOrigin } from "../prepare/plan.ts";
import type { ProgramType } from "../prepare/program-type.ts";

/** What a step of a loader does. */
export type StepAction = "check-data" | "load-btf" | "create-map" | "fill-map" | "freeze-map" | "find" | "load-program";

/** One system call (or look-up) of a loader program; when it fails, the loader says its number. */
export interface LoaderStep {
  readonly action: StepAction;
  /** The map, the program, or the kernel's function, variable or type that is looked up. */
  readonly name: string;
}

/** A variable of a data map, by which its contents can be set before the loader runs. Bytes. */
export interface LoaderVariable {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A map that the loader creates. */
export interface LoaderMap {
  readonly name: string;
  /** As the kernel gets it. */
  readonly kernelName: string;
  readonly origin: MapOrigin;
  readonly section: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** The number of possible CPUs is to be written to `maxEntriesAt`. */
  readonly entryPerCpu: boolean;
  /** The object asks for it to be pinned, which a loader program does not do. */
  readonly pinned: boolean;
  readonly frozen: boolean;
  /** Place in the data of the number of entries, 32 bits, to be changed before the loader runs. */
  readonly maxEntriesAt: number;
  /** Place in the data of the contents, `valueSize` bytes; null for a map that is created empty. */
  readonly contentsAt: number | null;
  readonly variables: readonly LoaderVariable[];
  /** Place in the context of the file descriptor. */
  readonly descriptorAt: number;
}

/** A program that the loader loads. */
export interface LoaderProgram {
  readonly name: string;
  readonly section: string;
  readonly type: ProgramType | null;
  readonly attachType: number;
  readonly descriptorAt: number;
}

/**
 * How a signature covers the data: the loader program, which is signed, has the data's hash in its instructions and compares
 * (`hash`); or the data is signed with the instructions, and the kernel sees to it (`data`).
 */
export type SignatureScheme = "hash" | "data";

/** A loader program, and what whoever runs it has to know. */
export interface Loader {
  readonly object: string;
  readonly name: string;
  readonly littleEndian: boolean;
  /** True where CO-RE is applied; false where the kernel that runs it applies it. */
  readonly relocated: boolean;
  /** The first kernel release that has all it uses. */
  readonly since: string;
  /** Of a program of type BPF_PROG_TYPE_SYSCALL; map 0 of its `fd_array` is the data. */
  readonly instructions: Uint8Array;
  /** Where the data's hash goes: four instructions, 64 bits each (sealInstructions); empty for a loader that does not check it. */
  readonly hashAt: readonly number[];
  /** Null for a loader that is not signed. */
  readonly signature: { readonly scheme: SignatureScheme /** Detached, DER. */; readonly pkcs7: Uint8Array } | null;
  /** The data without the zeros at its end. */
  readonly data: Uint8Array;
  /** Bytes of the map that has the data. */
  readonly dataSize: number;
  /** Bytes of the context. */
  readonly contextSize: number;
  /** The failing one's number, counted from 1, is in the context. */
  readonly steps: readonly LoaderStep[];
  readonly maps: readonly LoaderMap[];
  readonly programs: readonly LoaderProgram[];
}

/**
 * The context: what a loader program is given and gives back. All of it is 0 at first but the log's fields; behind it come
 * file descriptors, 32 bits each, of maps and of programs: those that the loader has made, -1 each where it failed.
 */
export const CONTEXT = {
  logLevel: 0,
  logSize: 4,
  /** Address of the log in the caller's memory. */
  log: 8,
  /** Out: the negative errno where it failed, which is the program's result, too. */
  error: 16,
  /** In: the number of the step, from 1, whose log is wanted; 0 for none. Out: where it failed, the step that did. */
  step: 20,
  descriptors: 24,
} as const;

/** Why there is no loader. */
export interface LoaderRefusal {
  readonly refusals: readonly string[];
}
